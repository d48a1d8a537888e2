#include "ipc/http/cpu_gate.hpp"

#include <utility>

namespace ndb::http {

bool CpuGate::run(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (running_ >= slots_) {
      if (queue_.size() >= max_queued_) return false;
      queue_.push_back(std::move(job));
      return true;
    }
    ++running_;
  }
  job();
  leave();
  return true;
}

// Hands the slot to the next job. That job is posted rather than run here: this thread may hold a session's strand,
// whose answer must get out first.
void CpuGate::leave() {
  Job next;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      --running_;
      return;
    }
    next = std::move(queue_.front());
    queue_.pop_front();
  }
  post_([this, job = std::move(next)]() mutable {
    job();
    leave();
  });
}

void CpuGate::clear() {
  std::deque<Job> dropped;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  dropped.swap(queue_);
}

}  // namespace ndb::http
