// A reader's place in the control block: what it pins, how far it is, and its wake-up. Owned by one reader.
//
// Threads: any, but wait() by one at a time. Forks: a child's copy does nothing to the parent's slot.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "ipc/shm/process_identity.hpp"
#include "ndb/types.hpp"
#include "shared/base/clock.hpp"

namespace ndb::ipc {

class SharedRegion;
namespace layout {
struct Slot;
}

/// Readers that one block holds; more of them poll.
inline constexpr std::size_t kMaxReaders = 256;
/// A process in another pid namespace counts as alive while its heartbeat is younger than this.
inline constexpr std::chrono::seconds kHeartbeatLimit{60};

/// Free-running counters of a reader, shown to the writer.
enum class ReaderCounter : std::uint8_t { searches, errors, swaps, wakeups };
inline constexpr std::size_t kReaderCounters = 4;

/// A slot as others see it.
struct SlotInfo {
  std::size_t index = 0;
  ProcessIdentity process;
  ManifestVersion pinned_version;  ///< 0: none
  Seq applied_seq;
  std::chrono::nanoseconds heartbeat_age{};
  std::uint64_t counters[kReaderCounters] = {};  ///< by ReaderCounter
};

class ReaderSlot {
 public:
  ReaderSlot(ReaderSlot&& other) noexcept;
  ReaderSlot& operator=(ReaderSlot&& other) noexcept;
  ReaderSlot(const ReaderSlot&) = delete;
  ReaderSlot& operator=(const ReaderSlot&) = delete;
  /// Frees the slot.
  ~ReaderSlot();

  /// Keeps the writer from deleting files that `version` names. Pin, then open the files; if one is gone, start over.
  void pin(ManifestVersion version) noexcept;
  void set_applied(Seq seq) noexcept;
  void count(ReaderCounter counter, std::uint64_t by = 1) noexcept;
  /// "I live." False if the slot was lost (its owner was taken for dead): then claim another.
  [[nodiscard]] bool beat() noexcept;
  /// Sleeps until woken or until `timeout` (at most a minute) has passed on the monotonic clock; true if woken. What the
  /// writer published before waking is visible afterwards. Also beats.
  bool wait(std::chrono::nanoseconds timeout) noexcept;
  /// Wakes the waiting thread, from this process: to stop it.
  void wake() noexcept;
  /// Forgets wake-ups that have not been waited for; call before looking at the state, then a wake-up is never missed.
  void drain() noexcept;
  [[nodiscard]] std::size_t index() const noexcept { return index_; }

 private:
  friend class ControlBlock;
  ReaderSlot(std::shared_ptr<SharedRegion> region, std::size_t index, std::uint64_t state, const ProcessIdentity& owner,
             const base::Clock& clock) noexcept;
  [[nodiscard]] layout::Slot& slot() const noexcept;
  [[nodiscard]] bool owned() const noexcept;
  void free() noexcept;

  std::shared_ptr<SharedRegion> region_;  // null after a move
  std::size_t index_ = 0;
  std::uint64_t state_ = 0;  // the slot is ours while its state word says this
  ProcessIdentity owner_;
  const base::Clock* clock_ = nullptr;
};

}  // namespace ndb::ipc
