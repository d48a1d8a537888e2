#include "ipc/shm/control_block.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "ipc/shm/layout.hpp"
#include "ipc/shm/shared_region.hpp"
#include "ipc/shm/slot_access.hpp"
#include "shared/base/result.hpp"

namespace ndb::ipc {
namespace {

using layout::Block;
using layout::Slot;
using layout::SlotState;

// A commit position is rewritten in nanoseconds; if it is odd for longer, its writer has died in between.
constexpr int kCommitReads = 64;

bool lives(const ProcessIdentity& process, std::uint64_t heartbeat_ns, std::uint64_t now) noexcept {
  switch (liveness_of(process)) {
    case Liveness::alive: return true;
    case Liveness::dead: return false;
    case Liveness::unknown: break;
  }
  return age_of(heartbeat_ns, now) < kHeartbeatLimit;
}

// Whether whoever made the state word `state` is there to use the slot.
bool in_use(const Slot& slot, std::uint64_t state, std::uint64_t now) noexcept {
  switch (state_of(state)) {
    case SlotState::free: return false;
    case SlotState::claiming: return age_of((state >> 2U) * 1'000'000U, now) < kHeartbeatLimit;
    case SlotState::ready: return lives(owner_of(slot), slot.heartbeat_ns.load(std::memory_order_relaxed), now);
  }
  return false;  // garbage
}

// Visits the ready slots of live processes; frees those of dead ones. The exchange fails if the slot changed hands since.
template <class Visit>
void for_each_reader(SharedRegion& region, std::uint64_t now, Visit visit) {
  const std::size_t used = region.slots_used();
  for (std::size_t i = 0; i < used; ++i) {
    Slot& slot = region.block().slots[i];
    std::uint64_t state = slot.state.load(std::memory_order_acquire);
    if (state_of(state) == SlotState::free) continue;
    if (!in_use(slot, state, now)) {
      slot.state.compare_exchange_strong(state, 0, std::memory_order_acq_rel);
    } else if (state_of(state) == SlotState::ready) {
      visit(i, slot);
    }
  }
}

std::uint64_t random_number() noexcept {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
    number = now_ns(base::system_clock()) * 0x9E3779B97F4A7C15ULL;
  return number;
}

void raise_slots_used(Block& block, std::uint64_t to) noexcept {
  std::uint64_t used = block.slots_used.load(std::memory_order_relaxed);
  // Garbage above kSlots stays: SharedRegion::slots_used() bounds it.
  while (used < to && !block.slots_used.compare_exchange_weak(used, to, std::memory_order_release)) {
  }
}

void prepare(Slot& slot, const ProcessIdentity& owner, std::uint64_t now) noexcept {
  store_owner(slot, owner, now);
  slot.pinned_version.store(0, std::memory_order_relaxed);
  slot.applied_seq.store(0, std::memory_order_relaxed);
  for (layout::Word& counter : slot.counters) counter.store(0, std::memory_order_relaxed);
  slot.wake.store(0, std::memory_order_relaxed);
}

// The state word under which the slot is ours now, or 0.
std::uint64_t try_claim(Slot& slot, const ProcessIdentity& owner, std::uint64_t now) noexcept {
  std::uint64_t expected = 0;
  std::uint64_t claiming = state_word(SlotState::claiming, now / 1'000'000U);
  if (!slot.state.compare_exchange_strong(expected, claiming, std::memory_order_acq_rel)) return 0;
  prepare(slot, owner, now);
  const std::uint64_t ready = state_word(SlotState::ready, random_number());
  // Fails only if we were stopped for so long that the claim was taken for abandoned.
  return slot.state.compare_exchange_strong(claiming, ready, std::memory_order_acq_rel) ? ready : 0;
}

SlotInfo describe(std::size_t index, const Slot& slot, std::uint64_t now) {
  SlotInfo info;
  info.index = index;
  info.process = owner_of(slot);
  info.pinned_version = ManifestVersion{slot.pinned_version.load(std::memory_order_relaxed)};
  info.applied_seq = Seq{slot.applied_seq.load(std::memory_order_relaxed)};
  info.heartbeat_age = age_of(slot.heartbeat_ns.load(std::memory_order_relaxed), now);
  for (std::size_t i = 0; i < kReaderCounters; ++i) info.counters[i] = slot.counters[i].load(std::memory_order_relaxed);
  return info;
}

}  // namespace

Result<std::string> control_block_key(const std::filesystem::path& collection_folder) {
  struct stat info{};
  if (::stat(collection_folder.c_str(), &info) != 0)
    return base::fail_errno(errno, fmt::format("cannot look at {}", collection_folder.string()));
  return fmt::format("ndb-v{}-{:x}-{:x}", layout::kLayoutVersion, info.st_dev, info.st_ino);
}

ControlBlock::ControlBlock(std::shared_ptr<SharedRegion> region, const base::Clock& clock) noexcept
    : region_(std::move(region)), clock_(&clock) {}

Result<ControlBlock> ControlBlock::open_for_writer(std::string_view key, mode_t permissions, const base::Clock& clock) {
  NDB_TRY_ASSIGN(auto region, SharedRegion::open(SharedRegion::Role::writer, key, permissions));
  ControlBlock control(std::move(region), clock);
  Block& block = control.region_->block();
  const ProcessIdentity self = this_process();
  block.writer_pid.store(self.pid, std::memory_order_relaxed);
  block.writer_start_ticks.store(self.start_ticks, std::memory_order_relaxed);
  block.writer_pid_namespace.store(self.pid_namespace, std::memory_order_relaxed);
  // The folder may have been made anew under a recycled inode number: what was published is about another one then.
  control.publish_manifest(ManifestVersion{0});
  control.publish_commit(CommitPosition{});
  return control;
}

Result<ControlBlock> ControlBlock::open_for_reader(std::string_view key, mode_t permissions, const base::Clock& clock) {
  NDB_TRY_ASSIGN(auto region, SharedRegion::open(SharedRegion::Role::reader, key, permissions));
  return ControlBlock(std::move(region), clock);
}

void ControlBlock::remove(std::string_view key) noexcept { SharedRegion::remove(key); }

bool ControlBlock::stale() const noexcept { return region_->unlinked(); }

void ControlBlock::publish_manifest(ManifestVersion version) noexcept {
  region_->block().manifest_version.store(version.value, std::memory_order_release);
  beat();
}

void ControlBlock::publish_commit(const CommitPosition& position) noexcept {
  Block& block = region_->block();
  const std::uint64_t version = block.commit_version.load(std::memory_order_relaxed);
  const std::uint64_t odd = (version | 1U) + (version & 1U) * 2U;  // after a writer that died at an odd one: the next
  block.commit_version.store(odd, std::memory_order_relaxed);
  // Each store releases, so who sees a new word sees the odd version too (partner: the acquires in committed()).
  block.commit_seq.store(position.seq.value, std::memory_order_release);
  block.commit_epoch.store(position.epoch.value, std::memory_order_release);
  block.commit_wal.store(position.wal_first_seq, std::memory_order_release);
  block.commit_wal_bytes.store(position.wal_bytes, std::memory_order_release);
  block.commit_version.store(odd + 1, std::memory_order_release);
  beat();
}

void ControlBlock::wake_all() noexcept {
  const std::size_t used = region_->slots_used();
  for (std::size_t i = 0; i < used; ++i) {
    Slot& slot = region_->block().slots[i];
    if (state_of(slot.state.load(std::memory_order_acquire)) == SlotState::ready) wake_owner(slot);
  }
}

void ControlBlock::beat() noexcept {
  region_->block().writer_heartbeat_ns.store(now_ns(*clock_), std::memory_order_relaxed);
}

std::optional<ManifestVersion> ControlBlock::min_pinned_version() noexcept {
  std::optional<ManifestVersion> oldest;
  for_each_reader(*region_, now_ns(*clock_), [&](std::size_t, const Slot& slot) {
    const ManifestVersion pinned{slot.pinned_version.load(std::memory_order_seq_cst)};
    if (pinned.value != 0 && (!oldest || pinned < *oldest)) oldest = pinned;
  });
  return oldest;
}

std::vector<SlotInfo> ControlBlock::slots() {
  std::vector<SlotInfo> readers;
  const std::uint64_t now = now_ns(*clock_);
  for_each_reader(*region_, now, [&](std::size_t i, const Slot& slot) { readers.push_back(describe(i, slot, now)); });
  return readers;
}

Result<ReaderSlot> ControlBlock::claim() {
  const ProcessIdentity self = this_process();
  for (int round = 0; round < 2; ++round) {
    const std::uint64_t now = now_ns(*clock_);
    for (std::size_t i = 0; i < layout::kSlots; ++i) {
      const std::uint64_t state = try_claim(region_->block().slots[i], self, now);
      if (state == 0) continue;
      raise_slots_used(region_->block(), i + 1);
      return ReaderSlot(region_, i, state, self, *clock_);
    }
    for_each_reader(*region_, now, [](std::size_t, const Slot&) {});  // full: free the slots of the dead, look again
  }
  return fail(ErrorCode::unavailable, fmt::format("all {} reader slots are taken", layout::kSlots));
}

ManifestVersion ControlBlock::newest_manifest() const noexcept {
  return ManifestVersion{region_->block().manifest_version.load(std::memory_order_acquire)};
}

std::optional<CommitPosition> ControlBlock::committed() const noexcept {
  const Block& block = region_->block();
  for (int i = 0; i < kCommitReads; ++i) {
    const std::uint64_t before = block.commit_version.load(std::memory_order_acquire);
    const CommitPosition position{Seq{block.commit_seq.load(std::memory_order_acquire)},
                                  Epoch{block.commit_epoch.load(std::memory_order_acquire)},
                                  block.commit_wal.load(std::memory_order_acquire),
                                  block.commit_wal_bytes.load(std::memory_order_acquire)};
    if (before % 2 != 0 || block.commit_version.load(std::memory_order_relaxed) != before) continue;
    if (position.wal_first_seq == 0) return std::nullopt;
    return position;
  }
  return std::nullopt;
}

WriterInfo ControlBlock::writer() const noexcept {
  const Block& block = region_->block();
  const std::uint64_t now = now_ns(*clock_);
  const std::uint64_t heartbeat = block.writer_heartbeat_ns.load(std::memory_order_relaxed);
  const ProcessIdentity process{block.writer_pid.load(std::memory_order_relaxed),
                                block.writer_start_ticks.load(std::memory_order_relaxed),
                                block.writer_pid_namespace.load(std::memory_order_relaxed)};
  return {process, age_of(heartbeat, now), process.pid != 0 && lives(process, heartbeat, now)};
}

}  // namespace ndb::ipc
