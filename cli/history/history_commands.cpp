// ndb manifest and ndb history: which versions there are, and how long they stay.
#include <fmt/format.h>

#include <chrono>

#include "cli/answer.hpp"
#include "cli/collection_text.hpp"
#include "cli/command.hpp"
#include "cli/history/as_of.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"
#include "shared/base/time_text.hpp"

namespace ndb::cli {
namespace {

struct ManifestOptions {
  std::string name;
  AsOfOptions as_of;
  bool versions = false;
};

struct HistoryOptions {
  std::string name, retention, interval;
};

Status versions(const Session& session, const ManifestOptions& options) {
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
  NDB_TRY_ASSIGN(const auto text, target->history(options.name));
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  Table table({">VERSION", "PUBLISHED", ">SEQ"});
  for (const auto& one : array_at(answer, "versions")) {
    const auto& version = as_object(one);
    table.add({std::to_string(count_at(version, "version")), printable(text_at(version, "time")), grouped(count_at(version, "seq"))});
  }
  session.streams.out << table.text();
  return {};
}

Status manifest(const Session& session, const ManifestOptions& options) {
  if (options.versions && !options.as_of.newest()) return usage("--versions lists them all; it goes with neither --at-version nor --at-time");
  if (options.versions) return versions(session, options);
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
  NDB_TRY_ASSIGN(const auto text, target->manifest(options.name, as_of(options.as_of)));
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  session.streams.out << manifest_text(answer, base::to_unix_ms(std::chrono::system_clock::now()));
  return {};
}

std::string history_text(const boost::json::object& history, const std::string& name) {
  const auto& versions = array_at(history, "versions");
  Table table({"COLLECTION", printable(name)});
  const auto retention = count_at(history, "retention_s");
  table.add({"old versions stay", retention == 0 ? "no longer than readers need them" : duration_text(retention)});
  if (retention != 0) table.add({"one at least every", duration_text(count_at(history, "interval_s"))});
  if (!versions.empty()) {
    const auto& oldest = as_object(versions.front());
    const auto& newest = as_object(versions.back());
    table.add({"versions", fmt::format("{} to {}", count_at(oldest, "version"), count_at(newest, "version"))});
    table.add({"published", fmt::format("{} to {}", printable(text_at(oldest, "time")), printable(text_at(newest, "time")))});
  }
  if (retention != 0) table.add({"only they need", human_bytes(count_at(history, "bytes"))});
  return table.text();
}

Result<std::string> settings(const HistoryOptions& options) {
  http::JsonWriter json;
  json.begin_object();
  const auto add = [&](const char* field, const std::string& text, const char* option) -> Status {
    if (text.empty()) return {};
    NDB_TRY_ASSIGN(const auto duration, parse_duration(text, option));
    json.field(field, static_cast<std::uint64_t>(duration.count()));
    return {};
  };
  NDB_TRY(add("retention_s", options.retention, "--retention"));
  NDB_TRY(add("interval_s", options.interval, "--interval"));
  json.end_object();
  if (const auto valid = http::parse_history(json.text(), {}); !valid)
    return usage(fmt::format("{}: {}", valid.error().field, valid.error().message));
  return std::move(json).text();
}

Status history(const Session& session, const HistoryOptions& options) {
  const bool changes = !options.retention.empty() || !options.interval.empty();
  NDB_TRY_ASSIGN(const auto body, settings(options));
  NDB_TRY_ASSIGN(const auto target, session.open(changes ? Purpose::write : Purpose::read));
  if (changes) NDB_TRY(target->set_history(options.name, body));
  NDB_TRY_ASSIGN(const auto text, target->history(options.name));
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  session.streams.out << history_text(answer, options.name);
  return {};
}

}  // namespace

void add_history_commands(CLI::App& app, Session& session, Action& action) {
  add_command<ManifestOptions>(
      app, action, "manifest", "Show the manifest in force: which files are the collection; or that of an old version, or which versions there are",
      [](CLI::App& command, ManifestOptions& options) {
        add_collection_name(command, options.name);
        command.add_flag("--versions", options.versions, "List the versions that are there, and when they were published");
        add_as_of_options(command, options.as_of);
      },
      [&](ManifestOptions& options) { return manifest(session, options); });
  add_command<HistoryOptions>(
      app, action, "history", "Show how long old versions stay, and what they take; or change it",
      [](CLI::App& command, HistoryOptions& options) {
        add_collection_name(command, options.name);
        command.add_option("--retention", options.retention, "Keep old versions this long: 90s, 15m, 24h, 7d, 2w; 0 for no longer than readers need them")->type_name("TIME");
        command.add_option("--interval", options.interval, "Flush at least this often, which is how exact times are [60s]")->type_name("TIME");
        command.footer("Examples:\n  ndb history docs --retention 7d\n"
                       "  ndb search docs --vector 0.1,0.7,0.2 --at-time 2026-11-26T10:00:00Z");
      },
      [&](HistoryOptions& options) { return history(session, options); });
}

}  // namespace ndb::cli
