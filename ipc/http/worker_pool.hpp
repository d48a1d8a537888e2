// Threads for work that mostly waits (an fsync, another process), started as they are needed, with a bounded queue.
//
// Threads: submit() from any thread; stop() once, from a thread that is not a worker.
// Invariants: a job that was accepted either runs or, after stop(), is destroyed without running; at most max_threads
// threads and max_queued waiting jobs exist. Workers never end before stop().
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ndb::http {

using Job = std::move_only_function<void()>;

class WorkerPool {
 public:
  WorkerPool(std::size_t max_threads, std::size_t max_queued) : max_threads_(max_threads), max_queued_(max_queued) {}
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

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_:
  std::deque<Job> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace ndb::http
