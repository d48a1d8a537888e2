// What ndb-writer and ndb-reader are: a Backend, the Routes over it and a Server, started and stopped in the right
// order.
//
// Threads: start() and stop() from one thread. The writer has one thread more, which opens the collections for writing
// and keeps trying while another process (the writer that is being replaced, most likely) holds a lock.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ndb/error.hpp"
#include "shared/config/daemon_config.hpp"

namespace ndb::http {

/// invalid_argument if other machines could reach the daemon and no key keeps them out.
[[nodiscard]] Status check_exposure(const config::DaemonConfig& config);

class Daemon {
 public:
  /// on_fatal: called from another thread when the daemon cannot go on (it was fenced off by another writer).
  [[nodiscard]] static Result<Daemon> start(config::Role role, const config::DaemonConfig& config,
                                            std::function<void(const Error&)> on_fatal = {});
  Daemon(Daemon&&) noexcept;
  Daemon& operator=(Daemon&&) noexcept;
  ~Daemon();

  [[nodiscard]] std::uint16_t port() const noexcept;
  /// "http://127.0.0.1:7700"
  [[nodiscard]] std::string url() const;
  /// Unready, drain, sync, close. Bounded by the drain timeout but for a disk that does not answer.
  [[nodiscard]] Status stop();

 private:
  struct Impl;
  explicit Daemon(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// main() of both daemons: configuration, signals, exit code (0 stopped as asked, 1 failed, 2 wrong configuration).
[[nodiscard]] int run_daemon(config::Role role, int argc, const char* const* argv);

}  // namespace ndb::http
