// Taking over a collection: claim an epoch, fence the old writer, find out what its log holds, seal it, and publish a manifest
// that says so. Nothing old is changed: old WAL files are never truncated or appended to.
//
// Order matters: the old log is scanned after EPOCH was published, so an old writer that still runs either had its frame in
// the log before the scan or sees the new epoch before it acknowledges. Between hosts, whose caches may show the old EPOCH a little
// longer, the scan waits a second in between. Threads: a plain function.
#pragma once

#include <memory>
#include <string>

#include "shared/base/clock.hpp"
#include "shared/live/live_state.hpp"
#include "writer/wal_file.hpp"

namespace ndb::writer {

struct TakenOver {
  Epoch epoch;
  std::shared_ptr<const format::Manifest> manifest;  ///< published by the take-over
  std::unique_ptr<live::LiveState> state;            ///< everything replayed; the newest memtable is the active file's
  std::shared_ptr<WalFile> active, next;
};

/// The caller holds the write lock. corruption names file and offset when the log is damaged before a synced mark;
/// a torn tail behind it is dropped and logged.
[[nodiscard]] Result<TakenOver> take_over(fs::FileSystem& fs, const fs::Path& collection, const std::string& holder,
                                          const base::Clock& clock = base::system_clock());

}  // namespace ndb::writer
