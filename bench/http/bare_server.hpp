// The least that a server can do: one thread that polls its connections, reads a request of a known size, works, and writes an answer of a
// known size. No HTTP, no limits, no deadlines. What nDB's server takes beyond this is its own doing; the rest is the kernel's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace ndb::bench {

class BareServer {
 public:
  /// Listens on 127.0.0.1; `work` is called for each `request_bytes` received, which `answer` follows. On this core only.
  BareServer(std::size_t request_bytes, std::string answer, std::function<void()> work, unsigned core);
  ~BareServer();
  BareServer(const BareServer&) = delete;
  BareServer& operator=(const BareServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Seconds of CPU of its thread.
  [[nodiscard]] double cpu_seconds() const;

 private:
  void serve();

  std::size_t request_bytes_;
  std::string answer_;
  std::function<void()> work_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> thread_id_{0};
  std::thread thread_;
};

}  // namespace ndb::bench
