// Which segments to merge next. A pure function over sizes, so that it can be tested without files.
//
// Tiered: segments of about one size (within a factor of tier_width) are merged once there are tier_width of them, so each
// row is rewritten O(log n) times. A segment with too many dead rows is rewritten alone. No result exceeds the row limit.
#pragma once

#include <vector>

#include "ndb/types.hpp"
#include "writer/options.hpp"

namespace ndb::writer {

struct SegmentSize {
  SegmentId id;
  std::uint64_t rows = 0;
  std::uint64_t deleted = 0;
  [[nodiscard]] std::uint64_t live() const noexcept { return rows - deleted; }
};

/// Empty if nothing needs merging.
[[nodiscard]] std::vector<SegmentId> choose_merge(std::vector<SegmentSize> segments, const WriterOptions& options);
/// For a requested compaction: everything that can become one segment, smallest first; empty if that changes nothing.
[[nodiscard]] std::vector<SegmentId> choose_full_merge(std::vector<SegmentSize> segments, const WriterOptions& options);

}  // namespace ndb::writer
