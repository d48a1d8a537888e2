// Runs a loop over rows on a few threads of its own, with one scratch object a thread.
//
// Threads: each() from one thread at a time; it returns when all its threads are done.
// Plain threads, not TBB: a build is one long loop that needs no nesting, it must not keep the pool from searches, and
// ThreadSanitizer sees how it starts and ends.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <vector>

namespace ndb::index {

template <class Scratch>
class ParallelRows {
 public:
  /// threads: 0 for all CPUs.
  ParallelRows(unsigned threads, std::stop_token stop)
      : scratch_(threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency())), stop_(std::move(stop)) {}

  /// Runs body(i, scratch) for all i < count, in order if there is one thread; skips the rest once stopped. Rethrows what
  /// a body throws. grain: how many a thread takes at a time; 1 if each takes long.
  template <class Body>
  void each(std::uint64_t count, Body&& body, std::uint64_t grain = kGrain) {
    std::atomic<std::uint64_t> next = 0;  // relaxed: hands out numbers; starting and joining threads order the rest
    std::exception_ptr error;
    std::mutex error_mutex;
    const auto work = [&](Scratch& scratch) {
      try {
        while (!stop_.stop_requested()) {
          const std::uint64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
          if (begin >= count) return;
          for (std::uint64_t i = begin; i < std::min(begin + grain, count) && !stop_.stop_requested(); ++i) body(i, scratch);
        }
      } catch (...) {
        next.store(count, std::memory_order_relaxed);
        const std::scoped_lock lock(error_mutex);
        error = std::current_exception();
      }
    };
    {
      const auto helpers = start_helpers(work);
      work(scratch_[0]);
    }
    if (error) std::rethrow_exception(error);
  }

 private:
  static constexpr std::uint64_t kGrain = 16;

  template <class Work>
  std::vector<std::jthread> start_helpers(const Work& work) {
    std::vector<std::jthread> helpers;
    helpers.reserve(scratch_.size());
    try {
      for (std::size_t i = 1; i < scratch_.size(); ++i) helpers.emplace_back([&work, this, i] { work(scratch_[i]); });
    } catch (const std::system_error&) {
      // Too many threads for this machine: those that started share the work.
    }
    return helpers;
  }

  std::vector<Scratch> scratch_;
  std::stop_token stop_;
};

}  // namespace ndb::index
