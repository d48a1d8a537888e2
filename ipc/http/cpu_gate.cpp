#include "ipc/http/cpu_gate.hpp"

#include <algorithm>
#include <utility>

namespace ndb::http {

CpuGate::Duration CpuGate::burst(Clock::time_point now) const {
  Duration slowest = now < slowest_counts_until_ ? slowest_ : Duration{0};
  for (const auto begun : running_) slowest = std::max(slowest, now - begun);
  return std::clamp(slowest * kBurstOfSlowest, kBurst, kLongestBurst);
}

CpuGate::Duration CpuGate::longest_wait(Clock::time_point now) const {
  const Duration allowed = burst(now);
  if (now - drained_ <= allowed && now - calm_since_ > allowed) return allowed;
  return std::clamp(usual_ * kPatience, kLeastPatience, kBurst);
}

// With the mutex held, and no slot free.
bool CpuGate::refuses(Clock::time_point now) {
  if (queue_.empty()) drained_ = now;
  const Duration expected = usual_ * (queue_.size() + 1) / slots_;
  if (queue_.size() < max_queued_ && expected <= longest_wait(now)) return false;
  calm_since_ = now;
  return true;
}

bool CpuGate::refuses() {
  const auto now = now_();
  const std::lock_guard lock(mutex_);
  return running_.size() >= slots_ && refuses(now);
}

bool CpuGate::run(Job& job) {
  const auto now = now_();
  {
    const std::lock_guard lock(mutex_);
    if (running_.size() >= slots_) {
      if (refuses(now)) return false;
      queue_.push_back({std::move(job), now});
      return true;
    }
    running_.push_back(now);
  }
  perform(job, Turn::now, now);
  pass_on();
  return true;
}

void CpuGate::perform(Job& job, Turn turn, Clock::time_point begun) {
  job(turn);
  job = nullptr;
  const auto now = now_();
  const std::lock_guard lock(mutex_);
  running_.erase(std::ranges::find(running_, begun));
  if (turn == Turn::late) return;  // refusing takes no time to speak of
  const Duration took = now - begun;
  // A step towards each: that leads to the median, which one slow job does not move far.
  const Duration step = usual_ / kSteps;
  usual_ = usual_ == Duration{0} ? took : usual_ + std::clamp(took - usual_, -step, step);
  if (took < slowest_ && now < slowest_counts_until_) return;
  slowest_ = took;
  slowest_counts_until_ = now + took * kBurstOfSlowest;
}

// Hands a slot to the next job. That job is posted rather than run here: this thread may hold a session's strand, whose
// answer must get out first.
void CpuGate::pass_on() {
  Waiting next;
  Turn turn = Turn::waited;
  const auto now = now_();
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) drained_ = now;
    if (queue_.empty() || running_.size() >= slots_) return;
    next = std::move(queue_.front());
    queue_.pop_front();
    if (now - next.since > longest_wait(now)) turn = Turn::late, calm_since_ = now;
    running_.push_back(now);
  }
  post_([this, job = std::move(next.job), turn, now]() mutable {
    perform(job, turn, now);
    pass_on();
  });
}

void CpuGate::clear() {
  std::deque<Waiting> dropped;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  dropped.swap(queue_);
}

}  // namespace ndb::http
