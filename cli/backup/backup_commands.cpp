// ndb backup and ndb restore.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/backup/backup.hpp"
#include "cli/backup/restore.hpp"
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"
#include "cli/verify/verifier.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Transfer {
  std::string folder;
  std::vector<std::string> names;
  std::string against, as;
  bool copy = false, link = false, quiet = false;
};

/// A bar for each collection, in bytes.
class Bar {
 public:
  Bar(const Session& session, bool quiet) : quiet_(quiet), progress_(session.streams.err, session.streams.err_is_terminal) {}
  void update(std::uint64_t bytes, std::uint64_t total) {
    done_ = {.rows = 0, .rows_total = {}, .bytes = bytes, .bytes_total = total};
    if (!quiet_) progress_.update_bytes(done_);
  }
  void finish() {
    if (!quiet_) progress_.finish_bytes(done_);
  }

 private:
  const bool quiet_;
  Progress progress_;
  Done done_;
};

Status check_names(const std::vector<std::string>& wanted, const std::vector<std::string>& there, const std::string& where) {
  for (const auto& name : wanted)
    if (std::ranges::find(there, name) == there.end()) return fail(ErrorCode::not_found, fmt::format("no collection '{}' in {}", name, where));
  return {};
}

/// Creates the folder for a backup; nothing may be in it.
Status prepare_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(ErrorCode::io_error, fmt::format("{}: {}", folder.string(), error.message()));
  if (is_backup(folder)) return fail(ErrorCode::already_exists, folder.string() + " is a backup already; each one needs a folder of its own (--against makes it small)");
  if (std::filesystem::is_empty(folder, error)) return {};
  return fail(ErrorCode::already_exists, folder.string() + " is not empty; a backup goes into an empty place only");
}

void print_backup(const Session& session, const Transfer& options, const BackupList& list, const PlacedBytes& placed) {
  if (session.json) {
    http::JsonWriter json;
    json.begin_object().field("folder", options.folder).key("collections").begin_array();
    for (const auto& one : list.collections)
      json.begin_object().field("name", one.name).field("manifest_version", one.manifest_version).field("seq", one.seq).field("bytes", one.bytes()).end_object();
    json.end_array().field("bytes_reused", placed.reused).field("bytes_shared", placed.shared).field("bytes_linked", placed.linked);
    json.field("bytes_copied", placed.copied).end_object();
    return session.print_json(json.text());
  }
  for (const auto& one : list.collections)
    session.streams.out << fmt::format("backed up '{}': manifest {}, seq {}, {} in {} files\n", one.name, one.manifest_version, one.seq, human_bytes(one.bytes()), one.files.size());
  session.streams.out << fmt::format("segments: {} copied, {} linked, {} shared, {} of the earlier backup\ncheck it: ndb verify --data-dir {}\n", human_bytes(placed.copied),
                                     human_bytes(placed.linked), human_bytes(placed.shared), human_bytes(placed.reused), printable(options.folder));
}

