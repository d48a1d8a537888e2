// Scans of rows without a graph that look at 1-bit codes first, and at the vectors of those rows only that may be among the matches: of all rows, or
// of those in the nearest cells.
//
// Threads: pure functions; buffer and collector belong to the calling thread.
// Invariants: what reaches the collector has exact keys. In what is looked at a match is missed with a probability below one in a hundred, and only
// where estimates decide (detail::kSureDeviations).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "shared/index/cell_scan.hpp"
#include "shared/index/codes/packed_codes.hpp"
#include "shared/index/codes/row_codes.hpp"
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

/// Offers to `top` what is nearest among rows [0, end) of `codes`, which have codes and cells, and accept(row) holds for, as far as looking through
/// the nearest cells finds it: what may be below top.bound(), which other rows may have given. All cells are looked through before there is a
/// bound. ef: the larger, the longer it goes on although cells bring nothing. scratch.query_bits: the query as the codec of the codes prepared
/// it; key_of(row): its exact key.
template <class Accept, class KeyOf, class Less>
void scan_cells(const RowCodes& codes, Row end, std::uint32_t ef, SearchScratch& scratch, Accept&& accept, KeyOf&& key_of, TopK<Less>& top,
                SearchStats& stats) {
  constexpr float kAny = std::numeric_limits<float>::max();
  constexpr Row kRowsPerEf = 128;  // among many rows it goes on longer: through a 32nd of them more than ef asks for
  const RowCoder& coder = codes.coder();
  const BitCodec& codec = *coder.codec;
  const std::size_t stride = BitCodec::stride_bytes(static_cast<std::uint32_t>(codec.dim()));
  scratch.packed_query.prepare(scratch.query_bits);
  detail::NearestCells cells(codec.kernels(), coder.cells, [&](std::uint32_t cell) { return coder.block(cell); }, scratch.packed_query, scratch.lows,
                             scratch.cells);
  auto& rows = scratch.rows;
  auto& addresses = scratch.codes;
  auto& keys = scratch.walk.keys;
  rows.clear();
  addresses.clear();
  detail::Patience patience(ef + end / kRowsPerEf);
  auto worst = detail::worst_key(codec, top);
  const auto gather = [&](std::uint32_t cell) {
    codes.cells().for_each(cell, [&](Row row) {
      if (row >= end) return;
      rows.push_back(row);
      addresses.push_back(codes.chunk(row / RowCodes::kChunkRows) + row % RowCodes::kChunkRows * stride);
      simd::prefetch(addresses.back(), stride);
    });
  };
  const auto look = [&](std::size_t from, std::size_t to) {
    if (from == to) return;
    if (keys.size() < to - from) keys.resize(to - from);
    codec.kernels().bit_keys(scratch.query_bits.query, addresses.data() + from, to - from, keys.data());
    bool better = false;
    for (std::size_t i = from; i < to; ++i) {
      if (keys[i - from] - detail::kSureDeviations * codec.key_error(addresses[i], scratch.query_bits) > worst || !accept(rows[i])) continue;
      const float bound = top.bound();
      top.push(key_of(rows[i]), rows[i]);
      ++stats.distances;
      better = better || bound == kAny || top.bound() != bound;
      if (top.bound() != bound) worst = detail::worst_key(codec, top);
    }
    patience.looked(to - from, better);
  };
  // While the codes of one cell's rows are on their way, those of the cell before are compared.
  constexpr std::size_t kListsAhead = 4;
  for (const std::uint32_t cell : cells.upcoming(kListsAhead)) codes.cells().prefetch(cell);
  std::size_t looked = 0;
  while (!cells.empty() && (top.bound() == kAny || !patience.is_over())) {
    const std::size_t before = rows.size();
    gather(cells.take());
    if (const auto upcoming = cells.upcoming(kListsAhead); !upcoming.empty()) codes.cells().prefetch(upcoming.back());
    look(looked, before);
    looked = before;
  }
  look(looked, rows.size());
  stats.estimated_distances += coder.cells + rows.size();
  stats.bytes_touched += (coder.cells + rows.size()) * stride + rows.size() * sizeof(Row);
}

}  // namespace ndb::index
