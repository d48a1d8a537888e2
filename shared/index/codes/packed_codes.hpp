// 1-bit codes of 32 rows side by side, four dimensions at a time, for scans: a table of the query's sums for each four dimensions is looked up for
// all rows at once, where comparing them one by one takes a sum over the lanes of a register for each. Keys are those of the single rows.
// Source: André, Kermarrec and Le Scouarnec, "Cache locality is not enough: high-performance nearest neighbor search with product
// quantization fast scan", VLDB 2015.
//
// Threads: pure functions.
// Layout of a block: as Kernels::packed_sums reads it, then term, scale, ones and error (bit_codec.hpp) of each row, 32 floats each:
// as many bytes as the 32 rows have.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "shared/index/aligned_buffer.hpp"
#include "shared/index/codes/bit_codec.hpp"

namespace ndb::index {

inline constexpr std::uint32_t kPackedRows = 32;

/// Puts a code row of a codec for `dim` dimensions in place `at` < kPackedRows of a block of kPackedRows · BitCodec::stride_bytes(dim) zeroed bytes.
void pack_code(const std::byte* row, std::uint32_t dim, std::size_t at, std::byte* block) noexcept;

/// The tables of a query. One a thread, reused.
class PackedQuery {
 public:
  /// query: prepared by the codec; outlives this one's use.
  void prepare(const BitQueryBuffer& query);

  /// Of the rows of a block, the lowest keys that they may well have: `deviations` standard deviations below the estimate. Whether any is at
  /// most `worst`.
  bool lowest_keys(const simd::Kernels& kernels, const std::byte* block, float deviations, float worst,
                   std::array<float, kPackedRows>& keys) const noexcept;

  /// The standard deviation of the estimated key of row i of a block.
  [[nodiscard]] float deviation(const std::byte* block, std::size_t i) const noexcept {
    return query_->length * base::load<float>(block + groups_ * 16 + (3 * kPackedRows + i) * sizeof(float));
  }

 private:
  const BitQueryBuffer* query_ = nullptr;
  std::size_t groups_ = 0;
  AlignedBuffer<std::uint8_t> tables_;  // [groups · 16]
};

}  // namespace ndb::index
