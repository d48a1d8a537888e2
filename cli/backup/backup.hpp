// A backup: a folder with collections as they lie in a data folder, each at one version and with its log, so that it can be opened like
// one, read-only; and the file BACKUP, which says what it holds. It can be made while a writer runs, takes no lock and changes nothing.
//
// Threads: plain functions.
#pragma once

#include <functional>
#include <vector>

#include "cli/backup/backup_list.hpp"
#include "cli/backup/place_file.hpp"
#include "shared/format/manifest.hpp"

namespace ndb::cli {

/// The files that the segment is made of.
[[nodiscard]] std::vector<format::FileRef> files_of(const format::ManifestSegment& segment);

/// How much of what there is to do is done.
using BytesDone = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct BackupOptions {
  PlaceOptions place;
  std::filesystem::path against;  ///< an earlier backup, whose files are used again by hard links; "" for none
  BytesDone progress = [](std::uint64_t, std::uint64_t) {};
};

/// How the files came to be where they are.
struct PlacedBytes {
  std::uint64_t reused = 0, shared = 0, linked = 0, copied = 0;  ///< reused: links to files of an earlier backup

  void add(Placed how, std::uint64_t bytes) noexcept { (how == Placed::shared ? shared : how == Placed::linked ? linked : copied) += bytes; }
};

/// Copies one collection into `target`/<name>, which must not exist. Whatever was acknowledged before the call is inside.
[[nodiscard]] Result<BackupCollection> backup_collection(const std::filesystem::path& data, const std::string& name, const std::filesystem::path& target,
                                                         const BackupOptions& options, PlacedBytes& placed);

}  // namespace ndb::cli
