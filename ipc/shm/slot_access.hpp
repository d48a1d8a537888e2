// What the writer's and the reader's side of a slot have in common. Private to ipc/shm. Threads: any.
#pragma once

#include <chrono>
#include <cstdint>

#include "ipc/shm/layout.hpp"
#include "ipc/shm/process_identity.hpp"
#include "shared/base/clock.hpp"

namespace ndb::ipc {

[[nodiscard]] inline layout::SlotState state_of(std::uint64_t word) noexcept {
  return static_cast<layout::SlotState>(word & layout::kStateMask);
}
[[nodiscard]] inline std::uint64_t state_word(layout::SlotState state, std::uint64_t rest) noexcept {
  return (rest << 2U) | static_cast<std::uint64_t>(state);
}

/// Wakes the slot's owner, or lets its next wait return at once. A system call only if it sleeps.
void wake_owner(layout::Slot& slot) noexcept;
/// Sleeps until woken or until `timeout` has passed; true if woken. By the owner, one thread at a time.
bool wait_for_wake(layout::Slot& slot, std::chrono::nanoseconds timeout) noexcept;
/// Forgets a wake-up that nobody waited for.
void forget_wake(layout::Slot& slot) noexcept;

[[nodiscard]] inline std::uint64_t now_ns(const base::Clock& clock) noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(clock.now().time_since_epoch()).count());
}

/// How long ago; a moment in the future counts by its distance, so that garbage does not look young for ever.
[[nodiscard]] inline std::chrono::nanoseconds age_of(std::uint64_t then_ns, std::uint64_t now) noexcept {
  constexpr std::uint64_t kLongest = INT64_MAX;
  const std::uint64_t distance = then_ns < now ? now - then_ns : then_ns - now;
  return std::chrono::nanoseconds(distance < kLongest ? distance : kLongest);
}

[[nodiscard]] inline ProcessIdentity owner_of(const layout::Slot& slot) noexcept {
  return {slot.pid.load(std::memory_order_relaxed), slot.start_ticks.load(std::memory_order_relaxed),
          slot.pid_namespace.load(std::memory_order_relaxed)};
}

/// Called by the owner only; also mends what a stray write did to it.
inline void store_owner(layout::Slot& slot, const ProcessIdentity& owner, std::uint64_t now) noexcept {
  slot.pid.store(owner.pid, std::memory_order_relaxed);
  slot.start_ticks.store(owner.start_ticks, std::memory_order_relaxed);
  slot.pid_namespace.store(owner.pid_namespace, std::memory_order_relaxed);
  slot.heartbeat_ns.store(now, std::memory_order_relaxed);
}

}  // namespace ndb::ipc
