// The small files that are replaced by rename: CURRENT, EPOCH and BOUNDARY. Each is a few lines of text, so that people can
// read them, closed by a checksum line (docs/formats.md, "Pointer files").
//
// Threads: functions without state.
#pragma once

#include <cstdint>
#include <string>

#include "ndb/types.hpp"
#include "shared/base/result.hpp"
#include "shared/format/file_names.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::format {

/// CURRENT: the newest manifest, as a hint: a crash may leave it one version behind.
struct CurrentFile {
  ManifestVersion version;
  std::uint64_t collection_uid = 0;
};
/// EPOCH: the writer epoch in force. A writer that reads another epoch than its own has been replaced.
struct EpochFile {
  Epoch epoch;
  std::string holder;  ///< "pid@host", for people
};
/// BOUNDARY: manifests below `first_kept` may be gone; their names must not be used again.
struct BoundaryFile {
  ManifestVersion first_kept;
};

[[nodiscard]] Result<CurrentFile> read_current(fs::FileSystem& fs, const Path& collection);
[[nodiscard]] Result<EpochFile> read_epoch(fs::FileSystem& fs, const Path& collection);
/// An absent file is the boundary 0.
[[nodiscard]] Result<BoundaryFile> read_boundary(fs::FileSystem& fs, const Path& collection);
/// The newest manifest, as far as this host sees: CURRENT may have stayed behind when a writer was killed, or have been set back by a replaced one
/// that slept, so the folder is listed. Asking for names that may not be there would hide them from this host.
[[nodiscard]] Result<CurrentFile> read_newest(fs::FileSystem& fs, const Path& collection);
[[nodiscard]] Status write_current(fs::FileSystem& fs, const Path& collection, const CurrentFile& current);
[[nodiscard]] Status write_epoch(fs::FileSystem& fs, const Path& collection, const EpochFile& epoch);
[[nodiscard]] Status write_boundary(fs::FileSystem& fs, const Path& collection, const BoundaryFile& boundary);

}  // namespace ndb::format
