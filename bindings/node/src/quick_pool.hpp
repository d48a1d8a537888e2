// Threads for what never waits for anything but the processor: searches and look-ups. Waking a sleeping thread costs about as much as a search
// takes, so one of the threads that have nothing to do looks for work for a moment longer before it sleeps, too.
//
// Threads: submit() and the destructor that of the environment. The destructor waits for what has begun, and drops what has not.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace ndb::node {

/// Lets the processor rest for a moment between two looks at something.
inline void relax() {
  for (int i = 0; i < 8; ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield" ::: "memory");
#endif
  }
}

class QuickPool {
 public:
  /// Something to be done by one of the threads.
  struct Job {
    void (*perform)(Job* self) = nullptr;
    void (*drop)(Job* self) = nullptr;  ///< instead, when the pool ends before it began
  };

  QuickPool() = default;
  QuickPool(const QuickPool&) = delete;
  QuickPool& operator=(const QuickPool&) = delete;
  ~QuickPool();

  /// The job must live until perform() or drop() has been called, which may end its life.
  void submit(Job* job);

 private:
  void work();
  /// The next job, or nullptr at the end.
  [[nodiscard]] Job* next();
  void look_for_work();

  std::atomic<std::size_t> queued_{0};  // jobs_.size(), for who looks without the lock
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // guards the rest
  std::condition_variable wake_;
  std::deque<Job*> jobs_;
  std::vector<std::thread> threads_;
  bool somebody_looks_ = false;  // that one takes the next job without being woken
};

}  // namespace ndb::node
