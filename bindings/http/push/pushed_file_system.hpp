// A reader's view of a data folder whose log comes from the writer, too: WAL files are read from what was pushed, then from the volume, and,
// where the volume has no such file (the log may be on a volume of the writer's own), from the writer. Everything else is the volume's.
//
// Threads: any.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "bindings/http/push/pushed_log.hpp"
#include "bindings/http/push/remote_log.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::http {

class PushedFileSystem final : public fs::FileSystem {
 public:
  /// volume: outlives this. folder: the data folder, absolute.
  PushedFileSystem(fs::FileSystem& volume, const fs::Path& folder, std::shared_ptr<RemoteLog> remote)
      : volume_(volume), folder_((folder / "collection").parent_path()), remote_(std::move(remote)) {}

  /// What was pushed of a collection.
  [[nodiscard]] std::shared_ptr<PushedLog> log_of(const std::string& collection);
  /// Forgets collections that are not named.
  void keep_only(const std::vector<std::string>& collections);

  [[nodiscard]] Result<std::unique_ptr<fs::File>> open_read(const fs::Path& path) override;
  [[nodiscard]] Result<std::unique_ptr<fs::File>> create_exclusive(const fs::Path& path) override { return volume_.create_exclusive(path); }
  [[nodiscard]] Result<std::unique_ptr<fs::Mapping>> map(const fs::Path& path) override { return volume_.map(path); }
  [[nodiscard]] Status rename(const fs::Path& from, const fs::Path& to) override { return volume_.rename(from, to); }
  [[nodiscard]] Status link(const fs::Path& from, const fs::Path& to) override { return volume_.link(from, to); }
  [[nodiscard]] Status remove(const fs::Path& path) override { return volume_.remove(path); }
  [[nodiscard]] Status remove_directory(const fs::Path& path) override { return volume_.remove_directory(path); }
  [[nodiscard]] Status make_directory(const fs::Path& path) override { return volume_.make_directory(path); }
  [[nodiscard]] Status sync_directory(const fs::Path& path) override { return volume_.sync_directory(path); }
  [[nodiscard]] Result<std::vector<std::string>> list(const fs::Path& path) override { return volume_.list(path); }
  [[nodiscard]] Result<bool> exists(const fs::Path& path) override { return volume_.exists(path); }
  [[nodiscard]] std::optional<std::uint64_t> free_bytes(const fs::Path& path) override { return volume_.free_bytes(path); }

 private:
  fs::FileSystem& volume_;
  const fs::Path folder_;
  const std::shared_ptr<RemoteLog> remote_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<PushedLog>> logs_;  // guarded by mutex_
};

}  // namespace ndb::http
