// Compares given rows of a segment that has a graph: by the graph's 1-bit codes first, so that few vectors are read.
//
// Threads: pure functions; scratch and collector belong to the calling thread.
// Invariants: what reaches the collector has exact keys. A match is missed with a probability below one in a hundred, and only where
// estimates decide (detail::kSureDeviations).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "shared/index/hnsw_search.hpp"

namespace ndb::index {
namespace detail {

/// Estimates every row: its key into a short list of the nearest, the lowest that it may be into `lows`.
inline void estimate_rows(const HnswView& graph, std::span<const Row> rows, const BitQueryBuffer& prepared, TopK<>& nearest,
                          std::vector<float>& lows) {
  constexpr std::size_t kAtOnce = 32;
  const BitCodec& codec = *graph.bit_codec();
  const std::size_t stride = BitCodec::stride_bytes(graph.dim());
  std::array<const std::byte*, kAtOnce> codes{}, next{};
  std::array<float, kAtOnce> keys{};
  const auto load = [&](std::size_t begin, std::array<const std::byte*, kAtOnce>& into) {
    for (std::size_t i = 0; i < std::min(kAtOnce, rows.size() - std::min(begin, rows.size())); ++i) {
      into[i] = graph.bit_row(rows[begin + i]);
      simd::prefetch(into[i], stride);
    }
  };
  lows.resize(rows.size());
  load(0, codes);
  for (std::size_t begin = 0; begin < rows.size(); begin += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, rows.size() - begin);
    load(begin + kAtOnce, next);
    codec.kernels().bit_keys(prepared.query, codes.data(), count, keys.data());
    for (std::size_t i = 0; i < count; ++i) {
      lows[begin + i] = keys[i] - kSureDeviations * codec.key_error(codes[i], prepared);
      nearest.push(keys[i], rows[begin + i]);
    }
    codes.swap(next);
  }
}

/// Fills scratch.likely with the rows that may have a key up to `worst`, without those in `known`.
inline void collect_others(std::span<const Row> rows, double worst, std::span<const Candidate> known, SearchScratch& scratch) {
  scratch.likely.clear();
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<double>(scratch.lows[i]) <= worst) scratch.likely.push_back({scratch.lows[i], rows[i]});
  std::vector<Row> known_rows;  // sorted: for a large k both lists are long
  known_rows.reserve(known.size());
  for (const Candidate& one : known) known_rows.push_back(one.row);
  std::ranges::sort(known_rows);
  std::erase_if(scratch.likely, [&](const Candidate& one) { return std::ranges::binary_search(known_rows, one.row); });
}

/// Fills scratch.refined with the rows that may be among the k nearest, by the lowest keys they may have: of their refined codes where there are
/// such. `nearest` holds the best estimates; lows: of rows, as estimate_rows leaves them. The lists are short, their codes loaded ahead.
inline void refine_likely(const HnswView& graph, std::span<const Row> rows, std::size_t k, double worst, TopK<>& nearest, SearchScratch& scratch,
                          SearchStats& stats) {
  const BitCodec& codec = *graph.bit_codec();
  TopK<> best(k, {}, static_cast<float>(std::min<double>(worst, std::numeric_limits<float>::max())));
  const auto refine = [&](Row row) {
    const std::byte* code = graph.refined_row(row);
    const float key = codec.refined_key(code, scratch.query_bits);
    const float low = key - kSureDeviations * codec.refined_error(code, scratch.query_bits);
    if (low > best.bound()) return;
    best.push(key, row);
    scratch.refined.push_back({low, row});
  };
  const auto refine_all = [&](std::span<const Candidate> candidates) {
    const auto load = [&](std::size_t i) {
      if (i < candidates.size()) simd::prefetch(graph.refined_address(candidates[i].row), graph.refined_stride());
    };
    for (std::size_t i = 0; i < kRefineAhead; ++i) load(i);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      load(i + kRefineAhead);
      refine(candidates[i].row);
    }
    stats.estimated_distances += candidates.size();
    stats.bytes_touched += candidates.size() * graph.refined_stride();
  };
  scratch.refined.clear();
  const auto first = nearest.take();
  refine_all(first);
  collect_others(rows, static_cast<double>(best.bound()), first, scratch);
  refine_all(scratch.likely);
}

/// Offers to `top` what of `rows` may be among the k nearest.
template <class Less>
void compare_likely(const HnswView& graph, const ExactDistance& exact, std::span<const Row> rows, std::size_t k, TopK<>& nearest,
                    SearchScratch& scratch, TopK<Less>& top, SearchStats& stats) {
  ExactComparer comparer(*graph.bit_codec(), exact, top, [&](float key, Row row) { top.push(key, row); }, stats);
  if (graph.has_refined()) {
    refine_likely(graph, rows, k, comparer.worst(), nearest, scratch, stats);
    comparer.compare_lowest(scratch.refined, k);
  } else {
    const auto first = nearest.take();
    comparer.compare_sure(first);
    collect_others(rows, comparer.worst(), first, scratch);
    std::ranges::sort(scratch.likely, {}, &Candidate::key);
    comparer.compare_likely(scratch.likely);
  }
  stats.bytes_touched += stats.distances * graph.dim() * sizeof(float);
}

}  // namespace detail

/// Offers the rows that are nearest to `query` to `top`. rows < graph.rows(), each once. False, with nothing done, if the graph has no
/// 1-bit codes or the query cannot be coded.
template <class Less>
bool scan_rows_by_codes(const HnswView& graph, const VectorsView& vectors, const PreparedQuery& query, std::span<const Row> rows,
                        std::size_t k, SearchScratch& scratch, TopK<Less>& top, SearchStats& stats) {
  if (graph.bit_codec() == nullptr || !graph.bit_codec()->prepare(query.data(), graph.has_refined(), scratch.query_bits)) return false;
  TopK<> nearest(k + std::max<std::size_t>(k / 2, 16));
  detail::estimate_rows(graph, rows, scratch.query_bits, nearest, scratch.lows);
  stats.estimated_distances += rows.size();
  stats.bytes_touched += rows.size() * BitCodec::stride_bytes(graph.dim());
  detail::compare_likely(graph, ExactDistance(vectors, query), rows, k, nearest, scratch, top, stats);
  return true;
}

}  // namespace ndb::index
