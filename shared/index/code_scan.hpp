// A scan that looks at 1-bit codes first, and at the vectors of those rows only that may be among the matches.
//
// Threads: pure functions; buffer and collector belong to the calling thread.
// Invariants: what reaches the collector has exact keys. A match is missed with a probability below one in a hundred, and only where
// estimates decide (detail::kSureDeviations).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "shared/index/hnsw_search.hpp"

namespace ndb::index {

/// Offers the rows of `vectors` for which accept(row) holds to `top`, numbered from `first` there. codes: [rows · stride] of codec;
/// prepared: the query, by codec.prepare. accept gets the number that `top` gets.
template <class Accept, class Less>
void scan_by_codes(const VectorsView& vectors, const BitCodec& codec, const std::byte* codes, const BitQueryBuffer& prepared,
                   const PreparedQuery& query, Row first, Accept&& accept, TopK<Less>& top, SearchStats& stats) {
  constexpr Row kAtOnce = 64;
  const std::size_t stride = BitCodec::stride_bytes(vectors.dim);
  std::array<const std::byte*, kAtOnce> rows{};
  std::array<float, kAtOnce> keys{};
  double worst = detail::worst_estimate(codec, top);
  for (Row begin = 0; begin < vectors.rows; begin += kAtOnce) {
    const Row count = std::min(kAtOnce, vectors.rows - begin);
    for (Row i = 0; i < count; ++i) rows[i] = codes + std::size_t{begin + i} * stride;
    codec.kernels().bit_keys(prepared.query, rows.data(), count, keys.data());
    for (Row i = 0; i < count; ++i) {
      if (static_cast<double>(keys[i] - detail::kSureDeviations * codec.key_error(rows[i], prepared)) > worst) continue;
      if (!accept(first + begin + i)) continue;
      const float bound = top.bound();
      top.push(query.key(vectors, begin + i), first + begin + i);
      ++stats.distances;
      if (top.bound() != bound) worst = detail::worst_estimate(codec, top);
    }
  }
  stats.estimated_distances += vectors.rows;
  stats.bytes_touched += vectors.rows * stride;
}

}  // namespace ndb::index
