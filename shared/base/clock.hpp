// The seam for time, so that tests can move it. Implementations are thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

namespace ndb::base {

class Clock {
 public:
  virtual ~Clock() = default;
  /// For deadlines and intervals; never goes back.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point now() const noexcept = 0;
  /// For time stamps that people and other hosts read.
  [[nodiscard]] virtual std::chrono::system_clock::time_point wall_now() const noexcept = 0;
  virtual void sleep(std::chrono::milliseconds duration) const { std::this_thread::sleep_for(duration); }
};

/// wall_now() as it stands in files.
[[nodiscard]] inline std::uint64_t unix_ms(const Clock& clock) noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(clock.wall_now().time_since_epoch()).count());
}

/// The clock of this host; lives for ever.
[[nodiscard]] const Clock& system_clock() noexcept;

}  // namespace ndb::base
