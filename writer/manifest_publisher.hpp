// The current manifest and its succession: one edit at a time becomes the next version, is published, opened and installed.
//
// Threads: publish() from any thread, one at a time; the others from any thread.
// Invariant: current() is the newest version that this writer knows to be published, and the one that is installed.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "shared/base/clock.hpp"
#include "writer/commit_log.hpp"

namespace ndb::writer {

class ManifestPublisher {
 public:
  /// Changes the next manifest; may write files that it names (synced). An error leaves everything as it was.
  using Edit = std::function<Status(format::Manifest& next)>;
  using OnPublish = std::function<void(ManifestVersion)>;

  ManifestPublisher(fs::FileSystem& fs, fs::Path collection, CommitLog& log,
                    std::shared_ptr<const format::Manifest> current, OnPublish on_publish,
                    const base::Clock& clock = base::system_clock());

  /// Publishes the edited manifest. Adds the next WAL file if the log lacks one. If publishing itself fails, the log stops.
  [[nodiscard]] Result<ManifestVersion> publish(const Edit& edit);
  [[nodiscard]] std::shared_ptr<const format::Manifest> current() const;
  /// To be called every few seconds: notices a take-over also while nobody writes (the log stops), and mends a CURRENT that a
  /// replaced writer set back with its last breath.
  [[nodiscard]] Status still_ours();
  /// Names for files and segments of this writer; each number is given once.
  [[nodiscard]] std::string new_deleted_name() { return format::deleted_file_name(log_.epoch(), file_number_++); }
  [[nodiscard]] std::string new_hnsw_name() { return format::hnsw_file_name(log_.epoch(), file_number_++); }
  [[nodiscard]] SegmentId new_segment_id() { return format::make_segment_id(log_.epoch(), segment_number_++); }
  /// Runs f while nothing is published.
  template <class F>
  auto while_still(F f) {
    const std::scoped_lock lock(publish_mutex_);
    return f();
  }

 private:
  Result<std::shared_ptr<WalFile>> add_wal(format::Manifest& next);
  std::unexpected<Error> give_up(Error error);

  fs::FileSystem& fs_;
  const fs::Path collection_;
  CommitLog& log_;
  const OnPublish on_publish_;
  const base::Clock& clock_;
  std::mutex publish_mutex_;
  std::uint64_t wal_number_ = 2;  // guarded by publish_mutex_; the take-over made 0 and 1
  std::atomic<std::uint64_t> file_number_{0};
  std::atomic<std::uint32_t> segment_number_{0};
  mutable std::mutex current_mutex_;
  std::shared_ptr<const format::Manifest> current_;  // guarded by current_mutex_
};

}  // namespace ndb::writer
