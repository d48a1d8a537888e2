#include "cli/import/conveyor.hpp"

#include <utility>

namespace ndb::cli {
namespace {
constexpr std::size_t kWaiting = 2;
}

Conveyor::Conveyor(Take take) : take_(std::move(take)), thread_([this] { work(); }) {}

Conveyor::~Conveyor() { static_cast<void>(finish()); }

Status Conveyor::put(Chunk& chunk) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !status_ || full_.size() < kWaiting; });
  if (!status_) return status_;
  full_.push_back(std::exchange(chunk, Chunk{}));
  if (!used_.empty()) {
    chunk = std::move(used_.back());
    used_.pop_back();
  }
  changed_.notify_all();
  return {};
}

Status Conveyor::finish() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  return status_;
}

void Conveyor::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ended_ || !full_.empty(); });
    if (full_.empty()) return;
    Chunk chunk = std::move(full_.front());
    full_.pop_front();
    changed_.notify_all();
    lock.unlock();
    Status taken = take_(chunk);
    lock.lock();
    used_.push_back(std::move(chunk));
    if (taken) continue;
    status_ = std::move(taken);
    full_.clear();
    changed_.notify_all();
    return;
  }
}

}  // namespace ndb::cli
