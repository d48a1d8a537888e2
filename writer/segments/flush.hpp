// Turns the oldest frozen memtable into a segment. Threads: one flush at a time (the caller's flush thread).
#pragma once

#include <set>
#include <stop_token>

#include "writer/manifest_publisher.hpp"
#include "writer/segments/pace.hpp"

namespace ndb::writer {

/// Segments whose folders are being written and which no manifest names yet: not to be collected. Thread-safe.
class PendingSegments {
 public:
  class Guard {
   public:
    Guard(PendingSegments& pending, SegmentId id) : pending_(pending), id_(id) {
      const std::scoped_lock lock(pending_.mutex_);
      pending_.ids_.insert(id_);
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() {
      const std::scoped_lock lock(pending_.mutex_);
      pending_.ids_.erase(id_);
    }

   private:
    PendingSegments& pending_;
    SegmentId id_;
  };
  [[nodiscard]] bool contains(SegmentId id) const {
    const std::scoped_lock lock(mutex_);
    return ids_.contains(id);
  }

 private:
  mutable std::mutex mutex_;
  std::set<SegmentId> ids_;
};

struct FlushContext {
  fs::FileSystem& fs;
  const fs::Path& collection;
  CommitLog& log;
  ManifestPublisher& publisher;
  PendingSegments& pending;
  Pace* merge_pace = nullptr;        ///< null: no limit
  std::uint64_t left_to_writes = 0;  ///< bytes of the volume that merges and graphs leave free

  void spend(std::uint64_t bytes, const std::stop_token& stop) const {
    if (merge_pace != nullptr) merge_pace->spend(bytes, stop);
  }
};

/// Publishes the oldest frozen memtable as a segment and drops its WAL file. False if nothing is frozen.
[[nodiscard]] Result<bool> flush_oldest(const FlushContext& context, const std::stop_token& stop);

/// Removes what was written of a segment that no manifest will name: on a full volume its space is needed.
void discard_segment(const FlushContext& context, SegmentId id);

/// Writes delete sets for every segment of `next` that lost rows by operations up to next.flushed_seq, and drops segments that
/// lost them all. To be called inside a publish.
[[nodiscard]] Status update_delete_sets(const FlushContext& context, format::Manifest& next);

}  // namespace ndb::writer
