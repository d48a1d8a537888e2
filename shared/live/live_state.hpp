// A collection's state in one process: the published segments, the memtables on top, and the marks that operations leave on
// older rows. The writer feeds it from its log, a reader from the tailed log; both by the same code, so that they agree.
//
// Threads: the mutators (apply, start_memtable, install) are called by one thread at a time (the writer under its commit lock,
// a reader from its follower thread). prepare() runs beside them. snapshot(), wait_for() and applied_seq(): any thread.
// Invariant: snapshots only ever move forward: a newer one has a visible_seq() at least as large.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "shared/format/wal.hpp"
#include "shared/live/snapshot.hpp"

namespace ndb::live {

/// What a frame did.
struct Applied {
  std::uint64_t inserted = 0, replaced = 0, deleted = 0;
};

/// A manifest with its segments opened, ready to be installed.
struct Prepared {
  struct Segment {
    SegmentSlot slot;
    bool fresh = false;         ///< not in the state yet: marks of later operations must be derived
    bool new_graph = false;     ///< has a graph that the state does not have yet
    std::vector<Row> late_rows; ///< rows of a newer delete set, for a segment that is in the state already
  };
  std::shared_ptr<const format::Manifest> manifest;
  std::vector<Segment> segments;
  Seq derived_through;          ///< puts up to it are marked in fresh segments
  std::size_t loaded_segments = 0, loaded_bytes = 0;  ///< how far load_graphs() is: whole segments, and bytes of the next one's graph

  /// Reads and checks about `bytes` more of the new graphs, so that the first searches after install() need not. False once all are read.
  bool load_graphs(std::size_t bytes);
};

class LiveState {
 public:
  /// The state of an opened manifest, before any WAL file is read. beside: another version of the collection, whose files are shared.
  [[nodiscard]] static Result<std::unique_ptr<LiveState>> open(fs::FileSystem& fs, const fs::Path& collection,
                                                               std::shared_ptr<const format::Manifest> manifest,
                                                               const Snapshot* beside = nullptr);

  /// Applies one frame: first_seq is the number of its first operation. Returns when searches see it.
  Applied apply(Seq first_seq, std::span<const format::WalOp> ops);
  /// Freezes the newest memtable and starts one for the next WAL file.
  void start_memtable(format::WalName wal);

  /// Opens what is new in `manifest` and marks what the memtables say about it. not_found: a newer manifest exists.
  /// load_known_delete_sets: also read newer delete sets of segments that are in the state (a reader may have missed
  /// operations; the writer never).
  [[nodiscard]] Result<Prepared> prepare(fs::FileSystem& fs, const fs::Path& collection,
                                         std::shared_ptr<const format::Manifest> manifest,
                                         bool load_known_delete_sets) const;
  /// Swaps to the prepared manifest: its segments, and the memtables of the WAL files that it names.
  void install(Prepared prepared);

  /// The newest structure. To answer from it, take view(): a snapshot that is no longer the newest gets no marks for operations that
  /// its newest memtable may get rows of.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  /// The newest structure with the newest sequence number, fixed together.
  [[nodiscard]] View view() const;
  [[nodiscard]] Seq applied_seq() const { return snapshot()->visible_seq(); }
  /// Waits until `seq` is visible; false after `timeout`, or when interrupt() was called.
  [[nodiscard]] bool wait_for(Seq seq, std::chrono::milliseconds timeout) const;
  /// Whether somebody waits now.
  [[nodiscard]] bool is_awaited() const noexcept { return waiters_.load(std::memory_order_relaxed) > 0; }
  /// Ends all waiting, now and later.
  void interrupt();

 private:
  LiveState() = default;
  bool mark_older(Seq seq, std::string_view id);
  void publish(std::shared_ptr<const Snapshot> snapshot);
  void wake_waiters();

  mutable std::mutex snapshot_mutex_;  // guards snapshot_, for the time of a pointer copy
  std::shared_ptr<const Snapshot> snapshot_;
  mutable std::mutex wait_mutex_;
  mutable std::condition_variable applied_;
  mutable std::atomic<int> waiters_{0};
  bool interrupted_ = false;  // guarded by wait_mutex_
};

}  // namespace ndb::live
