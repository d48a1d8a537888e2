// Links rows into a graph under construction. Source: Malkov and Yashunin 2018, algorithms 1 (insert), 4 (choosing
// neighbours). Where rows have 1-bit codes, walks go by these, an eighth of the bytes of what links are chosen by: nearly all
// the time of a build is such walks.
//
// Threads: insert() from any number of threads, each row once, each thread with its own scratch.
// Invariants: a node becomes reachable on level 0 before it is on the levels above, so that no walk starts at a node
// without links. Lists never hold a node twice, nor the node itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "shared/index/builder/graph_tables.hpp"
#include "shared/index/builder/bit_rows.hpp"
#include "shared/index/builder/row_pairs.hpp"
#include "shared/index/graph_walk.hpp"

namespace ndb::index {

/// A node with its distance to some other one.
struct Neighbour {
  float key = 0.0F;
  std::uint32_t node = 0;
  bool operator<(const Neighbour& other) const noexcept { return key != other.key ? key < other.key : node < other.node; }
};

struct InsertScratch {
  WalkScratch walk;
  BitQueryBuffer bits;
  WalkStats stats;
  std::vector<std::uint32_t> links;
  std::vector<Neighbour> candidates;
  std::vector<Neighbour> kept;
  std::vector<std::vector<std::uint32_t>> selected;  // per level
};

/// One level of the tables as walks see it: lists are copied out under their lock.
class BuildLayer {
 public:
  BuildLayer(GraphTables& graph, std::uint32_t level, std::vector<std::uint32_t>& buffer)
      : graph_(&graph), level_(level), buffer_(&buffer) {}

  [[nodiscard]] std::uint32_t size() const noexcept { return graph_->nodes(level_); }
  [[nodiscard]] Row row(std::uint32_t node) const noexcept { return graph_->row_of(level_, node); }
  [[nodiscard]] std::span<const std::uint32_t> links(std::uint32_t node) {
    const RowLock lock(graph_->locks, row(node));
    const auto list = graph_->links(level_, node);
    buffer_->assign(list.begin(), list.end());
    return *buffer_;
  }
  void prefetch_links(std::uint32_t node) const noexcept {
    const auto list = graph_->links(level_, node);
    simd::prefetch(list.data(), list.size_bytes());
  }
  void report_damage() const noexcept {}

 private:
  GraphTables* graph_;
  std::uint32_t level_;
  std::vector<std::uint32_t>* buffer_;
};

template <RowPairs Pairs>
class GraphInserter {
 public:
  /// bits: what walks go by; null for pairs itself.
  GraphInserter(GraphTables& graph, const Pairs& pairs, std::uint32_t ef_construction, const BitRows* bits = nullptr)
      : graph_(&graph), pairs_(&pairs), bits_(bits), ef_construction_(ef_construction) {}

  /// Links `row`, which has no links yet and is not the entry. On levels above the top level it stays alone.
  void insert(Row row, InsertScratch& scratch) {
    if (bits_ != nullptr && bits_->prepare(row, scratch.bits)) insert_by(FromRowBits(*bits_, scratch.bits), row, scratch);
    else insert_by(FromRow<Pairs>(*pairs_, row), row, scratch);
  }

  /// Chooses from `candidates`, nearest first, at most `most` that are nearer to the node than to each other: links into all
  /// directions instead of many into the nearest cluster.
  void select(std::uint32_t level, std::span<const Neighbour> candidates, std::size_t most,
              std::vector<Neighbour>& kept) const {
    kept.clear();
    for (const Neighbour& candidate : candidates) {
      if (kept.size() == most) return;
      const Row row = graph_->row_of(level, candidate.node);
      const bool hidden = std::ranges::any_of(kept, [&](const Neighbour& other) {
        return pairs_->key(row, graph_->row_of(level, other.node)) < candidate.key;
      });
      if (!hidden) kept.push_back(candidate);
    }
  }

 private:
  template <RowDistance D>
  void insert_by(const D& distance, Row row, InsertScratch& scratch) {
    const auto upper = graph_->upper_node(row);
    const std::uint32_t level = std::min(upper ? graph_->levels_of(*upper) : 0, graph_->top_level);
    scratch.selected.resize(std::max<std::size_t>(scratch.selected.size(), level + 1));
    std::uint32_t node = graph_->entry;
    Descent down;
    for (std::uint32_t at = graph_->top_level; at > level; --at) {
      BuildLayer layer(*graph_, at, scratch.links);
      if (at == graph_->top_level) down = begin_descent(layer, distance, node, scratch.walk, scratch.stats);
      down = descend(layer, distance, down, scratch.walk, scratch.stats);
      node = to_level(at, down.node);
    }
    for (std::uint32_t at = level;; --at) {
      node = find_neighbours(distance, row, at, node, scratch);
      if (at == 0) break;
      node = to_level(at, node);
    }
    for (std::uint32_t at = 0; at <= level; ++at) connect(at, at == 0 ? row : *upper, scratch.selected[at], scratch);
  }

