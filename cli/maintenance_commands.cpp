#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

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

// Tells on standard error how far a graph is while the server, or this process, builds it: redrawn on a terminal, a line now and then otherwise.
// Asks through a target of its own, in a thread of its own; what cannot be asked is not told.
class BuildProgress {
 public:
  BuildProgress(const Session& session, std::string name)
      : session_(session), name_(std::move(name)), thread_([this](const std::stop_token& stop) { watch(stop); }) {}

 private:
  static constexpr std::chrono::milliseconds kRedraw{200};
  static constexpr std::chrono::seconds kPlainLine{5};

  void watch(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    const auto pause = session_.streams.err_is_terminal ? kRedraw : std::chrono::milliseconds(kPlainLine);
    if (never.wait_for(lock, stop, pause, [] { return false; }); stop.stop_requested()) return;
    const auto target = session_.open(Purpose::write);  // an embedded engine is shared with the one that builds
    while (target && !stop.stop_requested()) {
      if (const auto text = (*target)->stats(name_))
        if (const auto answer = parse_answer(*text)) show(object_at(*answer, "index"));
      never.wait_for(lock, stop, pause, [] { return false; });
    }
    if (shown_ && session_.streams.err_is_terminal) session_.streams.err << "\r\x1b[K" << std::flush;
  }

  void show(const auto& index) {
    if (!flag_at(index, "building")) return;
    const auto line = fmt::format("building a graph: {:.0f} %", number_at(index, "progress") * 100);
    if (session_.streams.err_is_terminal) session_.streams.err << "\r\x1b[K" << line << std::flush;
    else session_.streams.err << line << std::endl;
    shown_ = true;
  }

  const Session& session_;
  const std::string name_;
  bool shown_ = false;  // the thread's
  std::jthread thread_;
};

Status perform(const Session& session, const Maintenance& options, Job job, const char* done) {
  // An embedded engine ends with this process, so there is nobody who would finish the work later.
  if (options.no_wait && session.address.url.empty()) return usage("--no-wait needs a server that goes on working: --url");
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::write));
  std::optional<BuildProgress> progress;
  if (!options.no_wait && !session.json && (job == Job::build_index || job == Job::compact)) progress.emplace(session, options.name);
  const auto ran = target->run(options.name, job, !options.no_wait);
  progress.reset();
  NDB_TRY_ASSIGN(const auto text, ran);
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
