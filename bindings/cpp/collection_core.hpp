// One collection inside a process: a follower until the first mutation, the writer from then on. Shared by all handles.
//
// Threads: any. open_mutex_ is held while roles change (slow); mutex_ only for copying pointers.
// Invariant: at most one of writer_ and follower_ feeds state(); both are gone after close().
// Forks: in a child nothing here touches a lock, calls answer unavailable, and the destructor keeps what it cannot end.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bindings/cpp/fork_mark.hpp"
#include "ndb/ndb.hpp"
#include "reader/follower.hpp"
#include "reader/past_versions.hpp"
#include "writer/collection_writer.hpp"

namespace ndb::embedded {

class CollectionCore {
 public:
  ~CollectionCore();
  /// not_found if there is no such collection.
  [[nodiscard]] static Result<std::shared_ptr<CollectionCore>> open(fs::FileSystem& fs, const fs::Path& path,
                                                                    std::string name, const DatabaseOptions& options);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const fs::Path& path() const noexcept { return path_; }
  [[nodiscard]] const CollectionConfig& config() const noexcept { return config_; }
  /// The state to answer from; an error if answers would be stale or the handle was closed.
  [[nodiscard]] Result<std::shared_ptr<live::LiveState>> state();
  /// Waits until `seq` is visible; replica_lagging after `bound`.
  [[nodiscard]] Result<std::shared_ptr<live::LiveState>> state_at(Seq seq, std::chrono::milliseconds bound);
  /// Whether there is still something to answer from, be it old: closed, dropped and inherited handles have nothing.
  [[nodiscard]] Status check_there();
  /// Older versions.
  [[nodiscard]] reader::PastVersions& past() noexcept { return *past_; }
  /// The oldest version that is in use here.
  [[nodiscard]] Result<ManifestVersion> pinned_version();
  /// The writer, becoming it if need be.
  [[nodiscard]] Result<std::shared_ptr<writer::CollectionWriter>> writer();
  /// unavailable in a fork of the process that opened it.
  [[nodiscard]] Status check_process() const { return fork_.check(); }
  /// The writer if this process is it.
  [[nodiscard]] std::shared_ptr<writer::CollectionWriter> current_writer() const;
  /// The follower unless this process is the writer.
  [[nodiscard]] std::shared_ptr<reader::Follower> current_follower() const;
  [[nodiscard]] Result<WriteResult> write(const format::WalBodyBuilder& body);
  /// See CommitLog::write_made.
  [[nodiscard]] Result<WriteResult> write_made(const writer::CommitLog::MakeBody& make);
  /// Whether the collection was removed by another process.
  [[nodiscard]] bool gone() const;
  /// Releases everything; later calls answer `reason`.
  Status close(Error reason);

 private:
  CollectionCore(fs::FileSystem& fs, fs::Path path, std::string name, const DatabaseOptions& options)
      : fs_(fs), path_(std::move(path)), name_(std::move(name)), options_(options) {}
  void pin_past(std::optional<ManifestVersion> oldest);
  [[nodiscard]] reader::FollowerOptions follower_options() const;
  [[nodiscard]] writer::WriterOptions writer_options() const;
  [[nodiscard]] Error dropped_error() const;
  /// Back to following, after this writer was replaced or the disk filled up.
  void step_down(const std::shared_ptr<writer::CollectionWriter>& failed);

  fs::FileSystem& fs_;
  const fs::Path path_;
  const std::string name_;
  const DatabaseOptions options_;
  CollectionConfig config_;           // constant after open()
  std::uint64_t collection_uid_ = 0;  // likewise: a collection of the same name with another one is not this one

  const ForkMark fork_;

  std::mutex open_mutex_;
  mutable std::mutex mutex_;  // guards the rest
  std::shared_ptr<writer::CollectionWriter> writer_;
  std::shared_ptr<reader::Follower> follower_;
  std::optional<Error> closed_;
  std::optional<ManifestVersion> past_pin_;

  std::shared_ptr<reader::PastVersions> past_;  // constant after open(); own synchronization
};

}  // namespace ndb::embedded
