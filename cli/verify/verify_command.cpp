#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cli/backup/backup_list.hpp"
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"
#include "cli/verify/verifier.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"
#include "writer/repair/repair.hpp"

namespace ndb::cli {
namespace {

struct Verify {
  std::vector<std::string> names;
  bool repair = false, quiet = false;
};

/// What was done about one collection.
struct Outcome {
  VerifyReport report;                           ///< after the repair, if there was one
  std::optional<writer::RepairReport> repaired;
  std::optional<Error> not_repaired;             ///< why a repair failed
};

constexpr std::size_t kIdsShown = 10;

void write_list(http::JsonWriter& json, const char* key, const std::vector<std::string>& texts) {
  json.key(key).begin_array();
  for (const auto& text : texts) json.string(text);
  json.end_array();
}

void write_repair(http::JsonWriter& json, const writer::RepairReport& repaired) {
  json.key("repaired").begin_object().field("manifest_version", repaired.published.value).field("documents", repaired.documents);
  json.field("lost_documents", repaired.lost_documents).field("evidence", repaired.evidence.string());
  write_list(json, "damage", repaired.damage);
  write_list(json, "lost", repaired.lost);
  write_list(json, "lost_ids", repaired.lost_ids);
  json.end_object();
}

std::string as_json(const std::vector<Outcome>& outcomes) {
  http::JsonWriter json;
  json.begin_object().key("collections").begin_array();
  for (const auto& [report, repaired, not_repaired] : outcomes) {
    json.begin_object().field("name", report.name).field("ok", report.problems.empty());
    json.field("manifest_version", report.manifest_version).field("segments", report.segments).field("rows", report.rows);
    json.field("graphs", report.graphs).field("old_versions", report.old_versions).field("wal_files", report.wal_files).field("wal_batches", report.wal_batches);
    json.field("bytes", report.bytes);
    write_list(json, "problems", report.problems);
    write_list(json, "notes", report.notes);
    if (repaired) write_repair(json, *repaired);
    if (not_repaired) json.field("not_repaired", not_repaired->message);
    json.end_object();
  }
  json.end_array().end_object();
  return std::move(json).text();
}

void print(std::ostream& out, const VerifyReport& report) {
  const auto old = report.old_versions == 0 ? "" : fmt::format(" and {} old ones", grouped(report.old_versions));
  out << fmt::format("{}: {}, manifest {}{}, {} rows in {} segments, {} graphs, {} batches in {} log files, {} read\n",
                     printable(report.name), report.problems.empty() ? "ok" : "DAMAGED", report.manifest_version, old,
                     grouped(report.rows), report.segments, report.graphs, grouped(report.wal_batches), report.wal_files,
                     human_bytes(report.bytes));
  for (const auto& problem : report.problems) out << "  damage: " << printable(problem) << '\n';
  for (const auto& note : report.notes) out << "  note: " << printable(note) << '\n';
}

void print(std::ostream& out, const std::string& name, const writer::RepairReport& repaired) {
  out << fmt::format("{}: repaired as manifest {}, {} documents\n", printable(name), repaired.published.value,
                     grouped(repaired.documents));
  for (const auto& damage : repaired.damage) out << "  was damaged: " << printable(damage) << '\n';
  for (const auto& lost : repaired.lost) out << "  lost: " << printable(lost) << '\n';
  if (repaired.lost.empty()) out << "  nothing is lost\n";
  const auto shown = std::min(kIdsShown, repaired.lost_ids.size());
  for (std::size_t i = 0; i < shown; ++i) out << "  lost document: " << printable(repaired.lost_ids[i]) << '\n';
  if (repaired.lost_ids.size() > shown) out << fmt::format("  and {} more, all in lost-ids.txt\n", repaired.lost_ids.size() - shown);
  out << "  set aside: " << printable(repaired.evidence.string()) << '\n';
}

Outcome verify_one(const Session& session, const fs::Path& collection, const Verify& options) {
  if (is_backup(collection.parent_path()))  // which may come from anywhere
    if (auto odd = find_odd_files(collection); !odd.empty()) {
      VerifyReport report;
      report.name = collection.filename().string();
      report.problems = std::move(odd);
      return {.report = std::move(report), .repaired = {}, .not_repaired = {}};
    }
  fs::FileSystem& fs = fs::posix_file_system();
  Progress progress(session.streams.err, session.streams.err_is_terminal);
  Done done;
  Outcome outcome{.report = verify_collection(fs, collection,
                                              [&](std::uint64_t bytes, std::uint64_t all) {
                                                done = {.rows = 0, .rows_total = {}, .bytes = bytes, .bytes_total = all};
                                                if (!options.quiet) progress.update_bytes(done);
                                              }),
                  .repaired = {}, .not_repaired = {}};
  if (!options.quiet) progress.finish_bytes(done);
  if (!options.repair || (outcome.report.problems.empty() && outcome.report.notes.empty())) return outcome;
  auto repaired = writer::repair_collection(fs, collection);
  if (!repaired) {
    outcome.not_repaired = repaired.error();
    return outcome;
  }
  if (repaired->published.value != 0) outcome.repaired = std::move(*repaired);
  outcome.report = verify_collection(fs, collection);
  return outcome;
}

/// A backup says what it holds, so it is known whether something is missing at the end of the log, or was changed since.
void add_backup_problems(const fs::Path& folder, VerifyReport& report) {
  if (!is_backup(folder) || !find_odd_files(folder / report.name).empty()) return;
  const auto list = read_backup_list(folder);
  if (!list) return report.problems.push_back(list.error().message);
  const auto found = std::ranges::find(list->collections, report.name, &BackupCollection::name);
  if (found == list->collections.end()) return;
  for (auto& problem : check_backup_files(folder / report.name, *found)) report.problems.push_back(std::move(problem));
}

void print(const Session& session, const Outcome& outcome) {
  std::ostream& out = session.streams.out;
  if (outcome.repaired) print(out, outcome.report.name, *outcome.repaired);
  print(out, outcome.report);
  if (outcome.not_repaired) out << "  not repaired: " << printable(outcome.not_repaired->message) << '\n';
}

Status verify(const Session& session, const Verify& options) {
  if (!session.address.url.empty()) return usage("verify reads files: give --data-dir instead of --url");
  const fs::Path folder = session.address.data_dir;
  NDB_TRY_ASSIGN(const auto found, find_collections(fs::posix_file_system(), folder));
  for (const auto& name : options.names)
    if (std::ranges::find(found, name) == found.end())
      return fail(ErrorCode::not_found, fmt::format("no collection '{}' in {}", name, folder.string()));
  std::vector<Outcome> outcomes;
  bool ok = true;
  for (const auto& name : options.names.empty() ? found : options.names) {
    outcomes.push_back(verify_one(session, folder / name, options));
    add_backup_problems(folder, outcomes.back().report);
    ok = ok && outcomes.back().report.problems.empty();
    if (!session.json) print(session, outcomes.back());
  }
  // A collection that a backup lists and that is not there at all.
  if (is_backup(folder) && options.names.empty()) {
    NDB_TRY_ASSIGN(const auto list, read_backup_list(folder));
    for (const auto& collection : list.collections)
      if (std::ranges::find(found, collection.name) == found.end())
        return fail(ErrorCode::corruption, fmt::format("{}: '{}', which the backup lists, is not there", folder.string(), collection.name));
  }
  if (session.json) session.print_json(as_json(outcomes));
  else if (outcomes.empty()) session.streams.out << "no collections in " << printable(folder.string()) << '\n';
  return ok ? Status{} : reported();
}

}  // namespace

void add_verify_command(CLI::App& app, Session& session, Action& action) {
  add_command<Verify>(
      app, action, "verify", "Check every byte of the collections in a folder, or in a backup; without --repair changes nothing, safe beside a writer",
      [](CLI::App& command, Verify& options) {
        command.add_option("collections", options.names, "Which ones [all]")->type_name("COLLECTION...");
        command.add_flag("-q,--quiet", options.quiet, "No progress");
        command.add_flag("--repair", options.repair,
                         "Make damaged collections whole from what can still be read, set the damaged files aside, and say what is lost");
      },
      [&](Verify& options) { return verify(session, options); });
}

}  // namespace ndb::cli
