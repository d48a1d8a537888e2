#include "bindings/node/src/quick_pool.hpp"

#include <algorithm>
#include <chrono>

namespace ndb::node {
namespace {

constexpr std::chrono::microseconds kLook{100};
constexpr unsigned kMostThreads = 8;

unsigned cores() {
  static const unsigned count = std::max(1U, std::thread::hardware_concurrency());
  return count;
}

}  // namespace

QuickPool::~QuickPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  for (Job* job : jobs_) job->drop(job);
}

void QuickPool::submit(Job* job) {
  bool wake = true;
  {
    const std::lock_guard lock(mutex_);
    if (threads_.empty())
      for (unsigned i = 0; i < std::clamp(cores(), 2U, kMostThreads); ++i) threads_.emplace_back([this] { work(); });
    jobs_.push_back(job);
    queued_.store(jobs_.size(), std::memory_order_release);  // with look_for_work()
    wake = !somebody_looks_ || jobs_.size() > 1;
  }
  if (wake) wake_.notify_one();
}

void QuickPool::work() {
  while (Job* job = next()) job->perform(job);
}

QuickPool::Job* QuickPool::next() {
  std::unique_lock lock(mutex_);
  if (jobs_.empty() && !somebody_looks_ && cores() > 1 && !stopping_) {
    somebody_looks_ = true;
    lock.unlock();
    look_for_work();
    lock.lock();
    somebody_looks_ = false;
  }
  wake_.wait(lock, [this] { return !jobs_.empty() || stopping_; });
  if (stopping_) return nullptr;
  Job* job = jobs_.front();
  jobs_.pop_front();
  queued_.store(jobs_.size(), std::memory_order_release);
  return job;
}

void QuickPool::look_for_work() {
  const auto end = std::chrono::steady_clock::now() + kLook;
  while (queued_.load(std::memory_order_acquire) == 0 && !stopping_.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < end)
    relax();
}

}  // namespace ndb::node
