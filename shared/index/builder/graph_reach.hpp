// Makes every row reachable: insertion can drop the last link to a node, and such a row would never be found.
//
// Threads: one, after all insertions.
// Invariants: only links that no shortest path needs are given up, so nothing that was reachable is lost.
#pragma once

#include <cstdint>
#include <vector>

#include "shared/index/builder/equal_rows.hpp"
#include "shared/index/builder/graph_insert.hpp"

namespace ndb::index {

/// Which rows a search can reach on level 0, and along which links.
class Reach {
 public:
  explicit Reach(const GraphTables& graph) : parent_(graph.rows(), kNoLink), links_(graph.base_links.data()), width_(graph.m() * 2) {}

  /// Follows all links from `row`, which is linked from `parent` (kNoLink + itself for the start).
  void spread(Row row, Row parent) {
    parent_[row] = parent;
    queue_.assign(1, row);
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      const Row from = queue_[i];
      for (std::size_t slot = 0; slot < width_; ++slot) {
        const Row to = links_[std::size_t{from} * width_ + slot];
        if (to == kNoLink) break;
        if (parent_[to] != kNoLink) continue;
        parent_[to] = from;
        queue_.push_back(to);
      }
    }
  }
  [[nodiscard]] bool reached(Row row) const noexcept { return parent_[row] != kNoLink; }
  [[nodiscard]] bool needs(Row from, Row to) const noexcept { return parent_[to] == from; }

 private:
  std::vector<Row> parent_;
  const std::uint32_t* links_;
  std::size_t width_;
  std::vector<Row> queue_;
};

/// Puts `row` into a list of one of the nearest reachable nodes that the scratch's pool holds: a free place, or the place of
/// the farthest link that is not needed. Returns that node, or kNoLink.
inline Row link_from_nearest(GraphTables& graph, const Reach& reach, Row row, const SearchPool& pool) {
  for (std::size_t i = 0; i < pool.size(); ++i) {
    const auto list = graph.links(0, pool.node(i));
    const auto used = used_links(list);
    if (used.size() < list.size()) {
      list[used.size()] = row;
      return pool.node(i);
    }
  }
  for (std::size_t i = 0; i < pool.size(); ++i) {
    const auto list = graph.links(0, pool.node(i));
    for (std::size_t slot = list.size(); slot-- > 0;) {
      if (reach.needs(pool.node(i), list[slot])) continue;
      list[slot] = row;
      return pool.node(i);
    }
  }
  return kNoLink;
}

/// Links every row that heads its group of equal rows and cannot be reached. Returns how many there were.
template <RowPairs Pairs>
std::size_t make_reachable(GraphTables& graph, const EqualRows& equal, const Pairs& pairs, std::uint32_t ef) {
  InsertScratch scratch;
  Reach reach(graph);
  const Row start = graph.row_of(graph.top_level, graph.entry);
  reach.spread(start, start);
  std::size_t linked = 0;
  for (Row row = 0; row < graph.rows(); ++row) {
    if (reach.reached(row) || !equal.is_first(row)) continue;
    BuildLayer layer(graph, 0, scratch.links);
    const FromRow<Pairs> distance(pairs, row);
    walk(layer, distance, start, ef, scratch.walk, scratch.stats);
    const Row from = link_from_nearest(graph, reach, row, scratch.walk.pool);
    if (from == kNoLink) continue;
    reach.spread(row, from);
    ++linked;
  }
  return linked;
}

}  // namespace ndb::index
