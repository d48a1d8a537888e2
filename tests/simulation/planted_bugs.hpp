// Mistakes put back on purpose, to see that the simulation finds them: a file system between the product's code and the host's that
// makes the product behave as if a step of the protocol were missing or in the wrong place. Nothing of it is in the product.
//
// Threads: one.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "shared/format/manifest.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::sim {

enum class Bug {
  none,
  no_epoch_check,        ///< a writer acknowledges without reading EPOCH again
  no_directory_sync,     ///< new names are not made durable
  no_grace,              ///< files are deleted as soon as no kept manifest names them
  scan_before_fencing,   ///< a take-over scans the old log before it publishes its epoch
  probe_next_manifest,   ///< a reader looks for manifest v+1 by name rather than reading CURRENT
  cached_length,         ///< a reader goes on with the length that a WAL file had when it was first opened
  no_boundary_check,     ///< a writer does not read BOUNDARY after it created a manifest
};

struct BugInfo {
  Bug bug;
  const char* what;
};
inline constexpr std::array kBugs = {
    BugInfo{Bug::no_epoch_check, "EPOCH is not read again before acknowledging"},
    BugInfo{Bug::no_directory_sync, "directories are not synced"},
    BugInfo{Bug::no_grace, "files are collected at once"},
    BugInfo{Bug::scan_before_fencing, "the old log is scanned before EPOCH is published"},
    BugInfo{Bug::probe_next_manifest, "readers probe for manifest v+1 by name"},
    BugInfo{Bug::cached_length, "readers keep the length of an open WAL file"},
    BugInfo{Bug::no_boundary_check, "BOUNDARY is not read after creating a manifest"},
};

class BuggyFs final : public fs::FileSystem {
 public:
  BuggyFs(fs::FileSystem& real, fs::Path collection, Bug bug, bool reader)
      : real_(real), collection_(std::move(collection)), bug_(bug), reader_(reader) {}

  /// Set while a batch is being committed, to the epoch of the writer that does it.
  std::optional<Epoch> committing;

  Result<std::unique_ptr<fs::File>> open_read(const fs::Path& path) override;
  Result<std::unique_ptr<fs::File>> create_exclusive(const fs::Path& path) override { return real_.create_exclusive(path); }
  Result<std::unique_ptr<fs::Mapping>> map(const fs::Path& path) override { return real_.map(path); }
  Status rename(const fs::Path& from, const fs::Path& to) override;
  Status link(const fs::Path& from, const fs::Path& to) override { return real_.link(from, to); }
  Status remove(const fs::Path& path) override { return real_.remove(path); }
  Status remove_directory(const fs::Path& path) override { return real_.remove_directory(path); }
  Status make_directory(const fs::Path& path) override { return real_.make_directory(path); }
  Status sync_directory(const fs::Path& path) override;
  Result<std::vector<std::string>> list(const fs::Path& path) override { return real_.list(path); }
  Result<bool> exists(const fs::Path& path) override { return real_.exists(path); }

 private:
  Result<std::unique_ptr<fs::File>> probed_current();
  Result<std::unique_ptr<fs::File>> shortened(const fs::Path& path);

  fs::FileSystem& real_;
  const fs::Path collection_;
  const Bug bug_;
  const bool reader_;
  std::optional<std::pair<fs::Path, fs::Path>> held_back_;  // a rename of EPOCH
  std::optional<ManifestVersion> probed_;
  std::map<fs::Path, std::uint64_t> lengths_;
};

}  // namespace ndb::sim
