#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "bindings/http/daemon.hpp"
#include "ipc/volume/probe.hpp"
#include "shared/base/log.hpp"

namespace ndb::http {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// Blocked in every thread that is started later; only wait_for_signal() takes them.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int wait_for_signal(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  return signal;
}

// As many descriptors as the system lets this process have: each connection needs one, each mapped file for a moment. The
// usual soft limit, 1,024, is for programs that call select(2).
void allow_descriptors(std::uint32_t max_connections) {
  constexpr std::uint64_t kForFiles = 256;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
  if (limit.rlim_max < max_connections + kForFiles) {
    base::log_warn(fmt::format("max_connections is {}, but this process may have {} descriptors only (ulimit -n)", max_connections,
                               limit.rlim_max));
  }
}

int usage_error(std::string_view program, const Error& error) {
  fmt::print(stderr, "{}: {}{}{}\n", program, error.field, error.field.empty() ? "" : ": ", error.message);
  return kExitUsage;
}

// A data folder that is there or is made now; made: to be removed again, should the daemon not start.
class DataFolder {
 public:
  explicit DataFolder(std::filesystem::path path) : path_(std::move(path)) { made_ = std::filesystem::create_directories(path_, error_); }
  [[nodiscard]] bool usable() const noexcept { return !error_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  void remove_if_made() const {
    std::error_code ignored;  // it may hold something by now, and stays then
    if (made_) std::filesystem::remove(path_, ignored);
  }

 private:
  const std::filesystem::path path_;
  bool made_ = false;
  std::error_code error_;
};

// What others must know before they trust the volume, in the log. False: it cannot hold data of nDB. A folder that cannot be made or
// written to is not refused here: opening it says why, and a full volume may still be searched.
bool check_volume(const DataFolder& folder) {
  if (!folder.usable()) return true;
  const ipc::ProbeReport report = ipc::probe_volume(fs::posix_file_system(), std::filesystem::absolute(folder.path()));
  for (const ipc::Finding& finding : report.findings) {
    if (finding.verdict == ipc::Verdict::warning) base::log_warn(fmt::format("volume {}: {}: {}", report.volume(), finding.check, finding.detail));
    if (finding.verdict == ipc::Verdict::unchecked)
      base::log_warn(fmt::format("volume {} was not checked: {}: {}", report.volume(), finding.check, finding.detail));
  }
  if (report.verdict() == ipc::Verdict::refused) {
    folder.remove_if_made();
    base::log_error(report.refusal() + " (docs/file-systems.md)");
    return false;
  }
  base::log_info(fmt::format("data_dir is on {}", report.volume()));
  return true;
}

}  // namespace

int run_daemon(config::Role role, int argc, const char* const* argv) {
  const std::string_view program = role == config::Role::writer ? "ndb-writer" : "ndb-reader";
  const auto loaded = config::load(role, std::vector<std::string>(argv + 1, argv + argc));
  if (!loaded) return usage_error(program, loaded.error());
  if (loaded->output) {
    fmt::print("{}", *loaded->output);
    return 0;
  }
  base::configure_log(loaded->config.log_level, loaded->config.log_format);
  allow_descriptors(loaded->config.max_connections);
  const sigset_t signals = block_signals();
  if (const Status exposed = check_exposure(loaded->config); !exposed) return usage_error(program, exposed.error());
  // While there is one thread: it starts a second process.
  std::optional<DataFolder> folder;
  if (role == config::Role::writer && !check_volume(folder.emplace(loaded->config.data_dir))) return kExitFailed;
  std::atomic<bool> failed{false};
  auto daemon = Daemon::start(role, loaded->config, [&failed](const Error& error) {
    base::log_error("cannot go on", error);
    failed.store(true);
    ::kill(::getpid(), SIGTERM);  // wakes the main thread
  });
  if (!daemon) {
    if (folder) folder->remove_if_made();
    if (daemon.error().code == ErrorCode::invalid_argument) return usage_error(program, daemon.error());
    base::log_error(fmt::format("{} cannot start", program), daemon.error());
    return kExitFailed;
  }
  base::log_info(fmt::format("{} listening on {} data_dir={}", program, daemon->url(), loaded->config.data_dir));
  const int signal = wait_for_signal(signals);
  base::log_info(fmt::format("{} stopping on signal {}", program, signal));
  const Status stopped = daemon->stop();
  if (!stopped) {
    base::log_error("stopped with an error", stopped.error());
    return kExitFailed;
  }
  base::log_info(fmt::format("{} stopped", program));
  return failed.load() ? kExitFailed : 0;
}

}  // namespace ndb::http
