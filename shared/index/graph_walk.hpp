// The walks over a layer of an HNSW graph, over concepts so that searching a finished graph and building one share them.
// Source: Malkov and Yashunin 2018, algorithms 2 and 5.
//
// Threads: each walk owns its scratch; layers and distances are shared as their types allow.
// Invariants: a node is compared at most once a walk. Ids that are out of range are skipped and reported to the layer.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <queue>
#include <span>
#include <vector>

#include "ndb/types.hpp"
#include "shared/index/frontier.hpp"
#include "shared/index/hnsw_view.hpp"
#include "shared/index/search_pool.hpp"
#include "shared/index/visited_set.hpp"
#include "shared/simd/kernels.hpp"

namespace ndb::index {

/// One level of a graph. Nodes are 0 … size()−1.
template <class T>
concept Layer = requires(T layer, std::uint32_t node) {
  { layer.size() } -> std::convertible_to<std::uint32_t>;
  { layer.links(node) } -> std::convertible_to<std::span<const std::uint32_t>>;  // valid until the next call
  { layer.row(node) } -> std::convertible_to<Row>;                               // whose vector the node stands for
  layer.prefetch_links(node);
  layer.report_damage();
};

/// The distance of one fixed query to rows.
template <class T>
concept RowDistance = requires(T distance, Row row) {
  { distance.key(row) } -> std::convertible_to<float>;
  distance.prefetch(row);
};

/// A distance that compares many rows in one call: `address` says where a row's code is, `keys` compares the codes there.
template <class T>
concept BatchDistance = RowDistance<T> && requires(T distance, Row row, const std::byte* const* codes, float* keys) {
  { distance.address(row) } -> std::convertible_to<const std::byte*>;
  distance.prefetch_code(distance.address(row));
  distance.keys(codes, std::size_t{1}, keys);
  { distance.kernels() } -> std::same_as<const simd::Kernels&>;
};

struct WalkStats {
  std::uint64_t distances = 0;
  std::uint64_t hops = 0;
};

/// What a walk needs besides the graph; reused between walks.
struct WalkScratch {
  SearchPool pool;
  VisitedSet visited;
  std::vector<std::uint32_t> fresh;
  std::vector<std::uint32_t> rejected;  // neighbours that the two-hop walk passes through
  Frontier frontier;                    // for a BatchDistance, and where codes are
  std::vector<const std::byte*> codes;
  std::vector<const std::byte*> loading_codes;
  std::vector<float> keys;
};

/// Those of a node's `links` that were not met before, into `fresh` [links.size()]; returns how many.
template <Layer L>
std::size_t collect_fresh(L& layer, std::span<const std::uint32_t> links, VisitedSet& visited, std::uint32_t* fresh) {
  const std::uint32_t nodes = layer.size();
  std::size_t count = 0;
  while (!links.empty()) {
    std::size_t sound = 0;
    while (sound < links.size() && links[sound] < nodes) ++sound;
    count += visited.insert_new(links.first(sound), fresh + count);
    if (sound == links.size() || links[sound] == kNoLink) break;
    layer.report_damage();
    links = links.subspan(sound + 1);
  }
  return count;
}

/// The same into scratch.fresh.
template <Layer L>
void collect_fresh(L& layer, std::uint32_t node, WalkScratch& scratch) {
  const auto links = layer.links(node);
  scratch.fresh.resize(links.size());
  scratch.fresh.resize(collect_fresh(layer, links, scratch.visited, scratch.fresh.data()));
}

/// Looks up where the codes of `nodes` are, into `codes`, and starts loading them.
template <Layer L, BatchDistance D>
void load_codes(L& layer, D& distance, std::span<const std::uint32_t> nodes, std::vector<const std::byte*>& codes) {
  codes.resize(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    codes[i] = distance.address(layer.row(nodes[i]));
    distance.prefetch_code(codes[i]);
  }
}

/// Compares scratch.fresh, loading rows ahead of their use, and hands each (key, node) to `take`.
template <Layer L, RowDistance D, class Take>
void compare_fresh(L& layer, D& distance, WalkScratch& scratch, Take&& take) {
  const auto& fresh = scratch.fresh;
  if constexpr (BatchDistance<D>) {
    load_codes(layer, distance, fresh, scratch.codes);
    if (scratch.keys.size() < fresh.size()) scratch.keys.resize(fresh.size());
    distance.keys(scratch.codes.data(), fresh.size(), scratch.keys.data());
    for (std::size_t i = 0; i < fresh.size(); ++i) take(scratch.keys[i], fresh[i]);
  } else {
    constexpr std::size_t kAhead = 4;
    for (std::size_t i = 0; i < std::min(kAhead, fresh.size()); ++i) distance.prefetch(layer.row(fresh[i]));
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      if (i + kAhead < fresh.size()) distance.prefetch(layer.row(fresh[i + kAhead]));
      take(distance.key(layer.row(fresh[i])), fresh[i]);
    }
  }
}

