// Which segments to merge next. A pure function over sizes, so that it can be tested without files.
//
// A segment with less than merge_ratio times the rows of all smaller ones together is merged with them: few segments are left, each at least so
// many times as large as what is smaller, and each row is rewritten O(merge_ratio · log n) times. A search pays for each segment; what merges
// cost is mostly new rows put into the largest graph. A segment with too many dead rows is rewritten
// alone. No result exceeds the row limit.
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
