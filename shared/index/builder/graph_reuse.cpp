#include "shared/index/builder/graph_reuse.hpp"

namespace ndb::index {
namespace {

// The new row of an old node: where any of the old rows it stands for is now.
Row new_row_of_node(const ReusedGraph& reused, Row old_row, const EqualRows& equal) {
  const auto place = [&](Row old) {
    const Row row = old < reused.new_rows.size() ? reused.new_rows[old] : kNoRow;
    return row < equal.first.size() ? equal.first[row] : kNoRow;
  };
  if (const Row row = place(old_row); row != kNoRow) return row;
  for (const Row member : reused.graph->group_members(old_row))
    if (const Row row = place(member); row != kNoRow) return row;
  return kNoRow;
}

// Old rows without links that are not alone in the graph stand behind another row of their group.
bool is_node(const HnswView& old, Row row) { return old.rows() == 1 || old.links(row)[0] != kNoLink; }

}  // namespace

ReuseMap map_reused_rows(const ReusedGraph& reused, const EqualRows& equal) {
  const HnswView& old = *reused.graph;
  ReuseMap map;
  map.new_of_old.assign(old.rows(), kNoRow);
  map.levels.assign(equal.first.size(), 0);
  map.carried.assign(equal.first.size(), false);
  for (Row row = 0; row < old.rows(); ++row) {
    if (!is_node(old, row)) continue;
    const Row target = new_row_of_node(reused, row, equal);
    if (target == kNoRow || map.carried[target]) continue;
    map.new_of_old[row] = target;
    map.carried[target] = true;
    ++map.count;
  }
  for (std::uint32_t node = 0; node < old.upper_nodes(); ++node) {
    const Row old_row = old.upper_row(node);
    const Row row = old_row < old.rows() ? map.new_of_old[old_row] : kNoRow;
    if (row != kNoRow) map.levels[row] = static_cast<std::uint8_t>(std::min(old.upper_levels(node), kMaxLevels - 1));
  }
  return map;
}

void map_reused_levels(const HnswView& old, GraphTables& graph, ReuseMap& map) {
  map.new_upper.assign(old.upper_nodes(), kNoLink);
  graph.top_level = 0;
  graph.entry = static_cast<std::uint32_t>(std::find(map.carried.begin(), map.carried.end(), true) - map.carried.begin());
  for (std::uint32_t node = 0; node < old.upper_nodes(); ++node) {
    const Row old_row = old.upper_row(node);
    const Row row = old_row < old.rows() ? map.new_of_old[old_row] : kNoRow;
    const auto upper = row == kNoRow ? std::nullopt : graph.upper_node(row);
    if (!upper) continue;
    map.new_upper[node] = *upper;
    const std::uint32_t levels = graph.levels_of(*upper);
    if (levels <= graph.top_level) continue;
    graph.top_level = levels;
    graph.entry = *upper;
  }
}

}  // namespace ndb::index
