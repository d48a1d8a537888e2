#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include "cli/verifier.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Verify {
  std::vector<std::string> names;
};

void write_list(http::JsonWriter& json, const char* key, const std::vector<std::string>& texts) {
  json.key(key).begin_array();
  for (const auto& text : texts) json.string(text);
  json.end_array();
}

std::string as_json(const std::vector<VerifyReport>& reports) {
  http::JsonWriter json;
  json.begin_object().key("collections").begin_array();
  for (const auto& report : reports) {
    json.begin_object().field("name", report.name).field("ok", report.problems.empty());
    json.field("manifest_version", report.manifest_version).field("segments", report.segments).field("rows", report.rows);
    json.field("graphs", report.graphs).field("wal_files", report.wal_files).field("wal_batches", report.wal_batches);
    json.field("bytes", report.bytes);
    write_list(json, "problems", report.problems);
    write_list(json, "notes", report.notes);
    json.end_object();
  }
  json.end_array().end_object();
  return std::move(json).text();
}

void print(std::ostream& out, const VerifyReport& report) {
  out << fmt::format("{}: {}, manifest {}, {} rows in {} segments, {} graphs, {} batches in {} log files, {} read\n",
                     printable(report.name), report.problems.empty() ? "ok" : "DAMAGED", report.manifest_version,
                     grouped(report.rows), report.segments, report.graphs, grouped(report.wal_batches), report.wal_files,
                     human_bytes(report.bytes));
  for (const auto& problem : report.problems) out << "  damage: " << printable(problem) << '\n';
  for (const auto& note : report.notes) out << "  note: " << printable(note) << '\n';
}

Status verify(const Session& session, const Verify& options) {
  if (!session.address.url.empty()) return usage("verify reads files: give --data-dir instead of --url");
  fs::FileSystem& fs = fs::posix_file_system();
  const fs::Path folder = session.address.data_dir;
  NDB_TRY_ASSIGN(const auto found, find_collections(fs, folder));
  for (const auto& name : options.names)
    if (std::ranges::find(found, name) == found.end())
      return fail(ErrorCode::not_found, fmt::format("no collection '{}' in {}", name, folder.string()));
  std::vector<VerifyReport> reports;
  bool ok = true;
  for (const auto& name : options.names.empty() ? found : options.names) {
    reports.push_back(verify_collection(fs, folder / name));
    ok = ok && reports.back().problems.empty();
    if (!session.json) print(session.streams.out, reports.back());
  }
  if (session.json) session.print_json(as_json(reports));
  else if (reports.empty()) session.streams.out << "no collections in " << printable(folder.string()) << '\n';
  return ok ? Status{} : reported();
}

}  // namespace

void add_verify_command(CLI::App& app, Session& session, Action& action) {
  add_command<Verify>(
      app, action, "verify", "Check every byte of the collections in a folder; changes nothing, safe beside a writer",
      [](CLI::App& command, Verify& options) {
        command.add_option("collections", options.names, "Which ones [all]")->type_name("COLLECTION...");
      },
      [&](Verify& options) { return verify(session, options); });
}

}  // namespace ndb::cli
