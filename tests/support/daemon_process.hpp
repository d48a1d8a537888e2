// A real ndb-writer or ndb-reader, started for a test and killed with it.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "ipc/http/client.hpp"

namespace ndb::test {

/// It ended before it listened.
struct DidNotStart : std::runtime_error {
  DidNotStart(const std::string& what, int code) : std::runtime_error(what), exit_code(code) {}
  int exit_code;  ///< as stop() gives it
};

class DaemonProcess {
 public:
  /// Starts the program (a path; NDB_WRITER_BINARY and NDB_READER_BINARY are compiled in) and waits until it says where it listens.
  /// Throws DidNotStart if it ends instead. environment: "NAME=value", on top of the test's own.
  DaemonProcess(const std::string& program, std::vector<std::string> arguments, const std::vector<std::string>& environment = {});
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;
  /// SIGKILL if it still runs.
  ~DaemonProcess();

  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] http::Client connect() const;
  /// What it has printed so far.
  [[nodiscard]] std::string log();
  /// Sends the signal and waits; the exit code, or 128 + the signal that ended it.
  int stop(int signal);
  /// Waits until it ends by itself; the same codes.
  int wait();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::thread drain_;
  std::mutex log_mutex_;
  std::string log_;  // guarded by log_mutex_
  std::string url_;
};

/// Runs a program to its end; its exit code and all it printed.
struct Finished {
  int exit_code = 0;
  std::string output;
};
[[nodiscard]] Finished run_to_end(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace ndb::test
