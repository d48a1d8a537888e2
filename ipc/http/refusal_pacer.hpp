// When a refusal may be answered. One costs tens of microseconds, most of them the kernel's: callers that ask again at
// once when they are refused, a few dozen of them, would keep a server busy with refusing and nothing else. So a burst
// of refusals is answered at once, and what comes faster than kPerSecond for each core waits for its turn, up to
// kLongest: an answer that is held back holds back its caller, and takes no time of those who work. (Which caller is
// told when is the "generic cell rate algorithm", ITU-T I.371; holding back instead of dropping is a "tarpit".)
//
// Threads: any.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

namespace ndb::http {

class RefusalPacer {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::uint32_t kPerSecond = 10'000;
  static constexpr Clock::duration kBurst = std::chrono::milliseconds(10);     // 100 refusals on one core
  static constexpr Clock::duration kLongest = std::chrono::milliseconds(100);  // Retry-After asks for ten times that
  static constexpr Clock::duration kStep = std::chrono::milliseconds(2);       // those of a step are answered together

  explicit RefusalPacer(std::uint32_t cores) : gap_(Clock::duration(std::chrono::seconds(1)) / (kPerSecond * cores)) {}

  /// Counts a refusal; how long it has to wait: 0 or a time until a whole step, at most kLongest and a step.
  [[nodiscard]] Clock::duration next(Clock::time_point now = Clock::now()) noexcept {
    const Clock::rep at = now.time_since_epoch().count();
    Clock::rep before = due_.load(std::memory_order_relaxed);
    Clock::rep mine = 0;
    do {
      mine = std::clamp(before + gap_.count(), at - kBurst.count(), at + kLongest.count());
    } while (!due_.compare_exchange_weak(before, mine, std::memory_order_relaxed));
    if (mine <= at) return Clock::duration{0};
    return Clock::duration((mine + kStep.count() - 1) / kStep.count() * kStep.count() - at);
  }

 private:
  const Clock::duration gap_;
  std::atomic<Clock::rep> due_{std::numeric_limits<Clock::rep>::min() / 2};  // of the last one; relaxed: only a number
};

}  // namespace ndb::http