Status backup(const Session& session, const Transfer& options) {
  if (!session.address.url.empty()) return usage("backup reads files, beside a running writer too: give --data-dir instead of --url");
  const std::filesystem::path data = session.address.data_dir;
  NDB_TRY_ASSIGN(const auto found, find_collections(fs::posix_file_system(), data));
  NDB_TRY(check_names(options.names, found, data.string()));
  if (!options.against.empty()) {  // not found, damaged: say so before anything is done
    NDB_TRY(read_backup_list(options.against));
    if (const auto odd = find_odd_files(options.against); !odd.empty()) return fail(ErrorCode::corruption, odd.front());
  }
  NDB_TRY(prepare_folder(options.folder));
  BackupList list;
  PlacedBytes placed;
  for (const auto& name : options.names.empty() ? found : options.names) {
    Bar bar(session, options.quiet);
    const BackupOptions how{.place = {.may_share = !options.copy, .may_link = !options.copy}, .against = options.against,
                            .progress = [&](std::uint64_t bytes, std::uint64_t total) { bar.update(bytes, total); }};
    NDB_TRY_ASSIGN(auto one, backup_collection(data, name, options.folder, how, placed));
    bar.finish();
    list.collections.push_back(std::move(one));
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  list.created_unix_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  NDB_TRY(fs::posix_file_system().sync_directory(options.folder));  // the collections' names, before the list that vouches for them
  NDB_TRY(write_backup_list(options.folder, list));
  print_backup(session, options, list, placed);
  return {};
}

Status restore(const Session& session, const Transfer& options) {
  if (!session.address.url.empty()) return usage("restore writes files: give --data-dir instead of --url");
  if (!options.as.empty() && options.names.size() != 1) return usage("--as needs the name of one collection");
  if (!options.as.empty())
    if (const auto status = validate_collection_name(options.as); !status) return usage(status.error().message);
  if (!is_backup(options.folder)) return fail(ErrorCode::not_found, options.folder + " is no whole backup: the file BACKUP is missing");
  NDB_TRY_ASSIGN(const auto list, read_backup_list(options.folder));
  std::vector<std::string> there;
  for (const auto& one : list.collections) there.push_back(one.name);
  NDB_TRY(check_names(options.names, there, options.folder));
  http::JsonWriter json;
  json.begin_object().key("collections").begin_array();
  for (const auto& one : list.collections) {
    if (!options.names.empty() && std::ranges::find(options.names, one.name) == options.names.end()) continue;
    const std::string& name = options.as.empty() ? one.name : options.as;
    Bar bar(session, options.quiet);
    NDB_TRY_ASSIGN(const auto restored, restore_collection(options.folder, one, session.address.data_dir, name, {.may_share = !options.copy, .may_link = options.link},
                                                           [&](std::uint64_t bytes, std::uint64_t total) { bar.update(bytes, total); }));
    bar.finish();
    json.begin_object().field("name", name).field("rows", restored.rows).field("seq", restored.seq).field("bytes", restored.bytes).end_object();
    if (!session.json)
      session.streams.out << fmt::format("restored '{}': seq {}, {} rows in segments, {} checked\n", name, restored.seq, grouped(restored.rows), human_bytes(restored.bytes));
  }
  json.end_array().end_object();
  if (session.json) session.print_json(json.text());
  return {};
}

void declare_backup(CLI::App& command, Transfer& options) {
  command.add_option("folder", options.folder, "Where to: a folder that is empty or does not exist yet")->required()->type_name("DIR");
  command.add_option("collections", options.names, "Which ones [all]")->type_name("COLLECTION...");
  command.add_option("--against", options.against, "An earlier backup: what did not change since is linked to its files")->type_name("DIR");
  command.add_flag("--copy", options.copy, "Copy every byte, also where the file system could share or link files");
  command.add_flag("-q,--quiet", options.quiet, "No progress");
  command.footer("A backup may be made while a writer runs; everything acknowledged before is inside. It is a data folder of its own:\n"
                 "ndb verify and ndb search work on it with --data-dir.\n"
                 "Examples:\n  ndb backup /backups/monday\n  ndb backup /backups/tuesday --against /backups/monday\n  ndb restore /backups/tuesday --data-dir ./new");
}

void declare_restore(CLI::App& command, Transfer& options) {
  command.add_option("folder", options.folder, "The backup")->required()->type_name("DIR");
  command.add_option("collections", options.names, "Which ones [all]")->type_name("COLLECTION...");
  command.add_option("--as", options.as, "Another name for the collection")->type_name("NAME");
  command.add_flag("--copy", options.copy, "Copy every byte, also where the file system could share blocks");
  command.add_flag("--link", options.link, "Use the backup's own files by hard links where that works: quick, but damage to one is damage to both");
  command.add_flag("-q,--quiet", options.quiet, "No progress");
  command.footer("Nothing is replaced: a collection that exists is refused. Everything is checked before the collection is visible.");
}

}  // namespace

void add_backup_commands(CLI::App& app, Session& session, Action& action) {
  add_command<Transfer>(app, action, "backup", "Copy collections into a backup, while a writer may run", declare_backup,
                        [&](Transfer& options) { return backup(session, options); });
  add_command<Transfer>(app, action, "restore", "Put collections of a backup into a data folder where they are not", declare_restore,
                        [&](Transfer& options) { return restore(session, options); });
}

}  // namespace ndb::cli
