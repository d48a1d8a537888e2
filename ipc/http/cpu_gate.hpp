// Bounds how many CPU-bound jobs run at once. A job that finds a free slot runs at once on the caller's thread, with no
// hop to another one; the others wait in a bounded queue and are posted when a slot gets free. With fewer slots than
// I/O threads there is always a thread left that reads, answers health checks and refuses.
//
// Threads: any. Invariant: at most `slots` jobs run; nobody waits while a slot is free.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

#include "ipc/http/worker_pool.hpp"

namespace ndb::http {

class CpuGate {
 public:
  /// post: runs a job soon, on some thread, never inside the call.
  CpuGate(std::size_t slots, std::size_t max_queued, std::function<void(Job)> post)
      : slots_(slots), max_queued_(max_queued), post_(std::move(post)) {}

  /// Runs the job here, or later, or (false, the job untouched) not at all because too many wait.
  [[nodiscard]] bool run(Job& job);
  /// Drops the jobs that wait.
  void clear();

 private:
  void leave();

  const std::size_t slots_;
  const std::size_t max_queued_;
  const std::function<void(Job)> post_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<Job> queue_;
  std::size_t running_ = 0;
};

}  // namespace ndb::http
