// What the benchmarks of the daemons share: a daemon of their own, blocking connections that print nothing and copy little, CPU time
// and memory of a process. Threads: a connection belongs to one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ndb::bench {

/// Ends the program.
[[noreturn]] void give_up(std::string_view what);

/// Seconds of CPU of a thread, which is given as its folder below /proc.
[[nodiscard]] double scheduled_seconds(const std::filesystem::path& task);

/// A real ndb-reader on a folder and a port of its own; killed with the object.
class Daemon {
 public:
  Daemon(const std::filesystem::path& data, const std::string& binary, const std::vector<std::string>& arguments);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Seconds of CPU, of all its threads, since it began.
  [[nodiscard]] double cpu_seconds() const;
  /// Of its memory, MiB that are not files.
  [[nodiscard]] double private_mib() const;

 private:
  pid_t pid_;
  int output_;
  std::uint16_t port_ = 0;
};

/// A keep-alive connection to 127.0.0.1. Exits the program where a benchmark cannot go on.
class Connection {
 public:
  explicit Connection(std::uint16_t port);
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  ~Connection();

  void send(std::string_view bytes);
  /// The status of the next answer, which is read to its end; 0 if the connection ended.
  unsigned receive();
  [[nodiscard]] int descriptor() const noexcept { return socket_; }

 private:
  int socket_;
  std::string buffer_;
};

/// Which of these connections, named by their places, have something to receive now.
[[nodiscard]] std::vector<std::size_t> ready(const std::vector<Connection>& all, const std::vector<std::size_t>& some);

/// The bytes of a POST.
[[nodiscard]] std::string post(std::string_view target, std::string_view content_type, std::string_view body);

/// Lets this process, and what it starts from now on, run on these cores only; does nothing where there are fewer.
void pin_to_core(unsigned core);

}  // namespace ndb::bench
