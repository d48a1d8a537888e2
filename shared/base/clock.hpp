// The seam for time, so that tests can move it. Implementations are thread-safe.
#pragma once

#include <chrono>

namespace ndb::base {

class Clock {
 public:
  virtual ~Clock() = default;
  /// For deadlines and intervals; never goes back.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point now() const noexcept = 0;
  /// For time stamps that people and other hosts read.
  [[nodiscard]] virtual std::chrono::system_clock::time_point wall_now() const noexcept = 0;
};

/// The clock of this host; lives for ever.
[[nodiscard]] const Clock& system_clock() noexcept;

}  // namespace ndb::base
