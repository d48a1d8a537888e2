// A collection out of a backup, into a data folder: only where nothing is, and checked to the last byte before it is visible there. It
// is a new collection with the old content: readers and writers that knew the old one do not take it for that.
//
// Threads: a plain function.
#pragma once

#include "cli/backup/backup.hpp"

namespace ndb::cli {

struct Restored {
  std::uint64_t rows = 0, seq = 0, bytes = 0;
};

/// already_exists if data/<name> does. corruption lists what is damaged in the backup; then nothing is left behind.
[[nodiscard]] Result<Restored> restore_collection(const std::filesystem::path& backup, const BackupCollection& collection, const std::filesystem::path& data,
                                                  const std::string& name, const PlaceOptions& place, const BytesDone& progress);

}  // namespace ndb::cli
