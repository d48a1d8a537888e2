#include <fmt/format.h>

#include "cli/answer.hpp"
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Maintenance {
  std::string name;
  bool no_wait = false;
};

Status perform(const Session& session, const Maintenance& options, Job job, const char* done) {
  // An embedded engine ends with this process, so there is nobody who would finish the work later.
  if (options.no_wait && session.address.url.empty()) return usage("--no-wait needs a server that goes on working: --url");
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::write));
  NDB_TRY_ASSIGN(const auto text, target->run(options.name, job, !options.no_wait));
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  session.streams.out << fmt::format("{} '{}' (manifest {})\n", options.no_wait ? "started on" : done, options.name,
                                     count_at(answer, "manifest_version"));
  return {};
}

Status replicas(const Session& session, const Maintenance& options) {
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
  NDB_TRY_ASSIGN(const auto text, target->replicas(options.name));
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  Table table({"HOST", ">PID", ">MANIFEST", ">SEQ", ">BEHIND", ">SEEN"});
  for (const auto& one : array_at(answer, "replicas")) {
    const auto& replica = as_object(one);
    table.add({printable(text_at(replica, "host")), std::to_string(count_at(replica, "pid")),
               std::to_string(count_at(replica, "pinned_version")), grouped(count_at(replica, "seq")),
               grouped(count_at(replica, "lag_seq")), fmt::format("{:.1f} s ago", number_at(replica, "age_seconds"))});
  }
  if (array_at(answer, "replicas").empty()) session.streams.out << "no readers are known\n";
  else session.streams.out << table.text();
  return {};
}

void declare_maintenance(CLI::App& command, Maintenance& options) {
  add_collection_name(command, options.name);
  command.add_flag("--no-wait", options.no_wait, "Return at once; the server goes on");
}

}  // namespace

void add_maintenance_commands(CLI::App& app, Session& session, Action& action) {
  const auto job = [&](CLI::App& parent, const char* name, const char* about, Job which, const char* done) {
    add_command<Maintenance>(parent, action, name, about, declare_maintenance,
                             [&session, which, done](Maintenance& options) { return perform(session, options, which, done); });
  };
  job(app, "flush", "Write what is in memory to a segment", Job::flush, "flushed");
  job(app, "compact", "Merge segments and drop deleted rows", Job::compact, "compacted");
  CLI::App* index = app.add_subcommand("index", "Build the index anew, or drop it");
  index->require_subcommand(1);
  index->fallthrough();
  job(*index, "build", "Build every graph anew, and index from now on", Job::build_index, "indexed");
  job(*index, "drop", "Drop every graph and build none; searches compare with every vector", Job::drop_index, "dropped the index of");
  add_command<Maintenance>(
      app, action, "replicas", "Show the readers that the writer knows",
      [](CLI::App& command, Maintenance& options) { add_collection_name(command, options.name); },
      [&](Maintenance& options) { return replicas(session, options); });
}

}  // namespace ndb::cli
