// Keeps a log readable, and its disk from filling up, when something goes wrong a thousand times a second: so many
// lines a second, and then one that says how many were left out. Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace ndb::http {

class LogLimit {
 public:
  using Clock = std::chrono::steady_clock;

  explicit LogLimit(std::uint32_t lines_per_second) : limit_(lines_per_second) {}

  /// Nothing if this line should be left out; else how many were since the last one that was not.
  [[nodiscard]] std::optional<std::uint64_t> allow(Clock::time_point now = Clock::now()) {
    const std::lock_guard lock(mutex_);
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      lines_ = 0;
    }
    if (lines_ == limit_) {
      ++left_out_;
      return std::nullopt;
    }
    ++lines_;
    return std::exchange(left_out_, 0);
  }

 private:
  const std::uint32_t limit_;
  std::mutex mutex_;
  // Guarded by mutex_:
  Clock::time_point second_{};
  std::uint32_t lines_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace ndb::http
