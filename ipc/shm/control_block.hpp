// The control block: one POSIX shared-memory object per collection and host, through which a writer tells its readers
// that there is something new, and readers tell the writer what they still use.
//
// It is a disposable cache, never the truth: with it deleted, full of garbage or out of reach everything still works, by
// polling the files. So every call here either cannot fail or fails with `unavailable`, after which the caller polls and
// tries again now and then; every value read is a hint; every wait is bounded.
//
// Threads: all objects may be used from any thread, but publish_commit() and ReaderSlot::wait() each by one at a time.
// Processes: any may be killed at any instruction; see layout.hpp. Containers that share /dev/shm but not their pids are
// judged by their heartbeats alone, so readers and writers beat at least every kHeartbeatLimit / 4.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/shm/process_identity.hpp"
#include "ipc/shm/reader_slot.hpp"
#include "ndb/error.hpp"
#include "ndb/types.hpp"
#include "shared/base/clock.hpp"

namespace ndb::ipc {

class SharedRegion;

/// How far the WAL is committed: the bytes of the WAL file <epoch>-<wal_first_seq> below `wal_bytes` are whole frames.
struct CommitPosition {
  Seq seq;                          ///< last one inside
  Epoch epoch;
  std::uint64_t wal_first_seq = 0;  ///< names the WAL file; at least 1
  std::uint64_t wal_bytes = 0;

  friend bool operator==(const CommitPosition&, const CommitPosition&) = default;
};

/// The writer that last opened the block.
struct WriterInfo {
  ProcessIdentity process;
  std::chrono::nanoseconds heartbeat_age{};
  bool alive = false;
};

/// The name for the block of a collection folder: from the folder's device and inode, so that every path to it agrees.
[[nodiscard]] Result<std::string> control_block_key(const std::filesystem::path& collection_folder);

class ControlBlock {
 public:
  /// Who may open the block; 0600: this user's processes only.
  static constexpr mode_t kPrivate = 0600;

  /// For the holder of the write lock: opens the block, creating it or replacing what is damaged or of another layout, and
  /// forgets what an earlier writer published.
  /// key: [A-Za-z0-9_.-]{1,200}. unavailable if shared memory cannot be used (no /dev/shm, no space, no permission).
  [[nodiscard]] static Result<ControlBlock> open_for_writer(std::string_view key, mode_t permissions = kPrivate,
                                                            const base::Clock& clock = base::system_clock());
  /// For readers: not_found if there is none (yet); unavailable if it is damaged, or if it is open to more users than `permissions`.
  [[nodiscard]] static Result<ControlBlock> open_for_reader(std::string_view key, mode_t permissions = kPrivate,
                                                            const base::Clock& clock = base::system_clock());
  /// Deletes the block (when its collection is dropped). Harmless if there is none.
  static void remove(std::string_view key) noexcept;

  /// Whether the block was deleted or replaced under us: then open again.
  [[nodiscard]] bool stale() const noexcept;

  // For the writer.
  /// Call when a manifest has been published. Wakes nobody by itself.
  void publish_manifest(ManifestVersion version) noexcept;
  /// Call when a commit group is acknowledged. Wakes nobody by itself.
  void publish_commit(const CommitPosition& position) noexcept;
  /// Wakes the readers; at most one system call for each that sleeps, none for one that was woken and has not looked yet.
  void wake_all() noexcept;
  /// "I live." Also part of both publish calls.
  void beat() noexcept;
  /// The oldest version that a live reader on this host pins. Frees the slots of dead ones.
  [[nodiscard]] std::optional<ManifestVersion> min_pinned_version() noexcept;
  /// Every live reader. Frees the slots of dead ones.
  [[nodiscard]] std::vector<SlotInfo> slots();

  // For readers.
  /// Takes a free slot, or that of a dead process; unavailable if all kMaxReaders are taken.
  [[nodiscard]] Result<ReaderSlot> claim();
  /// 0 until one was published.
  [[nodiscard]] ManifestVersion newest_manifest() const noexcept;
  /// None until one was published, or while it cannot be read in one piece.
  [[nodiscard]] std::optional<CommitPosition> committed() const noexcept;
  [[nodiscard]] WriterInfo writer() const noexcept;

 private:
  explicit ControlBlock(std::shared_ptr<SharedRegion> region, const base::Clock& clock) noexcept;

  std::shared_ptr<SharedRegion> region_;
  const base::Clock* clock_;
};

}  // namespace ndb::ipc
