// The background threads of CollectionWriter.
#include <fmt/format.h>

#include <algorithm>

#include "shared/base/log.hpp"
#include "writer/collection_writer.hpp"
#include "writer/segments/compaction_policy.hpp"
#include "writer/segments/graph_build.hpp"

namespace ndb::writer {
namespace {

constexpr std::chrono::seconds kRetryAfter{1};     // after a failed flush or merge: the volume may have room again
constexpr std::chrono::seconds kIdleRound{5};      // heartbeat, collecting
constexpr std::chrono::milliseconds kMinCollect{100};
constexpr int kCollectPause = 20;                  // collecting takes at most a twentieth of the time
constexpr Row kWorthTelling = 10'000;              // rows of a graph whose building is logged

}  // namespace

void CollectionWriter::flush_loop(const std::stop_token& stop) {
  std::uint64_t seen = ~std::uint64_t{0};  // look at once: what was recovered from the log waits already
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(work_mutex_);
      work_.wait_for(lock, stop, flush_round(), [&] { return work_version_ != seen; });
      seen = work_version_;
    }
    if (stop.stop_requested() || log_->failure()) continue;
    Result<bool> flushed = true;
    while (flushed && *flushed && !stop.stop_requested()) {
      // The next WAL file first: without it writes wait, even if flushing fails.
      if (log_->needs_next())
        if (const auto added = publisher_->publish([](format::Manifest&) -> Status { return {}; }); !added)
          flushed = std::unexpected(added.error());
      if (!flushed) break;
      const Timed timed(activity_, Work::flush);
      flushed = flush_oldest(*context_, stop);
      if (flushed && *flushed) timed.done();
    }
    if (flushed && !stop.stop_requested()) freeze_for_history();
    log_->set_flush_error(flushed ? std::nullopt : std::optional(flushed.error()));
    std::unique_lock lock(work_mutex_);
    if (!flushed && !stop.stop_requested() && !log_->failure()) {
      base::log_error("flushing failed, trying again", flushed.error());
      flush_error_ = flushed.error();
      seen = work_version_ - 1;
      flushed_.notify_all();
      work_.wait_for(lock, stop, kRetryAfter, [] { return false; });
    } else {
      flush_error_.reset();
      flushed_.notify_all();
    }
  }
}

std::chrono::milliseconds CollectionWriter::flush_round() const {
  const auto history = publisher_->current()->config.history;  // a copy: the manifest may be replaced now
  return history.retention.count() == 0 ? kIdleRound : std::min<std::chrono::milliseconds>(kIdleRound, history.interval);
}

// While versions are kept, nothing stays out of them for much longer than the interval. With nothing frozen and the next WAL file there, so
// that this does not wait for the very thread that it runs in.
void CollectionWriter::freeze_for_history() {
  const auto manifest = publisher_->current();
  const auto& history = manifest->config.history;
  const bool waits = log_->state().applied_seq() > manifest->flushed_seq && log_->state().snapshot()->memtables.size() == 1;
  if (history.retention.count() == 0 || !waits) {
    unflushed_since_.reset();
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (!unflushed_since_) unflushed_since_ = now;
  if (now - *unflushed_since_ < history.interval) return;
  unflushed_since_.reset();
  if (const auto frozen = log_->freeze(); !frozen) base::log_error("flushing for the history", frozen.error());
}

void CollectionWriter::sync_loop(const std::stop_token& stop) {
  auto next_tick = std::chrono::steady_clock::now();
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, options_.sync_interval, [] { return false; });
    if (stop.stop_requested()) return;
    static_cast<void>(log_->sync());  // its failure is logged and kept by the log
    if (std::chrono::steady_clock::now() < next_tick) continue;
    readers_.tick();
    if (!log_->failure())
      if (const auto ours = publisher_->still_ours(); !ours) base::log_error("looking after EPOCH and CURRENT", ours.error());
    next_tick = std::chrono::steady_clock::now() + kIdleRound;
  }
}

