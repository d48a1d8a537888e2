// Compares given rows of a segment that has a graph: by the graph's 1-bit codes first, so that few vectors are read.
//
// Threads: pure functions; scratch and collector belong to the calling thread.
// Invariants: what reaches the collector has exact keys. A match is missed with a probability below one in a hundred, and only where
// estimates decide (detail::kSureDeviations).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

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

}  // namespace detail

/// Offers the rows that are nearest to `query` to `top`. rows < graph.rows(), each once. False, with nothing done, if the graph has no
/// 1-bit codes or the query cannot be coded.
template <class Less>
bool scan_rows_by_codes(const HnswView& graph, const VectorsView& vectors, const PreparedQuery& query, std::span<const Row> rows,
                        std::size_t k, SearchScratch& scratch, TopK<Less>& top, SearchStats& stats) {
  if (graph.bit_codec() == nullptr || !graph.bit_codec()->prepare(query.data(), graph.has_refined(), scratch.query_bits)) return false;
  const BitCodec& codec = *graph.bit_codec();
  const ExactDistance exact(vectors, query);
  TopK<> nearest(k + std::max<std::size_t>(k / 2, 16));
  detail::estimate_rows(graph, rows, scratch.query_bits, nearest, scratch.lows);
  stats.estimated_distances += rows.size();
  stats.bytes_touched += rows.size() * BitCodec::stride_bytes(graph.dim());

  // The nearest by their estimates set the bound under which all others must be.
  double worst = detail::worst_estimate(codec, top);
  const auto compare = [&](Row row) {
    const float bound = top.bound();
    top.push(exact.key(row), row);
    ++stats.distances;
    if (top.bound() != bound) worst = detail::worst_estimate(codec, top);
  };
  const auto first = nearest.take();
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (i + detail::kRerankAhead < first.size()) exact.prefetch(first[i + detail::kRerankAhead].row);
    compare(first[i].row);
  }
  const auto is_first = [&](Row row) { return std::ranges::find(first, row, &Candidate::row) != first.end(); };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<double>(scratch.lows[i]) > worst || is_first(rows[i])) continue;
    if (graph.has_refined()) {
      const std::byte* code = graph.refined_row(rows[i]);
      const float low = codec.refined_key(code, scratch.query_bits) - detail::kSureDeviations * codec.refined_error(code, scratch.query_bits);
      ++stats.estimated_distances;
      stats.bytes_touched += graph.refined_stride();
      if (static_cast<double>(low) > worst) continue;
    }
    compare(rows[i]);
  }
  stats.bytes_touched += stats.distances * graph.dim() * sizeof(float);
  return true;
}

}  // namespace ndb::index
