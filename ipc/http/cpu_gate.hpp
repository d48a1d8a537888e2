// Bounds how many CPU-bound jobs run at once, and how long others wait for their turn. A job that finds a free slot
// runs at once on the caller's thread, with no hop to another one; the others wait in a queue and are posted when a
// slot gets free. With fewer slots than I/O threads there is always a thread left that reads, answers health checks and
// refuses.
//
// The queue evens out bursts; it must not stand. Once it has not been empty for the time of a burst, more comes in than
// can be done, and to wait longer only makes every answer late: from then on a job may wait for kPatience jobs' time
// only, until nothing had to be refused for the time of a burst. Before, it may wait for a whole burst. Jobs that would
// wait longer are refused when they come, those that did are when their turn comes. So what is accepted under overload
// is answered about as quickly as on a quiet day. A burst is kBurst, or a few times the slowest of the jobs that run or
// ran lately: one slow request is no overload. (The idea is that of controlled delay, CoDel: Nichols and Jacobson,
// 2012; for servers Maurer, "Fail at Scale", 2015.)
//
// Threads: any. Invariant: at most `slots` jobs run; nobody waits while a slot is free.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "ipc/http/worker_pool.hpp"

namespace ndb::http {

class CpuGate {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = Clock::duration;
  using Now = std::function<Clock::time_point()>;

  static constexpr Duration kBurst = std::chrono::milliseconds(100);
  static constexpr Duration kLongestBurst = std::chrono::seconds(10);
  static constexpr int kBurstOfSlowest = 3;
  static constexpr int kPatience = 2;
  static constexpr int kSteps = 16;  // in how many the usual time of jobs is doubled, or halved
  static constexpr Duration kLeastPatience = std::chrono::milliseconds(1);  // what threads take to wake up, and more

  /// post: runs something soon, on some thread, never inside the call. now: for tests.
  CpuGate(std::size_t slots, std::size_t max_queued, std::function<void(std::move_only_function<void()>)> post,
          Now now = Clock::now)
      : slots_(slots),
        max_queued_(max_queued),
        post_(std::move(post)),
        now_(std::move(now)),
        drained_(now_()),
        slowest_counts_until_(drained_),
        calm_since_(drained_ - kLongestBurst) {}

  /// Runs the job here, or later (with Turn::late if it had to wait for too long), or not at all because it would wait
  /// for too long: false, the job untouched.
  [[nodiscard]] bool run(Job& job);
  /// Whether a job that came now would be refused; that counts as a refusal.
  [[nodiscard]] bool refuses();
  /// Drops the jobs that wait.
  void clear();

 private:
  struct Waiting {
    Job job;
    Clock::time_point since;
  };

  void perform(Job& job, Turn turn, Clock::time_point begun);
  void pass_on();
  [[nodiscard]] bool refuses(Clock::time_point now);
  [[nodiscard]] Duration burst(Clock::time_point now) const;
  [[nodiscard]] Duration longest_wait(Clock::time_point now) const;

  const std::size_t slots_;
  const std::size_t max_queued_;
  const std::function<void(std::move_only_function<void()>)> post_;
  const Now now_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<Waiting> queue_;
  std::vector<Clock::time_point> running_;  // when those that run began
  Clock::time_point drained_;               // when the queue was last seen empty
  Duration usual_{0};                       // how long jobs take: about the median of the last ones
  Duration slowest_{0};                     // how long the slowest of late took,
  Clock::time_point slowest_counts_until_;  // and until when that counts
  Clock::time_point calm_since_;            // nothing was refused since; not before construction
};

}  // namespace ndb::http