void CollectionWriter::optimize_loop(const std::stop_token& stop) {
  std::uint64_t seen = ~std::uint64_t{0};  // look at once: what was recovered from the log waits already
  const auto idle = std::clamp<std::chrono::milliseconds>(options_.gc_grace, kMinCollect, kIdleRound);
  std::string last_trouble;  // is told once
  while (!stop.stop_requested()) {
    std::optional<Job> job;
    {
      std::unique_lock lock(work_mutex_);
      work_.wait_for(lock, stop, idle, [&] { return work_version_ != seen || !jobs_.empty(); });
      seen = work_version_;
      if (!jobs_.empty()) {
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
    }
    if (job) {
      job->promise.set_value(run(job->kind, stop));
      continue;
    }
    if (log_->failure()) continue;
    Result<bool> worked = true;
    while (worked && *worked && !stop.stop_requested()) {
      worked = optimize_once(stop);
      const std::scoped_lock lock(work_mutex_);
      if (!jobs_.empty()) break;
    }
    if (!worked && !stop.stop_requested() && !log_->failure()) {
      if (worked.error().message != last_trouble) base::log_error("indexing or merging failed, trying again", worked.error());
      last_trouble = worked.error().message;
      std::unique_lock lock(work_mutex_);
      work_.wait_for(lock, stop, kRetryAfter, [&] { return !jobs_.empty(); });
      seen = work_version_ - 1;
    } else {
      last_trouble.clear();
    }
    if (!stop.stop_requested()) collect_if_due();
  }
  const std::scoped_lock lock(work_mutex_);
  for (auto& job : jobs_)
    job.promise.set_value(fail(ErrorCode::unavailable, "the collection was closed"));
  jobs_.clear();
}

bool CollectionWriter::is_closed() {
  const std::scoped_lock lock(work_mutex_);
  return closed_;
}

void CollectionWriter::collect_if_due() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_collect_) return;
  const auto pinned = readers_.min_pinned_version();
  const auto status = collector_->collect(pinned);
  const auto round = std::chrono::steady_clock::now() - now;  // grows with the versions that are kept
  next_collect_ = now + std::max<std::chrono::steady_clock::duration>(
      round * kCollectPause, std::clamp<std::chrono::milliseconds>(options_.gc_grace / 4, kMinCollect, kIdleRound));
  if (is_closed()) return;  // what fails then fails because of that
  if (!status) return base::log_error("collecting old files", status.error());
  if (!collector_->waits_for_manifests(pinned) || log_->failure()) return;
  if (const auto aged = publisher_->publish([](format::Manifest&) -> Status { return {}; }); !aged && !is_closed())
    base::log_error("publishing so that old files can go", aged.error());
}

BuildGraph CollectionWriter::graph_builder(const std::stop_token& stop) {
  return [this, &stop](const segment::SegmentView& view, const index::ReusedGraph* reused) {
    building_.store(true, std::memory_order_relaxed);
    progress_.store(0.0, std::memory_order_relaxed);
    const auto name = collection_.filename().string();
    const auto start = std::chrono::steady_clock::now();
    if (view.rows() >= kWorthTelling)
      base::log_info(fmt::format("{}: building the graph of {} rows{}", name, view.rows(), reused != nullptr ? " from an older one" : ""));
    const Timed timed(activity_, Work::graph);
    auto graph = build_graph(view, reused, publisher_->current()->config.hnsw, options_.index_threads, progress_, stop);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (graph && view.rows() >= kWorthTelling)
      base::log_info(fmt::format("{}: built the graph of {} rows in {:.1f} s", name, view.rows(), took.count()));
    if (graph) timed.done();
    progress_.store(1.0, std::memory_order_relaxed);
    building_.store(false, std::memory_order_relaxed);
    return graph;
  };
}

std::optional<SegmentId> CollectionWriter::unindexed_segment() const {
  const auto manifest = publisher_->current();
  if (!manifest->index_enabled) return std::nullopt;
  for (const auto& segment : manifest->segments)
    if (!segment.hnsw && segment.rows >= options_.index_min_rows) return segment.id;
  return std::nullopt;
}

std::vector<SegmentSize> CollectionWriter::segment_sizes() const {
  std::vector<SegmentSize> sizes;
  const auto manifest = publisher_->current();
  for (const auto& segment : manifest->segments) sizes.push_back({segment.id, segment.rows, segment.deleted});
  return sizes;
}

Status CollectionWriter::merge(const std::vector<SegmentId>& ids, const std::stop_token& stop) {
  const Timed timed(activity_, Work::merge);
  NDB_TRY(merge_segments(*context_, ids, options_.index_min_rows, graph_builder(stop), stop));
  timed.done();
  return {};
}

// Merges come first: a graph for a segment that is about to be merged would be built in vain.
Result<bool> CollectionWriter::optimize_once(const std::stop_token& stop) {
  if (const auto ids = choose_merge(segment_sizes(), options_); !ids.empty()) {
    NDB_TRY(merge(ids, stop));
    return true;
  }
  if (const auto id = unindexed_segment()) {
    const auto indexed = index_segment(*context_, *id, graph_builder(stop), stop);
    if (!indexed && indexed.error().code != ErrorCode::not_found) return std::unexpected(indexed.error());
    return true;
  }
  return false;
}

Result<ManifestVersion> CollectionWriter::run(JobKind kind, const std::stop_token& stop) {
  if (const auto failure = log_->failure()) return std::unexpected(*failure);
  return kind == JobKind::compact ? compact_all(stop) : rebuild_all(stop);
}

Result<ManifestVersion> CollectionWriter::compact_all(const std::stop_token& stop) {
  NDB_TRY(flush_and_wait());
  for (auto ids = choose_full_merge(segment_sizes(), options_); !ids.empty() && !stop.stop_requested();
       ids = choose_full_merge(segment_sizes(), options_))
    NDB_TRY(merge(ids, stop));
  return publisher_->current()->version;
}

Result<ManifestVersion> CollectionWriter::rebuild_all(const std::stop_token& stop) {
  NDB_TRY(flush_and_wait());
  for (const auto& size : segment_sizes()) {
    if (stop.stop_requested()) return fail(ErrorCode::unavailable, "the collection was closed");
    const auto indexed = index_segment(*context_, size.id, graph_builder(stop), stop);
    if (!indexed && indexed.error().code != ErrorCode::not_found) return indexed;
  }
  return publisher_->current()->version;
}

}  // namespace ndb::writer
