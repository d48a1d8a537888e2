#include "ipc/http/worker_pool.hpp"

#include <system_error>
#include <utility>

#include "shared/base/low_priority.hpp"

namespace ndb::http {

bool WorkerPool::submit(Job& job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  // Every queued job has a claim on one idle thread, so a thread is started unless one is left over.
  bool finds_thread = queue_.size() < idle_;
  if (!finds_thread) finds_thread = threads_.size() < max_threads_ && start_thread();
  if (!finds_thread && (threads_.empty() || queue_.size() >= idle_ + max_queued_)) return false;
  queue_.push_back({std::move(job), std::chrono::steady_clock::now(), finds_thread});
  wake_.notify_one();
  return true;
}

bool WorkerPool::start_thread() {
  try {
    threads_.emplace_back([this] { work(); });
    ++idle_;  // counted at once, so that the next submit() does not mistake the new thread for a free one
    return true;
  } catch (const std::system_error&) {
    return false;  // out of threads: those there are must do
  }
}

void WorkerPool::work() {
  base::ask_for_short_turns_of_this_thread();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Waiting next = std::move(queue_.front());
    queue_.pop_front();
    --idle_;
    lock.unlock();
    const bool late = !next.finds_thread && std::chrono::steady_clock::now() - next.since > max_wait_;
    next.job(late ? Turn::late : next.finds_thread ? Turn::now : Turn::waited);
    next.job = nullptr;  // its captures go before this thread counts as idle
    lock.lock();
    ++idle_;
  }
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  std::deque<Waiting> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace ndb::http
