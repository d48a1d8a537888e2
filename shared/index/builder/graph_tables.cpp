#include "shared/index/builder/graph_tables.hpp"

namespace ndb::index {

GraphTables::GraphTables(std::span<const std::uint8_t> levels, std::uint32_t m)
    : base_links(levels.size() * 2 * m),
      locks(levels.size()),
      rows_(static_cast<Row>(levels.size())),
      m_(m) {
  std::ranges::fill(base_links.span(), kNoLink);
  upper_offsets.push_back(0);
  for (Row row = 0; row < rows_; ++row) {
    if (levels[row] == 0) continue;
    upper_rows.push_back(row);
    upper_offsets.push_back(upper_offsets.back() + levels[row] * m);
  }
  upper_links.assign(upper_offsets.back(), kNoLink);
}

std::optional<std::uint32_t> GraphTables::upper_node(Row row) const noexcept {
  const auto at = std::lower_bound(upper_rows.begin(), upper_rows.end(), row);
  if (at == upper_rows.end() || *at != row) return std::nullopt;
  return static_cast<std::uint32_t>(at - upper_rows.begin());
}

}  // namespace ndb::index
