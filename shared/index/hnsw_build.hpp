// Builds an HNSW graph over the rows of a segment, from nothing or from an older graph of most of the rows.
// Source: Malkov and Yashunin 2018, algorithms 1, 3 and 4.
//
// Threads: build_hnsw uses the calling thread and `threads` − 1 of its own, and returns when they are done.
// Invariants: with one thread the bytes depend on the vectors and parameters (and the CPU's kernels) alone. Every row can be
// reached from the entry: what the insertions leave unreachable is linked in at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "ndb/collection_config.hpp"
#include "ndb/error.hpp"
#include "shared/index/hnsw_view.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::index {

/// Marks a row of an older graph that has no counterpart.
inline constexpr Row kNoRow = kNoLink;

struct HnswBuildParams {
  std::uint32_t m = 16;                  ///< links per node above level 0, twice as many at level 0; 2–128
  std::uint32_t ef_construction = 200;   ///< candidates per inserted node; raised to m
  unsigned threads = 1;                  ///< 0: all CPUs
  std::uint64_t seed = 20180330;         ///< of the levels
  Quantization quantization = Quantization::automatic;
  std::optional<std::uint32_t> cells = {};  ///< a multiple of kPackedRows, at most the rows, 0: none; else by the number of rows
  std::function<void(std::uint64_t done, std::uint64_t rows)> progress = {};  ///< called now and then, from one thread at a time
  std::stop_token stop = {};             ///< asked before each row; stopping ends in `unavailable`
};

/// An older graph to start from; compaction passes the largest one it merges.
struct ReusedGraph {
  const HnswView* graph = nullptr;      ///< of the same dim, distance and m, verified
  std::span<const Row> new_rows;        ///< [graph->rows()] where each of its rows is now, or kNoRow if it is gone
};

/// The finished graph (open it with HnswView). invalid_argument if there are no rows, more than max_rows(), parameters out
/// of range, or a reused graph that does not fit; unavailable if it was stopped or memory ran out.
[[nodiscard]] Result<std::vector<std::byte>> build_hnsw(const VectorsView& vectors, const HnswBuildParams& params,
                                                        const ReusedGraph* reused = nullptr);

/// How many rows a graph can hold: its buffer stays below 2 GiB.
[[nodiscard]] std::uint64_t max_rows(std::uint32_t dim, std::uint32_t m) noexcept;

}  // namespace ndb::index
