// Exact search: every accepted row is compared.
//
// Threads: pure functions over shared views; one collector per thread. To spread one scan over threads, give each a range
// of rows and its own collector.
// Invariants: results do not depend on how rows are split or queries are batched.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "shared/index/prepared_query.hpp"
#include "shared/index/top_k.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::index {

/// Half-open range of rows.
struct RowRange {
  Row begin = 0;
  Row end = 0;
};

[[nodiscard]] inline RowRange all_rows(const VectorsView& vectors) noexcept { return {0, vectors.rows}; }

/// Accepts every row.
struct AcceptAll {
  constexpr bool operator()(Row) const noexcept { return true; }
};

/// Offers the rows of `range` (inside the view) for which `accept(row)` holds to `top`. Returns the number compared.
template <class Accept, class Less>
std::uint64_t scan(const VectorsView& vectors, RowRange range, const PreparedQuery& query, Accept&& accept,
                   TopK<Less>& top) {
  std::uint64_t compared = 0;
  for (Row row = range.begin; row < range.end; ++row) {
    if (!accept(row)) continue;
    top.push(query.key(vectors, row), row);
    ++compared;
  }
  return compared;
}

/// The same over an explicit list of rows < vectors.rows, in any order: what a selective filter leaves over.
template <class Less>
std::uint64_t scan_rows(const VectorsView& vectors, std::span<const Row> rows, const PreparedQuery& query,
                        TopK<Less>& top) {
  constexpr std::size_t kAhead = 4;
  constexpr std::size_t kPrefetchBytes = 256;  // the hardware follows from there
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size())
      simd::prefetch(vectors.address(rows[i + kAhead]), std::min(kPrefetchBytes, vectors.stride_bytes));
    top.push(query.key(vectors, rows[i]), rows[i]);
  }
  return rows.size();
}

/// scan() of many queries of one dim and distance: tops[i] collects for queries[i]. Each vector is read from memory once
/// and compared with four queries at a time. Answers are bit for bit those of scan(). Returns the comparisons made.
template <class Accept, class Less>
std::uint64_t scan_batch(const VectorsView& vectors, RowRange range, std::span<const PreparedQuery* const> queries,
                         Accept&& accept, std::span<TopK<Less>> tops) {
  constexpr std::size_t kTileRows = 64;
  constexpr std::size_t kTileBytes = 64 * 1024;  // stays in L2 while the queries pass over it
  const std::size_t tile_rows = std::clamp<std::size_t>(kTileBytes / std::max<std::size_t>(1, vectors.stride_bytes), 4, kTileRows);
  std::array<Row, kTileRows> tile{};
  std::array<float, 4> keys{};
  std::uint64_t compared = 0;
  Row row = range.begin;
  while (row < range.end) {
    std::size_t count = 0;
    for (; row < range.end && count < tile_rows; ++row)
      if (accept(row)) tile[count++] = row;
    const std::span<const Row> rows(tile.data(), count);
    std::size_t q = 0;
    for (; q + 4 <= queries.size(); q += 4) {
      const std::array<const PreparedQuery*, 4> four{queries[q], queries[q + 1], queries[q + 2], queries[q + 3]};
      for (const Row candidate : rows) {
        PreparedQuery::key4(four, vectors, candidate, keys);
        for (std::size_t i = 0; i < 4; ++i) tops[q + i].push(keys[i], candidate);
      }
    }
    for (; q < queries.size(); ++q)
      for (const Row candidate : rows) tops[q].push(queries[q]->key(vectors, candidate), candidate);
    compared += count * queries.size();
  }
  return compared;
}

}  // namespace ndb::index
