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
#include "shared/index/hnsw_view.hpp"
#include "shared/index/search_pool.hpp"
#include "shared/index/visited_set.hpp"

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
  std::vector<const std::byte*> codes;  // of fresh, for a BatchDistance
  std::vector<std::uint32_t> loading;   // nodes whose codes were asked for, and where they are
  std::vector<const std::byte*> loading_codes;
  std::vector<float> keys;
};

/// The neighbours of `node` that were not met before, into scratch.fresh.
template <Layer L>
void collect_fresh(L& layer, std::uint32_t node, WalkScratch& scratch) {
  const auto links = layer.links(node);
  auto& fresh = scratch.fresh;
  fresh.resize(links.size());
  std::size_t count = 0;
  for (const std::uint32_t link : links) {
    if (link == kNoLink) break;
    if (link >= layer.size()) [[unlikely]] {
      layer.report_damage();
      continue;
    }
    fresh[count] = link;
    count += scratch.visited.insert(link) ? 1U : 0U;
  }
  fresh.resize(count);
}

/// Looks up where the codes of scratch.fresh are and starts loading them.
template <Layer L, BatchDistance D>
void load_fresh(L& layer, D& distance, WalkScratch& scratch) {
  scratch.codes.resize(scratch.fresh.size());
  for (std::size_t i = 0; i < scratch.fresh.size(); ++i) {
    scratch.codes[i] = distance.address(layer.row(scratch.fresh[i]));
    distance.prefetch_code(scratch.codes[i]);
  }
}

/// The keys of `codes`, in `buffer`.
template <BatchDistance D>
std::span<const float> compare_codes(D& distance, const std::vector<const std::byte*>& codes, std::vector<float>& buffer) {
  if (buffer.size() < codes.size()) buffer.resize(codes.size());
  distance.keys(codes.data(), codes.size(), buffer.data());
  return std::span(buffer).first(codes.size());
}

/// Compares scratch.fresh, loading rows ahead of their use, and hands each (key, node) to `take`.
template <Layer L, RowDistance D, class Take>
void compare_fresh(L& layer, D& distance, WalkScratch& scratch, Take&& take) {
  const auto& fresh = scratch.fresh;
  if constexpr (BatchDistance<D>) {
    load_fresh(layer, distance, scratch);
    const auto keys = compare_codes(distance, scratch.codes, scratch.keys);
    for (std::size_t i = 0; i < fresh.size(); ++i) take(keys[i], fresh[i]);
  } else {
    constexpr std::size_t kAhead = 4;
    for (std::size_t i = 0; i < std::min(kAhead, fresh.size()); ++i) distance.prefetch(layer.row(fresh[i]));
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      if (i + kAhead < fresh.size()) distance.prefetch(layer.row(fresh[i + kAhead]));
      take(distance.key(layer.row(fresh[i])), fresh[i]);
    }
  }
}

/// The walk below, with three nodes under way at a time, so that nothing waits for memory: the links of one are being loaded,
/// the codes of the neighbours of the next, and those of a third are compared. A node may be expanded although a nearer one is
/// about to be found; that costs a few expansions more, and changes nothing else.
template <Layer L, BatchDistance D>
void walk_overlapped(L& layer, D& distance, WalkScratch& scratch, WalkStats& stats) {
  SearchPool& pool = scratch.pool;
  std::uint32_t linked = kNoLink;  // its links were asked for
  scratch.loading.clear();
  scratch.loading_codes.clear();
  while (pool.has_next() || linked != kNoLink || !scratch.loading.empty()) {
    std::uint32_t next = kNoLink;
    if (pool.has_next()) {
      next = pool.take_next();
      layer.prefetch_links(next);
      ++stats.hops;
    }
    scratch.fresh.clear();
    scratch.codes.clear();
    if (linked != kNoLink) {
      collect_fresh(layer, linked, scratch);
      load_fresh(layer, distance, scratch);
    }
    if (!scratch.loading.empty()) {
      const auto keys = compare_codes(distance, scratch.loading_codes, scratch.keys);
      pool.insert_all(keys, scratch.loading);
    }
    stats.distances += scratch.loading.size();
    linked = next;
    scratch.loading.swap(scratch.fresh);
    scratch.loading_codes.swap(scratch.codes);
  }
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
  scratch.pool.insert(distance.key(layer.row(entry)), entry);
  ++stats.distances;
  if constexpr (BatchDistance<D>) return walk_overlapped(layer, distance, scratch, stats);
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

/// Moves to ever nearer nodes until none is nearer; returns where it ends.
template <Layer L, RowDistance D>
std::uint32_t descend(L& layer, D& distance, std::uint32_t entry, WalkScratch& scratch, WalkStats& stats) {
  std::uint32_t best = entry;
  float best_key = distance.key(layer.row(entry));
  for (bool moved = true; moved;) {
    moved = false;
    ++stats.hops;
    scratch.fresh.clear();
    for (const std::uint32_t link : layer.links(best)) {
      if (link == kNoLink) break;
      if (link < layer.size()) scratch.fresh.push_back(link);
      else layer.report_damage();
    }
    stats.distances += scratch.fresh.size();
    compare_fresh(layer, distance, scratch, [&](float key, std::uint32_t node) {
      if (!(key < best_key)) return;
      best_key = key;
      best = node;
      moved = true;
    });
  }
  return best;
}

}  // namespace ndb::index
