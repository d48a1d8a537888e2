#include "bindings/cpp/fork_mark.hpp"

#include <pthread.h>

#include <atomic>
#include <utility>

namespace ndb::embedded {
namespace {

// Counted rather than asked of getpid(), which is a system call.
std::atomic<std::uint64_t> forks{0};

// A list without a lock, for a fork may come at any moment. Nobody reads it; that it leads there tells leak checkers that nothing leaks.
struct Kept {
  std::shared_ptr<void> object;
  Kept* next;
};
std::atomic<Kept*> kept{nullptr};

std::uint64_t generation() noexcept {
  static const int registered = ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return forks.load(std::memory_order_relaxed);  // changes only in a child, whose only thread is the reader
}

}  // namespace

ForkMark::ForkMark() noexcept : generation_(generation()) {}

bool ForkMark::inherited() const noexcept { return generation_ != forks.load(std::memory_order_relaxed); }

Status ForkMark::check() const {
  if (!inherited()) return {};
  return fail(ErrorCode::unavailable, "this handle was opened before fork(); open the database anew in the child");
}

void keep_for_ever(std::shared_ptr<void> inherited) {
  if (inherited == nullptr) return;
  auto* node = new Kept{std::move(inherited), kept.load(std::memory_order_relaxed)};
  while (!kept.compare_exchange_weak(node->next, node, std::memory_order_relaxed)) continue;
}

}  // namespace ndb::embedded
