#include "writer/segments/compaction_policy.hpp"

#include <algorithm>

namespace ndb::writer {
namespace {

/// The ids of the `count` smallest of the segments, which are in order; none of a single one.
std::vector<SegmentId> smallest(const std::vector<SegmentSize>& segments, std::size_t count) {
  std::vector<SegmentId> ids;
  for (std::size_t i = 0; i < count && count > 1; ++i) ids.push_back(segments[i].id);
  return ids;
}

}  // namespace

std::vector<SegmentId> choose_merge(std::vector<SegmentSize> segments, const WriterOptions& options) {
  std::ranges::sort(segments, {}, &SegmentSize::live);
  std::uint64_t rows = 0;  // of those before
  std::size_t merged = 0;
  for (std::size_t i = 0; i < segments.size() && rows + segments[i].live() <= options.segment_max_rows; ++i) {
    if (static_cast<double>(segments[i].live()) < options.merge_ratio * static_cast<double>(rows)) merged = i + 1;
    rows += segments[i].live();
  }
  if (auto ids = smallest(segments, merged); !ids.empty()) return ids;
  for (const auto& segment : segments)
    if (static_cast<double>(segment.deleted) > options.max_deleted_share * static_cast<double>(segment.rows))
      return {segment.id};
  return {};
}

std::vector<SegmentId> choose_full_merge(std::vector<SegmentSize> segments, const WriterOptions& options) {
  std::ranges::sort(segments, {}, &SegmentSize::live);
  std::uint64_t rows = 0;
  std::size_t fitting = 0;
  while (fitting < segments.size() && rows + segments[fitting].live() <= options.segment_max_rows) rows += segments[fitting++].live();
  if (auto ids = smallest(segments, fitting); !ids.empty()) return ids;
  for (const auto& segment : segments)
    if (segment.deleted > 0) return {segment.id};
  return {};
}

}  // namespace ndb::writer
