// Makes a damaged collection whole again: from what can still be read, a new version is published in the ordinary way, so readers
// follow it as they follow any. Documents of undamaged blocks and operations of undamaged frames of the log are kept; damaged
// graphs are dropped and built anew by the next writer; what is lost is said. docs/operations.md, "Damaged files"; why so:
// docs/adr/0010-a-repair-is-a-version.md.
//
// Invariants: nothing is overwritten: damaged files are set aside first (see evidence.hpp). Nothing counts before the new manifest
// is published; a repair that is interrupted can be run again.
// Threads: a plain function, in a process that does not have the collection open for writing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ndb/types.hpp"
#include "shared/base/result.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::writer {

struct RepairReport {
  ManifestVersion published;             ///< 0: nothing was damaged, nothing was done
  std::uint64_t documents = 0;           ///< in the new version
  std::uint64_t lost_documents = 0;      ///< rows of segments that could not be read
  std::vector<std::string> damage;       ///< what was wrong: file and place
  std::vector<std::string> lost;         ///< what is gone with it, in words; empty if nothing is
  std::vector<std::string> lost_ids;     ///< of lost documents whose id was still readable
  fs::Path evidence;                     ///< the folder with the damaged files, report.txt and lost-ids.txt
};

/// Takes the write lock. collection_locked while a writer runs; corruption if no manifest is whole.
[[nodiscard]] Result<RepairReport> repair_collection(fs::FileSystem& fs, const fs::Path& collection);

}  // namespace ndb::writer
