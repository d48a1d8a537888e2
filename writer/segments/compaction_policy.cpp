#include "writer/segments/compaction_policy.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace ndb::writer {
namespace {

int tier_of(const SegmentSize& segment, std::uint32_t width) {
  return static_cast<int>(std::log(static_cast<double>(segment.live()) + 1.0) / std::log(static_cast<double>(width)));
}

// The smallest segments of the list that fit into one, at least two; or nothing.
std::vector<SegmentId> fitting(std::vector<SegmentSize> segments, const WriterOptions& options) {
  std::ranges::sort(segments, {}, &SegmentSize::live);
  std::vector<SegmentId> ids;
  std::uint64_t rows = 0;
  for (const auto& segment : segments) {
    rows += segment.live();
    if (rows > options.segment_max_rows) break;
    ids.push_back(segment.id);
  }
  return ids.size() < 2 ? std::vector<SegmentId>{} : ids;
}

}  // namespace

std::vector<SegmentId> choose_merge(std::vector<SegmentSize> segments, const WriterOptions& options) {
  std::map<int, std::vector<SegmentSize>> tiers;
  for (const auto& segment : segments) tiers[tier_of(segment, options.tier_width)].push_back(segment);
  for (auto& [tier, members] : tiers)
    if (members.size() >= options.tier_width)
      if (auto ids = fitting(std::move(members), options); !ids.empty()) return ids;
  for (const auto& segment : segments)
    if (static_cast<double>(segment.deleted) > options.max_deleted_share * static_cast<double>(segment.rows))
      return {segment.id};
  return {};
}

std::vector<SegmentId> choose_full_merge(std::vector<SegmentSize> segments, const WriterOptions& options) {
  auto ids = fitting(segments, options);
  if (!ids.empty()) return ids;
  for (const auto& segment : segments)
    if (segment.deleted > 0) return {segment.id};
  return {};
}

}  // namespace ndb::writer
