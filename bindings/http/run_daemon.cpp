#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "bindings/http/daemon.hpp"
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

int usage_error(std::string_view program, const Error& error) {
  fmt::print(stderr, "{}: {}{}{}\n", program, error.field, error.field.empty() ? "" : ": ", error.message);
  return kExitUsage;
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
  const sigset_t signals = block_signals();
  std::atomic<bool> failed{false};
  auto daemon = Daemon::start(role, loaded->config, [&failed](const Error& error) {
    base::log_error("cannot go on", error);
    failed.store(true);
    ::kill(::getpid(), SIGTERM);  // wakes the main thread
  });
  if (!daemon) {
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
