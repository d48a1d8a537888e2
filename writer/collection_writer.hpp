// The one writer of a collection: holds its lock and epoch, takes batches, and keeps its files in shape in the background.
//
// Threads: every public member from any thread. Own threads: flush (memtables to segments), optimize (graphs, merges,
// collecting files), sync (durability of buffered writes, heartbeat).
// Invariant: after stop or failure the files are as a crash would leave them: the next writer takes over without manual steps.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <thread>

#include "ipc/lock/writer_lock.hpp"
#include "ndb/stats.hpp"
#include "writer/activity.hpp"
#include "writer/segments/collector.hpp"
#include "writer/segments/compaction_policy.hpp"
#include "writer/segments/merge.hpp"
#include "writer/readers.hpp"
#include "writer/wal_feed.hpp"

namespace ndb::writer {

class CollectionWriter {
 public:
  /// Takes the write lock and takes the collection over. collection_locked if another process has it.
  [[nodiscard]] static Result<std::unique_ptr<CollectionWriter>> open(fs::FileSystem& fs, const fs::Path& collection,
                                                                      const WriterOptions& options, bool shared_memory);
  /// Like close().
  ~CollectionWriter();
  CollectionWriter(const CollectionWriter&) = delete;
  CollectionWriter& operator=(const CollectionWriter&) = delete;

  /// Commits one batch (op_count ≥ 1); see CommitLog::write.
  [[nodiscard]] Result<WriteResult> write(const format::WalBodyBuilder& body) { return log_->write(body); }
  /// See CommitLog::write_made.
  [[nodiscard]] Result<WriteResult> write_made(const CommitLog::MakeBody& make) { return log_->write_made(make); }
  [[nodiscard]] live::LiveState& state() noexcept { return log_->state(); }
  [[nodiscard]] const live::LiveState& state() const noexcept { return log_->state(); }
  [[nodiscard]] Epoch epoch() const noexcept { return log_->epoch(); }
  [[nodiscard]] std::optional<Error> failure() const { return log_->failure(); }

  [[nodiscard]] Result<ManifestVersion> flush(bool wait);
  /// Flushes, then merges everything that can be merged.
  [[nodiscard]] Result<ManifestVersion> compact(bool wait);
  /// Builds every graph anew, and turns indexing on.
  [[nodiscard]] Result<ManifestVersion> rebuild_index(bool wait);
  [[nodiscard]] Result<ManifestVersion> delete_index();
  /// Publishes how long old versions stay.
  [[nodiscard]] Result<ManifestVersion> set_history(const HistoryConfig& history);
  /// What this process itself reads of older versions stays; none: nothing.
  void pin_here(std::optional<ManifestVersion> oldest) { readers_.pin_here(oldest); }
  /// Makes everything durable, stops the threads and releases the lock; later writes fail with unavailable.
  [[nodiscard]] Status close();

  [[nodiscard]] bool building() const noexcept { return building_.load(std::memory_order_relaxed); }
  [[nodiscard]] double build_progress() const noexcept { return progress_.load(std::memory_order_relaxed); }
  [[nodiscard]] Activity::AllTimes activity() const noexcept { return activity_.times(); }
  /// See Readers::reported.
  [[nodiscard]] Status reader_reported(const ReaderReport& report) { return readers_.reported(report); }
  /// What was committed, for readers that do not see the log's files at once. Any thread; ends with close().
  [[nodiscard]] WalFeed& feed() noexcept { return feed_; }
  [[nodiscard]] std::vector<ReplicaStats> replicas() { return readers_.list(state().applied_seq()); }

 private:
  enum class JobKind { compact, rebuild_index };
  struct Job {
    JobKind kind;
    std::promise<Result<ManifestVersion>> promise;
  };

  CollectionWriter(fs::FileSystem& fs, fs::Path collection, const WriterOptions& options, ipc::WriterLock lock,
                   bool shared_memory);
  void start(TakenOver taken);
  void wake();
  void flush_loop(const std::stop_token& stop);
  void optimize_loop(const std::stop_token& stop);
  void sync_loop(const std::stop_token& stop);
  Result<bool> optimize_once(const std::stop_token& stop);
  Status merge(const std::vector<SegmentId>& ids, const std::stop_token& stop);
  Result<ManifestVersion> run(JobKind kind, const std::stop_token& stop);
  Result<ManifestVersion> compact_all(const std::stop_token& stop);
  Result<ManifestVersion> rebuild_all(const std::stop_token& stop);
  void collect_if_due();
  [[nodiscard]] bool is_closed();
  [[nodiscard]] std::optional<SegmentId> unindexed_segment() const;
  [[nodiscard]] std::vector<SegmentSize> segment_sizes() const;
  [[nodiscard]] BuildGraph graph_builder(const std::stop_token& stop);
  Result<ManifestVersion> submit(JobKind kind, bool wait);
  Status flush_and_wait();
  [[nodiscard]] std::chrono::milliseconds flush_round() const;
  void freeze_for_history();

  // constant after construction
  fs::FileSystem& fs_;
  const fs::Path collection_;
  const WriterOptions options_;
  ipc::WriterLock lock_;
  Readers readers_;
  WalFeed feed_;
  PendingSegments pending_;
  Pace merge_pace_{options_.merge_bytes_per_second};
  std::unique_ptr<CommitLog> log_;
  std::unique_ptr<ManifestPublisher> publisher_;
  std::unique_ptr<FlushContext> context_;
  std::unique_ptr<Collector> collector_;
  // own synchronization
  Activity activity_;
  std::atomic<bool> building_{false};
  std::atomic<double> progress_{1.0};
  // guarded by work_mutex_
  std::mutex work_mutex_;
  std::condition_variable_any work_;      // something for the flush or the optimize thread
  std::condition_variable_any flushed_;   // flush_error_ or the published manifest changed
  std::deque<Job> jobs_;
  std::uint64_t work_version_ = 0;
  std::optional<Error> flush_error_;
  bool closed_ = false;
  // the optimize thread's
  std::chrono::steady_clock::time_point next_collect_{};
  // the flush thread's: since when something waits to be in a version
  std::optional<std::chrono::steady_clock::time_point> unflushed_since_;

  std::jthread flush_thread_, optimize_thread_, sync_thread_;
};

}  // namespace ndb::writer
