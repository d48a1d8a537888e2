// Starts a graph from an older one: its links are carried over to the new row numbers, and lists that lost neighbours are
// mended with their neighbours' neighbours.
//
// Threads: carry_over may run for different old nodes at once; each call writes the lists of one new row only.
// Invariants: an old row stands for at most one new row, and a new row for at most one old one.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "shared/index/builder/equal_rows.hpp"
#include "shared/index/builder/graph_insert.hpp"
#include "shared/index/hnsw_build.hpp"

namespace ndb::index {

/// Where the nodes of the older graph are now.
struct ReuseMap {
  std::vector<Row> new_of_old;             ///< [old rows] new row, or kNoRow
  std::vector<std::uint32_t> new_upper;    ///< [old upper nodes] new upper node, or kNoLink
  std::vector<std::uint8_t> levels;        ///< [new rows] levels above 0 of rows that were carried over
  std::vector<bool> carried;               ///< [new rows]
  Row count = 0;                           ///< rows carried over
};

/// Which rows are carried over, and their levels; new_upper is still empty.
[[nodiscard]] ReuseMap map_reused_rows(const ReusedGraph& reused, const EqualRows& equal);

/// Completes the map once the tables exist, and points their entry at the highest node carried over.
void map_reused_levels(const HnswView& old, GraphTables& graph, ReuseMap& map);

/// Copies and mends the lists of one level.
template <RowPairs Pairs>
class GraphCarrier {
 public:
  GraphCarrier(const HnswView& old, const ReuseMap& map, GraphTables& graph, const Pairs& pairs)
      : old_(&old), map_(&map), graph_(&graph), pairs_(&pairs) {}

  /// Carries over all lists of one old row, if it has a new one.
  void carry_over(Row old_row, InsertScratch& scratch) const {
    if (map_->new_of_old[old_row] != kNoRow) carry(0, old_row, map_->new_of_old[old_row], scratch);
  }
  /// The same for an old upper node, on all its levels.
  void carry_over_upper(std::uint32_t old_node, InsertScratch& scratch) const {
    const std::uint32_t node = map_->new_upper[old_node];
    if (node == kNoLink) return;
    for (std::uint32_t level = 1; level <= graph_->levels_of(node); ++level) carry(level, old_node, node, scratch);
  }

 private:
  [[nodiscard]] std::span<const std::uint32_t> old_links(std::uint32_t level, std::uint32_t node) const {
    return used_links(level == 0 ? old_->links(node) : old_->upper_links(node, level));
  }
  [[nodiscard]] std::uint32_t translate(std::uint32_t level, std::uint32_t old_node) const {
    const auto& map = level == 0 ? map_->new_of_old : map_->new_upper;
    return old_node < map.size() ? map[old_node] : kNoLink;
  }

  void carry(std::uint32_t level, std::uint32_t old_node, std::uint32_t node, InsertScratch& scratch) const {
    std::unordered_set<std::uint32_t> found;
    bool lost = false;
    const auto add = [&](std::uint32_t link) {
      if (link != kNoLink && link != node) found.insert(link);
    };
    for (const std::uint32_t link : old_links(level, old_node)) {
      const std::uint32_t target = translate(level, link);
      add(target);
      if (target != kNoLink || link >= (level == 0 ? old_->rows() : old_->upper_nodes())) continue;
      lost = true;
      for (const std::uint32_t beyond : old_links(level, link)) add(translate(level, beyond));
    }
    write(level, node, found, lost, scratch);
  }

  void write(std::uint32_t level, std::uint32_t node, const std::unordered_set<std::uint32_t>& links, bool choose,
             InsertScratch& scratch) const {
    const Row row = graph_->row_of(level, node);
    auto& candidates = scratch.candidates;
    candidates.clear();
    for (const std::uint32_t link : links) candidates.push_back({pairs_->key(row, graph_->row_of(level, link)), link});
    std::sort(candidates.begin(), candidates.end());
    const GraphInserter<Pairs> inserter(*graph_, *pairs_, 1);
    if (choose) inserter.select(level, candidates, graph_->capacity(level), scratch.kept);
    else scratch.kept = candidates;
    scratch.links.clear();
    for (const Neighbour& neighbour : scratch.kept) scratch.links.push_back(neighbour.node);
    write_links(graph_->links(level, node), scratch.links);
  }

  const HnswView* old_;
  const ReuseMap* map_;
  GraphTables* graph_;
  const Pairs* pairs_;
};

}  // namespace ndb::index