/// The walk below over estimates, with three nodes under way at a time, so that nothing waits for memory: the links of one are being loaded,
/// the codes of the neighbours of the next, and those of a third are compared. A node may be expanded although a nearer one is
/// about to be found; that costs a few expansions more, and changes nothing else.
template <Layer L, BatchDistance D>
void walk_overlapped(L& layer, D& distance, std::uint32_t entry, std::size_t reach, WalkScratch& scratch, WalkStats& stats) {
  SearchPool& pool = scratch.pool;  // of what is expanded
  Frontier& frontier = scratch.frontier;
  constexpr float kFar = std::numeric_limits<float>::infinity();
  frontier.reset(distance.kernels());
  pool.insert(distance.key(layer.row(entry)), entry);
  const auto take_next = [&] {
    const float key = frontier.nearest_key();
    if (!(key < kFar) || (pool.size() >= reach && pool.key(reach - 1) < key)) return kNoLink;
    const std::uint32_t node = frontier.take_nearest();
    pool.insert(key, node);
    return node;
  };
  std::uint32_t linked = kNoLink;               // its links were asked for
  std::size_t loading = 0, loading_group = 0;   // codes, of a group, that were asked for
  for (std::uint32_t next = entry;; next = take_next()) {
    if (next != kNoLink) {
      layer.prefetch_links(next);
      ++stats.hops;
    } else if (linked == kNoLink && loading == 0) {
      break;
    }
    std::size_t fresh = 0, group = 0;
    if (linked != kNoLink) {
      const auto links = layer.links(linked);
      std::uint32_t* const nodes = frontier.room(links.size());
      fresh = collect_fresh(layer, links, scratch.visited, nodes);
      group = frontier.add(fresh);
      load_codes(layer, distance, {nodes, fresh}, scratch.codes);
    }
    if (loading != 0) {
      distance.keys(scratch.loading_codes.data(), loading, frontier.keys(loading_group));
      frontier.rate(loading_group);
      stats.distances += loading;
    }
    linked = next;
    loading = fresh;
    loading_group = group;
    scratch.loading_codes.swap(scratch.codes);
  }
  // What was not expanded may still be among the best.
  for (float key = frontier.nearest_key(); key < kFar && (!pool.full() || key < pool.worst_key()); key = frontier.nearest_key())
    pool.insert(key, frontier.take_nearest());
}

/// How many candidates a walk over estimates keeps beside the ef that it expands: estimates put some of the nearest a little
/// too far back, and ranking them again costs less than expanding them.
[[nodiscard]] inline std::size_t kept_besides(std::size_t ef) noexcept { return std::min<std::size_t>(ef / 2 + 1, 16); }

/// Fills scratch.pool with the `ef` nearest nodes that a best-first walk from `entry` finds (and, over estimates, some more). The walk
/// expands the nearest `reach` of them: fewer than ef if what it finds farther out need not be complete.
template <Layer L, RowDistance D>
void walk(L& layer, D& distance, std::uint32_t entry, std::size_t ef, WalkScratch& scratch, WalkStats& stats,
          std::size_t reach = std::numeric_limits<std::size_t>::max()) {
  scratch.pool.reset(BatchDistance<D> ? ef + kept_besides(ef) : ef, std::min(reach, ef));
  scratch.visited.reset(layer.size());
  scratch.visited.insert(entry);
  ++stats.distances;
  if constexpr (BatchDistance<D>) return walk_overlapped(layer, distance, entry, std::min(reach, ef), scratch, stats);
  scratch.pool.insert(distance.key(layer.row(entry)), entry);
  while (scratch.pool.has_next()) {
    collect_fresh(layer, scratch.pool.take_next(), scratch);
    if (scratch.pool.has_next()) layer.prefetch_links(scratch.pool.peek());  // likely to stay the nearest
    compare_fresh(layer, distance, scratch, [&](float key, std::uint32_t node) { scratch.pool.insert(key, node); });
    if (scratch.pool.has_next()) layer.prefetch_links(scratch.pool.peek());
    stats.distances += scratch.fresh.size();
    ++stats.hops;
  }
}

/// The same where only some nodes may be found: the others are walked through. Goes on until `ef` accepted nodes are
/// nearer than everything left, or until `max_distances` (0: no bound) comparisons; false then.
template <Layer L, RowDistance D, class Accept>
bool walk_filtered(L& layer, D& distance, std::uint32_t entry, std::size_t ef, Accept&& accept,
                   std::uint64_t max_distances, WalkScratch& scratch, WalkStats& stats) {
  struct Open {
    float key;
    std::uint32_t node;
    bool operator<(const Open& other) const noexcept { return key > other.key; }  // nearest on top
  };
  std::priority_queue<Open> open;
  SearchPool& found = scratch.pool;
  found.reset(ef);
  scratch.visited.reset(layer.size());
  const auto meet = [&](float key, std::uint32_t node) {
    if (found.full() && !(key < found.worst_key())) return;
    open.push({key, node});
    if (accept(layer.row(node))) found.insert(key, node);
  };
  scratch.visited.insert(entry);
  meet(distance.key(layer.row(entry)), entry);
  const std::uint64_t start = stats.distances;
  while (!open.empty()) {
    const Open next = open.top();
    open.pop();
    if (found.full() && next.key > found.worst_key()) break;
    if (max_distances != 0 && stats.distances - start >= max_distances) return false;
    collect_fresh(layer, next.node, scratch);
    compare_fresh(layer, distance, scratch, meet);
    stats.distances += scratch.fresh.size();
    ++stats.hops;
  }
  ++stats.distances;
  return true;
}

