// The database behind the routes: opened now or, for a reader whose folder does not exist yet, as soon as it does.
// Keeps every collection that was asked for open, so that a request costs a look into a map.
//
// Threads: any. Invariant: a collection stays open (and, once it was written to, locked) until it is dropped or
// close().
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/http/codec/request_codec.hpp"
#include "ndb/ndb.hpp"
#include "writer/activity.hpp"
#include "writer/wal_feed.hpp"

namespace ndb::http {

class Backend {
 public:
  /// files: where the folder's files are opened; outlives this.
  Backend(std::filesystem::path folder, const DatabaseOptions& options, fs::FileSystem& files = fs::posix_file_system())
      : folder_(std::move(folder)), options_(options), files_(files) {}

  /// Opens the folder unless it is open already. For a reader unavailable as long as there is no folder.
  [[nodiscard]] Status open();
  [[nodiscard]] Result<Collection> collection(std::string_view name);
  [[nodiscard]] Result<Collection> create(std::string_view name, const CollectionConfig& config);
  [[nodiscard]] Status drop(std::string_view name);
  [[nodiscard]] Result<std::vector<std::string>> names();
  /// Notes what a reader reported, and answers the newest sequence number here. unavailable unless this process writes
  /// to the collection.
  [[nodiscard]] Result<Seq> note_replica(std::string_view name, const ReplicaReport& report);
  /// What this process commits to the collection, as it comes. unavailable unless it writes to it.
  [[nodiscard]] Result<std::shared_ptr<writer::WalFeed>> feed(std::string_view name);
  /// Answers whoever waits in a feed, so that a server can end.
  void close_feeds();
  /// The oldest version that this process reads.
  [[nodiscard]] Result<ManifestVersion> pinned_version(std::string_view name) const;
  /// How long background work took, if this process writes to the collection.
  [[nodiscard]] std::optional<writer::Activity::AllTimes> activity(std::string_view name) const;
  /// Forgets a collection that an operation found gone, so that the next request looks again.
  void forget(std::string_view name);
  /// Syncs and lets go of everything; later calls answer unavailable.
  [[nodiscard]] Status close();

  [[nodiscard]] bool is_reader() const noexcept { return options_.read_only; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }

 private:
  [[nodiscard]] Result<Database> database();

  const std::filesystem::path folder_;
  const DatabaseOptions options_;
  fs::FileSystem& files_;

  std::shared_mutex mutex_;
  // Guarded by mutex_:
  std::optional<Database> database_;
  std::map<std::string, Collection, std::less<>> collections_;
  bool closed_ = false;
};

}  // namespace ndb::http
