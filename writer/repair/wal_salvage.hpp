// What can still be read of a damaged log: every whole frame, also behind damage. Operations between two whole frames that are
// missing are missing; what is left is applied in order all the same.
//
// Threads: plain functions and values.
#pragma once

#include <string>
#include <vector>

#include "shared/format/manifest.hpp"
#include "shared/format/wal.hpp"
#include "shared/live/live_state.hpp"

namespace ndb::writer {

struct SalvagedFrame {
  Seq first_seq;
  std::vector<format::WalOp> ops;  ///< point into the file's bytes
};

struct SalvagedWal {
  format::WalName name;
  std::vector<std::byte> bytes;
  std::vector<SalvagedFrame> frames;   ///< in order, none without operations
  std::vector<std::string> damage;     ///< a sentence for each damaged range
  std::vector<std::string> torn;       ///< the same for a tail that was never acknowledged as durable
  std::uint64_t lost_tail_bytes = 0;   ///< damaged ones behind the last frame
};

/// What applying a salvaged log found out.
struct AppliedLog {
  std::vector<std::string> holes;      ///< a sentence for each
  std::uint64_t lost_at_end = 0;       ///< operations that may have been lost behind the last one: at most so many
};

/// Reads one file of the log as far as its seal. A file that cannot be read at all is one damaged range.
[[nodiscard]] SalvagedWal salvage_wal(fs::FileSystem& fs, const fs::Path& collection, const format::ManifestWal& entry,
                                      std::uint64_t collection_uid, std::uint32_t dim);

/// Drops what was written to older files after a newer writer had begun: a seal that is lost said so.
void drop_overtaken(std::vector<SalvagedWal>& files);

/// Applies everything behind the state's sequence number.
[[nodiscard]] AppliedLog apply_salvaged(live::LiveState& state, const std::vector<SalvagedWal>& files);

}  // namespace ndb::writer
