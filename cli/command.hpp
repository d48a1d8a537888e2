// What the commands share: how the tool was called, and how it answers.
//
// A command adds itself to the parser with its options and, when it was chosen, leaves an Action behind; run() performs it.
// Results go to `out`, everything else (progress, errors, hints) to `err`. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/target.hpp"
#include "ndb/error.hpp"
#include "shared/config/daemon_config.hpp"

namespace CLI {
class App;
}

namespace ndb::cli {

struct Streams {
  std::ostream& out;
  std::ostream& err;
  bool err_is_terminal = false;  ///< whether progress may be drawn over and over
};

using OpenTarget = std::function<Result<std::unique_ptr<Target>>(const TargetAddress&, Purpose)>;

/// One run of the tool.
struct Session {
  Streams streams;
  OpenTarget opener;
  config::Environment environment;
  TargetAddress address{};
  bool json = false;  ///< answer in JSON

  [[nodiscard]] Result<std::unique_ptr<Target>> open(Purpose purpose) const { return opener(address, purpose); }
  /// Prints what a target answered, as it is.
  void print_json(std::string_view text) const { streams.out << text << '\n'; }
};

/// --at-version and --at-time as typed; version 0 and no time mean the newest state.
struct AsOfOptions {
  std::uint64_t version = 0;
  std::string time;

  [[nodiscard]] bool newest() const noexcept { return version == 0 && time.empty(); }
};

using Action = std::function<Status()>;

void add_collection_commands(CLI::App& app, Session& session, Action& action);   ///< create list drop stats
void add_history_commands(CLI::App& app, Session& session, Action& action);      ///< manifest history
void add_document_commands(CLI::App& app, Session& session, Action& action);     ///< get delete count
void add_export_command(CLI::App& app, Session& session, Action& action);
void add_import_command(CLI::App& app, Session& session, Action& action);
void add_remote_import_commands(CLI::App& app, Session& session, Action& action);  ///< import-qdrant import-chroma
void add_faiss_import_command(CLI::App& app, Session& session, Action& action);   ///< where libfaiss was there at the build
void add_search_command(CLI::App& app, Session& session, Action& action);
void add_maintenance_commands(CLI::App& app, Session& session, Action& action);  ///< flush compact index replicas
void add_backup_commands(CLI::App& app, Session& session, Action& action);       ///< backup restore
void add_health_command(CLI::App& app, Session& session, Action& action);
void add_bench_command(CLI::App& app, Session& session, Action& action);
void add_verify_command(CLI::App& app, Session& session, Action& action);
void add_top_command(CLI::App& app, Session& session, Action& action);

/// The field of errors that are about the command line; they end with exit code 2.
inline constexpr std::string_view kUsageField = "command line";
[[nodiscard]] inline std::unexpected<Error> usage(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), std::string(kUsageField));
}
/// The field of errors that have been reported already; they end with exit code 1 and nothing more is said.
inline constexpr std::string_view kReportedField = "reported";
[[nodiscard]] inline std::unexpected<Error> reported() {
  return fail(ErrorCode::internal, "", std::string(kReportedField));
}

/// The tool, without its main(): parses `args` (without the program's name), acts, and returns the exit code: 0 done, 1
/// failed, 2 called wrongly.
[[nodiscard]] int run(const std::vector<std::string>& args, const Streams& streams, const OpenTarget& opener,
                      const config::Environment& environment);

}  // namespace ndb::cli
