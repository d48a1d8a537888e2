// Work that gives way: on a thread of its own, which the system lets run when nobody else wants the CPU or the disk as urgently. What
// such a thread starts gives way, too. (A thread could lower itself, but only a privileged one could raise itself again.)
//
// Threads: from any; the caller waits. Hold no lock that others want: the work may take its time.
#pragma once

#include <future>
#include <system_error>
#include <utility>

namespace ndb::base {

/// Lowers the calling thread for good: CPU to nice 10, disk to the last of its class. As far as the system lets it.
void lower_priority_of_this_thread() noexcept;

/// Asks for short turns for the calling thread: woken, it waits less for others' turns to end, and has as much time as before. For threads that
/// answer somebody. Linux 6.12 and later; without effect elsewhere.
void ask_for_short_turns_of_this_thread() noexcept;

/// Runs `work()` on a thread of low priority; returns what it returns, throws what it throws. Where no thread can be started, on this one.
template <class Work>
auto run_at_low_priority(Work&& work) -> decltype(work()) {
  std::future<decltype(work())> running;
  try {
    running = std::async(std::launch::async, [&work] {
      lower_priority_of_this_thread();
      return work();
    });
  } catch (const std::system_error&) {
    return work();
  }
  return running.get();
}

}  // namespace ndb::base
