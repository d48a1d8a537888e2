#include "ipc/shm/reader_slot.hpp"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "ipc/shm/layout.hpp"
#include "ipc/shm/shared_region.hpp"
#include "ipc/shm/slot_access.hpp"

namespace ndb::ipc {
namespace {

static_assert(kMaxReaders == layout::kSlots && kReaderCounters <= layout::kCounters);

constexpr std::chrono::nanoseconds kLongestWait = std::chrono::minutes(1);
// Without a slot nobody can wake us: look at the files this often.
constexpr std::chrono::nanoseconds kPauseWithoutSlot = std::chrono::milliseconds(10);

}  // namespace

ReaderSlot::ReaderSlot(std::shared_ptr<SharedRegion> region, std::size_t index, std::uint64_t state,
                       const ProcessIdentity& owner, const base::Clock& clock) noexcept
    : region_(std::move(region)), index_(index), state_(state), owner_(owner), clock_(&clock) {}

ReaderSlot::ReaderSlot(ReaderSlot&& other) noexcept
    : region_(std::move(other.region_)),
      index_(other.index_),
      state_(other.state_),
      owner_(other.owner_),
      clock_(other.clock_) {}

ReaderSlot& ReaderSlot::operator=(ReaderSlot&& other) noexcept {
  if (this != &other) {
    free();
    region_ = std::move(other.region_);
    index_ = other.index_;
    state_ = other.state_;
    owner_ = other.owner_;
    clock_ = other.clock_;
  }
  return *this;
}

ReaderSlot::~ReaderSlot() { free(); }

layout::Slot& ReaderSlot::slot() const noexcept { return region_->block().slots[index_]; }

bool ReaderSlot::owned() const noexcept { return slot().state.load(std::memory_order_acquire) == state_; }

void ReaderSlot::free() noexcept {
  const bool forked_child = owner_.pid != static_cast<std::uint64_t>(::getpid());
  if (region_ != nullptr && !forked_child) {
    std::uint64_t expected = state_;
    slot().state.compare_exchange_strong(expected, 0, std::memory_order_acq_rel);
  }
  region_.reset();
}

void ReaderSlot::pin(ManifestVersion version) noexcept {
  // Sequentially consistent, so that the files opened next are opened after the pin can be seen.
  if (owned()) slot().pinned_version.store(version.value, std::memory_order_seq_cst);
}

void ReaderSlot::set_applied(Seq seq) noexcept {
  if (owned()) slot().applied_seq.store(seq.value, std::memory_order_relaxed);
}

void ReaderSlot::count(ReaderCounter counter, std::uint64_t by) noexcept {
  if (owned()) slot().counters[static_cast<std::size_t>(counter)].fetch_add(by, std::memory_order_relaxed);
}

bool ReaderSlot::beat() noexcept {
  if (!owned()) return false;
  store_owner(slot(), owner_, now_ns(*clock_));
  return true;
}

bool ReaderSlot::wait(std::chrono::nanoseconds timeout) noexcept {
  timeout = std::clamp(timeout, std::chrono::nanoseconds(0), kLongestWait);
  if (!beat()) {
    std::this_thread::sleep_for(std::min(timeout, kPauseWithoutSlot));
    return false;
  }
  const bool woken = wait_for_wake(slot(), timeout);
  if (woken) count(ReaderCounter::wakeups);
  return woken;
}

void ReaderSlot::wake() noexcept {
  if (owned()) wake_owner(slot());
}

void ReaderSlot::drain() noexcept {
  if (owned()) forget_wake(slot());
}

}  // namespace ndb::ipc
