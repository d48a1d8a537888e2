// The way of a batch from its caller to the log, the memtable and back: group commit. Batches that wait at the same time are
// written with one write(2) and, under `sync`, share one fdatasync. There is no thread of its own: the first caller leads, commits
// everybody who waits, and hands over to the next.
//
// Threads: write() and the others from any thread. Locks, in the order in which they are taken: publish mutex (the caller's),
// commit_mutex_, queue_mutex_ or failure_mutex_.
// Invariants:
//   - operations reach the log, the memtable and readers in the order of their sequence numbers, without gaps;
//   - nothing is acknowledged unless it is in the log (synced, under `sync`) and the epoch was still ours afterwards;
//   - after a failed write or sync nothing is ever acknowledged again (failure()).
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "ndb/document.hpp"
#include "shared/live/live_state.hpp"
#include "writer/options.hpp"
#include "writer/recovery.hpp"

namespace ndb::writer {

class CommitLog {
 public:
  /// Called after each committed group, with its last sequence number and the end of the log: wakes readers.
  using OnCommit = std::function<void(Seq, format::WalName, std::uint64_t wal_bytes)>;
  /// Called when a memtable was frozen, or the next WAL file is missing: wakes the flusher.
  using OnWork = std::function<void()>;

  CommitLog(fs::FileSystem& fs, fs::Path collection, const WriterOptions& options, TakenOver taken, OnCommit on_commit,
            OnWork on_work);

  /// Commits one batch. overloaded if the flusher stays behind for too long; the log's failure() after it failed.
  [[nodiscard]] Result<WriteResult> write(const format::WalBodyBuilder& body);
  /// Commits what `make` returns; it is called with no other write under way, so it may look at the state and decide.
  using MakeBody = std::function<Result<format::WalBodyBuilder>()>;
  [[nodiscard]] Result<WriteResult> write_made(const MakeBody& make);
  /// Tells writes that have to wait for the flusher why it does not get on; nullopt: it does.
  void set_flush_error(std::optional<Error> error);
  /// Freezes the newest memtable if it has operations. The sequence number of the newest frozen operation.
  [[nodiscard]] Result<Seq> freeze();
  /// Makes everything acknowledged so far durable (for `buffered`), oldest file first.
  [[nodiscard]] Status sync();
  /// Sync and a final sync mark; later writes fail with unavailable.
  [[nodiscard]] Status close();

  [[nodiscard]] live::LiveState& state() noexcept { return *state_; }
  [[nodiscard]] Epoch epoch() const noexcept { return epoch_; }
  /// Why writing stopped, if it did.
  [[nodiscard]] std::optional<Error> failure() const;
  /// Stops writing for good.
  void fail_with(Error error);

  /// Gives the log its next WAL file (named by a published manifest) and swaps the state, in one step.
  void install(live::Prepared prepared, std::shared_ptr<WalFile> next);
  [[nodiscard]] bool needs_next() const;
  [[nodiscard]] std::uint64_t wal_bytes() const;

 private:
  struct Ticket {
    const format::WalBodyBuilder* body = nullptr;
    std::uint32_t checksum = 0;
    const MakeBody* make = nullptr;  // instead of a body
    format::WalBodyBuilder made;
    Result<WriteResult> result = WriteResult{};
    bool done = false, leads = false;
    std::condition_variable woken;

    void set_body(const format::WalBodyBuilder& from) {
      body = &from;
      checksum = from.checksum();
    }
  };
  using Group = std::vector<Ticket*>;

  Result<WriteResult> commit_ticket(Ticket& ticket);
  Group take_group();
  void commit(const Group& group);
  Status commit_locked(const Group& group, std::unique_lock<std::mutex>& commit_lock);
  Status make_room(std::unique_lock<std::mutex>& commit_lock);
  Status rotate(std::unique_lock<std::mutex>& commit_lock);
  Status append_frames(const Group& group, Seq first_seq);
  Status append_sync_mark();
  [[nodiscard]] Status healthy() const;
  [[nodiscard]] std::optional<Error> flush_error() const {
    const std::scoped_lock lock(failure_mutex_);
    return flush_error_;
  }
  std::unexpected<Error> give_up(Error error);
  void set_failure(Error error);

  // constant after construction
  fs::FileSystem& fs_;
  const fs::Path collection_;
  const WriterOptions options_;
  const Epoch epoch_;
  const CollectionConfig config_;
  const std::unique_ptr<live::LiveState> state_;
  const OnCommit on_commit_;
  const OnWork on_work_;

  // guarded by commit_mutex_
  mutable std::mutex commit_mutex_;
  std::condition_variable progressed_;  // a next file came, a memtable was flushed, or writing failed
  std::shared_ptr<WalFile> active_, next_;
  std::vector<std::shared_ptr<WalFile>> unsynced_;  // rotated away, not known to be durable yet; oldest first
  std::uint64_t marked_bytes_ = 0;                  // of active_: what the newest sync mark in it says
  std::vector<std::byte> buffer_;
  bool sync_failed_ = false;

  mutable std::mutex failure_mutex_;  // a leaf: may be taken with any other held
  std::optional<Error> failure_;
  std::optional<Error> flush_error_;

  // guarded by queue_mutex_
  std::mutex queue_mutex_;
  std::deque<Ticket*> queue_;
  bool led_ = false;

  std::mutex sync_mutex_;  // one sync() at a time
};

}  // namespace ndb::writer
