// A scan that looks at 1-bit codes first, and at the vectors of those rows only that may be among the matches.
//
// Threads: pure functions; buffer and collector belong to the calling thread.
// Invariants: what reaches the collector has exact keys. A match is missed with a probability below one in a hundred, and only where
// estimates decide (detail::kSureDeviations).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "shared/index/codes/packed_codes.hpp"
#include "shared/index/hnsw_search.hpp"

namespace ndb::index {
namespace detail {

template <class Less>
[[nodiscard]] float worst_key(const BitCodec& codec, const TopK<Less>& top) noexcept {
  return static_cast<float>(std::min(worst_estimate(codec, top), static_cast<double>(std::numeric_limits<float>::max())));
}

}  // namespace detail

/// What of a row is read with the sample of its block: signs, term and scale.
inline constexpr std::size_t kSampledBytes = kSampledGroups / 2 + 2 * sizeof(float);

/// Rows [begin, end) of `vectors` with their codes, whole blocks of kPackedRows (packed_codes.hpp); numbered from `first` in the collector.
struct CodedRows {
  const VectorsView& vectors;
  Row begin, end;
  const std::byte* codes;
  Row first;
};

/// Offers those rows to `top` for which accept(number) holds.
template <class Accept, class Less>
void scan_by_codes(const CodedRows& coded, const BitCodec& codec, const PackedQuery& prepared, const PreparedQuery& query, Accept&& accept,
                   TopK<Less>& top, SearchStats& stats) {
  const std::size_t stride = BitCodec::stride_bytes(coded.vectors.dim);
  const Row rows = coded.end - coded.begin;
  alignas(64) std::array<float, kPackedRows> keys;
  auto worst = detail::worst_key(codec, top);
  // The sample is looked at while it spares reading at least half of the blocks.
  constexpr Row kTried = 8;
  constexpr Row kAhead = 2 * kPackedRows;  // samples are loaded ahead of their use: what lies between them is not read
  Row sampled = 0, passed = 0;
  for (Row begin = 0; begin < rows; begin += kPackedRows) {
    const std::byte* const block = coded.codes + std::size_t{begin} * stride;
    if (prepared.has_sample() && (sampled < kTried || 2 * passed < sampled)) {
      if (begin + kAhead < rows) prepared.prefetch_sample(block + std::size_t{kAhead} * stride);
      ++sampled;
      if (!prepared.may_reach(codec.kernels(), block, detail::kSureDeviations, worst)) continue;
      ++passed;
    }
    if (!prepared.lowest_keys(codec.kernels(), block, detail::kSureDeviations, worst, keys)) continue;
    for (Row i = 0; i < kPackedRows; ++i) {
      if (keys[i] > worst || !accept(coded.first + begin + i)) continue;
      const float bound = top.bound();
      top.push(query.key(coded.vectors, coded.begin + begin + i), coded.first + begin + i);
      ++stats.distances;
      if (top.bound() != bound) worst = detail::worst_key(codec, top);
    }
  }
  stats.estimated_distances += rows;
  stats.bytes_touched += rows * stride - std::uint64_t{sampled - passed} * kPackedRows * (stride - kSampledBytes);
}

}  // namespace ndb::index