/// The accepted nodes next to `node` that were not met before, into scratch.fresh: its neighbours and, where most of these are rejected,
/// the neighbours of the rejected ones, until there are `enough`.
template <Layer L, class Accept>
void collect_two_hop(L& layer, std::uint32_t node, std::size_t enough, Accept& accept, WalkScratch& scratch) {
  auto& fresh = scratch.fresh;
  auto& rejected = scratch.rejected;
  fresh.clear();
  rejected.clear();
  const auto each_link = [&](std::uint32_t from, auto&& take) {
    for (const std::uint32_t link : layer.links(from)) {
      if (link == kNoLink) break;
      if (link >= layer.size()) [[unlikely]] layer.report_damage();
      else take(link);
    }
  };
  each_link(node, [&](std::uint32_t link) {
    if (accept(layer.row(link))) {
      if (scratch.visited.insert(link)) fresh.push_back(link);
    } else if (!scratch.visited.contains(link)) {
      rejected.push_back(link);
    }
  });
  if (fresh.size() >= enough) return;
  for (const std::uint32_t through : rejected) layer.prefetch_links(through);
  for (const std::uint32_t through : rejected) {
    scratch.visited.insert(through);  // what is behind it has been met from here on
    each_link(through, [&](std::uint32_t link) {
      if (accept(layer.row(link)) && scratch.visited.insert(link)) fresh.push_back(link);
    });
    if (fresh.size() >= enough) return;
  }
}

/// A walk over accepted nodes only, which are taken for neighbours if at most one rejected node lies between them: as if the graph
/// had been built of them. Source: Patel et al., "ACORN: Performant and Predicate-Agnostic Search Over Vector Embeddings and
/// Structured Data", 2024, ACORN-1. Starts at `entry`, accepted or not, and at `seeds`, accepted nodes from anywhere: what is accepted may
/// lie in islands, or far from the entry. Fills scratch.pool as walk() does; false after `max_distances` (0: no bound) comparisons.
template <Layer L, RowDistance D, class Accept>
bool walk_two_hop(L& layer, D& distance, std::uint32_t entry, std::span<const std::uint32_t> seeds, std::size_t ef, std::size_t enough,
                  Accept&& accept, std::uint64_t max_distances, WalkScratch& scratch, WalkStats& stats) {
  SearchPool& pool = scratch.pool;
  pool.reset(BatchDistance<D> ? ef + kept_besides(ef) : ef, ef);
  scratch.visited.reset(layer.size());
  const std::uint64_t start = stats.distances;
  const auto compare = [&] {
    compare_fresh(layer, distance, scratch, [&](float key, std::uint32_t node) { pool.insert(key, node); });
    stats.distances += scratch.fresh.size();
  };
  collect_two_hop(layer, entry, enough, accept, scratch);
  if (accept(layer.row(entry)) && scratch.visited.insert(entry)) scratch.fresh.push_back(entry);
  for (const std::uint32_t seed : seeds)
    if (seed < layer.size() && scratch.visited.insert(seed)) scratch.fresh.push_back(seed);
  compare();
  while (pool.has_next()) {
    if (max_distances != 0 && stats.distances - start >= max_distances) return false;
    collect_two_hop(layer, pool.take_next(), enough, accept, scratch);
    if (pool.has_next()) layer.prefetch_links(pool.peek());
    compare();
    ++stats.hops;
  }
  return true;
}

/// Where a way down the levels is.
struct Descent {
  std::uint32_t node = 0;
  float key = 0.0F;
};

/// Starts at `entry`, a node of the topmost layer.
template <Layer L, RowDistance D>
Descent begin_descent(L& layer, D& distance, std::uint32_t entry, WalkScratch& scratch, WalkStats& stats) {
  scratch.visited.reset(layer.size());
  scratch.visited.insert(entry);
  ++stats.distances;
  return {entry, distance.key(layer.row(entry))};
}

/// Moves to ever nearer nodes of one layer until none is nearer. Nodes have the same numbers in all layers above 0, so that one is compared
/// only once on the way down.
template <Layer L, RowDistance D>
Descent descend(L& layer, D& distance, Descent at, WalkScratch& scratch, WalkStats& stats) {
  for (bool moved = true; moved;) {
    moved = false;
    ++stats.hops;
    collect_fresh(layer, at.node, scratch);
    stats.distances += scratch.fresh.size();
    compare_fresh(layer, distance, scratch, [&](float key, std::uint32_t node) {
      if (!(key < at.key)) return;
      at = {node, key};
      moved = true;
    });
  }
  return at;
}

}  // namespace ndb::index