  // Links come from all candidates that are known, but those behind the nearest two thirds hardly find any that are chosen.
  [[nodiscard]] std::size_t reach() const noexcept { return std::max<std::size_t>(graph_->m(), ef_construction_ * 2 / 3); }

  /// The number that a node of level `at` ≥ 1 has one level below.
  [[nodiscard]] std::uint32_t to_level(std::uint32_t at, std::uint32_t node) const noexcept {
    return at == 1 ? graph_->upper_rows[node] : node;
  }

  // Fills scratch.selected[level]; returns the nearest node.
  template <RowDistance D>
  std::uint32_t find_neighbours(const D& distance, Row row, std::uint32_t level, std::uint32_t entry, InsertScratch& scratch) {
    BuildLayer layer(*graph_, level, scratch.links);
    walk(layer, distance, entry, ef_construction_, scratch.walk, scratch.stats, reach());
    const SearchPool& pool = scratch.walk.pool;
    scratch.candidates.clear();
    for (std::size_t i = 0; i < pool.size(); ++i) scratch.candidates.push_back({pool.key(i), pool.node(i)});
    if constexpr (BatchDistance<D>) rank_again(row, level, scratch.candidates);
    const std::uint32_t nearest = scratch.candidates.front().node;
    select(level, scratch.candidates, graph_->m(), scratch.kept);
    auto& selected = scratch.selected[level];
    selected.clear();
    for (const Neighbour& neighbour : scratch.kept) selected.push_back(neighbour.node);
    return nearest;
  }

  // By pairs instead of estimates.
  void rank_again(Row row, std::uint32_t level, std::vector<Neighbour>& candidates) const {
    constexpr std::size_t kAhead = 4;
    for (std::size_t i = 0; i < std::min(kAhead, candidates.size()); ++i)
      pairs_->prefetch(graph_->row_of(level, candidates[i].node));
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (i + kAhead < candidates.size()) pairs_->prefetch(graph_->row_of(level, candidates[i + kAhead].node));
      candidates[i].key = pairs_->key(row, graph_->row_of(level, candidates[i].node));
    }
    std::ranges::sort(candidates, std::less<>());
  }

  void connect(std::uint32_t level, std::uint32_t node, std::span<const std::uint32_t> neighbours, InsertScratch& scratch) {
    for (const std::uint32_t neighbour : neighbours) add_link(level, node, neighbour, scratch);
    for (const std::uint32_t neighbour : neighbours) add_link(level, neighbour, node, scratch);
  }

  // Another thread may have linked the two already, or filled the list.
  void add_link(std::uint32_t level, std::uint32_t from, std::uint32_t to, InsertScratch& scratch) {
    const Row row = graph_->row_of(level, from);
    const RowLock lock(graph_->locks, row);
    const auto list = graph_->links(level, from);
    for (std::uint32_t& link : list) {
      if (link == to) return;
      if (link != kNoLink) continue;
      link = to;
      return;
    }
    shrink(level, row, list, to, scratch);
  }

  void shrink(std::uint32_t level, Row row, std::span<std::uint32_t> list, std::uint32_t added, InsertScratch& scratch) {
    auto& candidates = scratch.candidates;
    candidates.clear();
    for (const std::uint32_t link : list) pairs_->prefetch(graph_->row_of(level, link));
    for (const std::uint32_t link : list) candidates.push_back({pairs_->key(row, graph_->row_of(level, link)), link});
    candidates.push_back({pairs_->key(row, graph_->row_of(level, added)), added});
    std::sort(candidates.begin(), candidates.end());
    select(level, candidates, list.size(), scratch.kept);
    std::size_t i = 0;
    for (const Neighbour& neighbour : scratch.kept) list[i++] = neighbour.node;
    std::fill(list.begin() + static_cast<std::ptrdiff_t>(i), list.end(), kNoLink);
  }

  GraphTables* graph_;
  const Pairs* pairs_;
  const BitRows* bits_;
  std::uint32_t ef_construction_;
};

}  // namespace ndb::index
