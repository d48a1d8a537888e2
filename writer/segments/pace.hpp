// Limits how fast merges and new graphs are written, so that they leave the disk to searches and to the log.
// Threads: any; all share the rate.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace ndb::writer {

class Pace {
 public:
  /// 0: no limit.
  explicit Pace(std::uint64_t bytes_per_second) noexcept : bytes_per_second_(bytes_per_second) {}

  /// Waits until what was spent before has had its time, or until stopped; then counts `bytes`.
  void spend(std::uint64_t bytes, const std::stop_token& stop);

 private:
  using Clock = std::chrono::steady_clock;

  const std::uint64_t bytes_per_second_;
  std::mutex mutex_;
  std::condition_variable_any never_;
  Clock::time_point paid_until_{};  // guarded by mutex_
};

}  // namespace ndb::writer
