#include "ipc/shm/slot_access.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

namespace ndb::ipc {
namespace {

constexpr auto kAwake = static_cast<std::uint64_t>(layout::WakeState::awake);
constexpr auto kWoken = static_cast<std::uint64_t>(layout::WakeState::woken);
constexpr auto kSleeping = static_cast<std::uint64_t>(layout::WakeState::sleeping);

// The kernel compares 32 bits: the lower half, which comes first.
static_assert(std::endian::native == std::endian::little);
long futex(layout::Word& word, int operation, std::uint32_t value, const timespec* timeout) noexcept {
  return ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation, value, timeout, nullptr, 0);
}

}  // namespace

void wake_owner(layout::Slot& slot) noexcept {
  // Partner: the exchange in wait_for_wake(). What was published before is visible to whoever reads this value.
  if (slot.wake.exchange(kWoken, std::memory_order_acq_rel) == kSleeping) futex(slot.wake, FUTEX_WAKE, 1, nullptr);
}

bool wait_for_wake(layout::Slot& slot, std::chrono::nanoseconds timeout) noexcept {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::uint64_t expected = kAwake;
  bool sleep = slot.wake.compare_exchange_strong(expected, kSleeping, std::memory_order_acq_rel) || expected == kSleeping;
  while (sleep && slot.wake.load(std::memory_order_acquire) == kSleeping) {
    const auto left = std::max(deadline - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec relative{static_cast<time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
    // Relative, and so on the monotonic clock. EINTR: look again. EAGAIN: the word has changed.
    sleep = futex(slot.wake, FUTEX_WAIT, static_cast<std::uint32_t>(kSleeping), &relative) == 0 || errno == EINTR ||
            errno == EAGAIN;
  }
  return slot.wake.exchange(kAwake, std::memory_order_acq_rel) != kSleeping;
}

void forget_wake(layout::Slot& slot) noexcept {
  // Not a plain store: it must not take the mark of another thread that sleeps just now.
  std::uint64_t expected = kWoken;
  slot.wake.compare_exchange_strong(expected, kAwake, std::memory_order_acq_rel);
}

}  // namespace ndb::ipc
