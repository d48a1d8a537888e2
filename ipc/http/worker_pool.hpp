// Threads for work that mostly waits (an fsync, another process), started as they are needed, with a bounded queue. A
// job that had to wait for longer than max_wait for a thread is told so, and should do nothing but say so.
//
// Threads: submit() from any thread; stop() once, from a thread that is not a worker.
// Invariants: a job that was accepted either runs or, after stop(), is destroyed without running; at most max_threads
// threads and max_queued waiting jobs exist. Workers never end before stop().
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ndb::http {

/// How a job came to its turn.
enum class Turn : std::uint8_t {
  now,     ///< at once
  waited,  ///< after others: whoever asked may have gone meanwhile
  late,    ///< after too long: refuse
};
using Job = std::move_only_function<void(Turn)>;

class WorkerPool {
 public:
  WorkerPool(std::size_t max_threads, std::size_t max_queued, std::chrono::milliseconds max_wait)
      : max_threads_(max_threads), max_queued_(max_queued), max_wait_(max_wait) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool() { stop(); }

  /// Takes the job unless the queue is full or the pool has stopped; `job` is untouched when it answers false.
  [[nodiscard]] bool submit(Job& job);
  /// Lets running jobs finish, drops those that wait, joins all threads. Idempotent.
  void stop();

 private:
  void work();
  [[nodiscard]] bool start_thread();

  const std::size_t max_threads_;
  const std::size_t max_queued_;
  const std::chrono::milliseconds max_wait_;

  struct Waiting {
    Job job;
    std::chrono::steady_clock::time_point since;
    bool finds_thread;  // one was idle when it came
  };
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_:
  std::deque<Waiting> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace ndb::http
