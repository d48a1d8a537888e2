// The layout of a control block: fixed and versioned, because processes of different builds map the same bytes.
//
// Rules: a change of any offset, size or meaning bumps kLayoutVersion (which is also part of the object's name, so that
// old and new processes never meet). Everything shared is a lock-free 64-bit atomic: a process may be killed between any
// two instructions, so there is no lock here that could stay taken. Every value is a hint that the reader of it checks.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ndb::ipc::layout {

inline constexpr std::uint64_t kMagic = 0x314B4C425F42446EULL;  // "nDB_BLK1"
inline constexpr std::uint64_t kLayoutVersion = 1;
inline constexpr std::size_t kSlots = 256;
inline constexpr std::size_t kCounters = 8;

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8 && alignof(Word) == 8);

/// What a slot's `state` says in its two lowest bits.
enum class SlotState : std::uint64_t {
  free = 0,
  claiming = 1,  ///< the other bits hold the monotonic time in ms at which the claim began
  ready = 2,     ///< the other bits hold a random number, so that no two claims look alike (ABA)
};
inline constexpr std::uint64_t kStateMask = 3;

/// A binary semaphore in one word. glibc's sem_t (and Boost's, which wraps it) aborts the process that posts when the
/// bytes are garbage; this one has no value that does harm: whatever is neither 0 nor 2 means "woken".
enum class WakeState : std::uint64_t { awake = 0, woken = 1, sleeping = 2 };

struct alignas(64) Slot {
  // Written by the slot's owner; read by the writer and by whoever looks for a free slot.
  Word state;
  Word pid;
  Word start_ticks;
  Word pid_namespace;
  Word heartbeat_ns;    // monotonic clock
  Word pinned_version;  // 0: nothing
  Word applied_seq;
  Word reserved;
  // Written by the owner.
  std::array<Word, kCounters> counters;
  // Written by both: a WakeState. Its lower half is the futex that the owner sleeps on.
  Word wake;
  std::array<Word, 7> reserved_wake;
};
static_assert(offsetof(Slot, state) == 0 && offsetof(Slot, pid) == 8 && offsetof(Slot, start_ticks) == 16);
static_assert(offsetof(Slot, pid_namespace) == 24 && offsetof(Slot, heartbeat_ns) == 32);
static_assert(offsetof(Slot, pinned_version) == 40 && offsetof(Slot, applied_seq) == 48);
static_assert(offsetof(Slot, counters) == 64 && offsetof(Slot, wake) == 128);
static_assert(sizeof(Slot) == 192);

struct alignas(64) Block {
  // Constant once `magic`, stored last with release, says so.
  Word magic;
  Word layout_version;
  Word bytes;
  Word slot_count;
  std::array<Word, 4> reserved_header;
  // The writer about itself.
  Word writer_pid;
  Word writer_start_ticks;
  Word writer_pid_namespace;
  Word writer_heartbeat_ns;
  std::array<Word, 4> reserved_writer;
  // Progress. commit_version is a sequence lock over the four words after it: odd while they change.
  Word manifest_version;
  Word commit_version;
  Word commit_seq;
  Word commit_epoch;
  Word commit_wal;
  Word commit_wal_bytes;
  std::array<Word, 2> reserved_progress;
  // One more than the highest slot ever claimed: keeps scans short.
  Word slots_used;
  std::array<Word, 7> reserved_slots;
  std::array<Slot, kSlots> slots;
};
static_assert(offsetof(Block, magic) == 0 && offsetof(Block, layout_version) == 8 && offsetof(Block, bytes) == 16);
static_assert(offsetof(Block, slot_count) == 24 && offsetof(Block, writer_pid) == 64);
static_assert(offsetof(Block, writer_heartbeat_ns) == 88 && offsetof(Block, manifest_version) == 128);
static_assert(offsetof(Block, commit_version) == 136 && offsetof(Block, commit_seq) == 144);
static_assert(offsetof(Block, commit_wal_bytes) == 168 && offsetof(Block, slots_used) == 192);
static_assert(offsetof(Block, slots) == 256 && sizeof(Block) == 256 + kSlots * sizeof(Slot));

}  // namespace ndb::ipc::layout
