// 1-bit codes of 32 rows side by side, four dimensions at a time, for scans: a table of the query's sums for each four dimensions is looked up for
// all rows at once, where comparing them one by one takes a sum over the lanes of a register for each. Keys are those of the single rows.
// A scan for few matches among many rows need not even read whole codes: where vectors are long, a block may begin with a sample of the dimensions,
// which tells of most blocks that none of their rows is near enough. Every so manieth group is taken, as a rotation that is no power of two mixes the
// dimensions in windows: their first ones do not stand for all.
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
inline constexpr std::size_t kSampledGroups = 64;  ///< 256 dimensions

/// Whether codes of that many groups of four dimensions are worth a sample.
[[nodiscard]] constexpr bool has_sample(std::size_t groups) noexcept { return groups >= 2 * kSampledGroups; }
/// Where a group lies in a block that begins with a sample.
[[nodiscard]] constexpr std::size_t sampled_place(std::size_t group, std::size_t groups) noexcept {
  const std::size_t before = (group * kSampledGroups + groups - 1) / groups;  // sampled ones: group i · groups / kSampledGroups for each i
  return before * groups / kSampledGroups == group ? before : kSampledGroups + group - before;
}

enum class GroupOrder : std::uint8_t {
  plain,   ///< as the dimensions come: in files
  sampled  ///< the sample first, if has_sample()
};

/// Puts a code row of a codec for `dim` dimensions in place `at` < kPackedRows of a block of kPackedRows · BitCodec::stride_bytes(dim) zeroed bytes.
void pack_code(const std::byte* row, std::uint32_t dim, std::size_t at, std::byte* block, GroupOrder order = GroupOrder::plain) noexcept;

/// The tables of a query. One a thread, reused.
class PackedQuery {
 public:
  /// query: prepared by the codec; outlives this one's use. order: that of the blocks.
  void prepare(const BitQueryBuffer& query, GroupOrder order = GroupOrder::plain);

  /// Whether, by the sample that blocks begin with, any row of this one may have a key of at most `worst`; that it has none is as sure as
  /// `deviations` standard deviations. True for blocks without a sample.
  [[nodiscard]] bool may_reach(const simd::Kernels& kernels, const std::byte* block, float deviations, float worst) const noexcept;
  [[nodiscard]] bool has_sample() const noexcept { return sample_.per_sum != 0.0F; }
  /// Starts loading what may_reach() reads of a block.
  void prefetch_sample(const std::byte* block) const noexcept;

  /// Of the rows of a block, the lowest keys that they may well have: `deviations` standard deviations below the estimate. Whether any is at
  /// most `worst`.
  bool lowest_keys(const simd::Kernels& kernels, const std::byte* block, float deviations, float worst,
                   std::array<float, kPackedRows>& keys) const noexcept;

  /// The standard deviation of the estimated key of row i of a block.
  [[nodiscard]] float deviation(const std::byte* block, std::size_t i) const noexcept {
    return query_->length * base::load<float>(block + groups_ * 16 + (3 * kPackedRows + i) * sizeof(float));
  }

 private:
  struct Sample {
    float offset = 0.0F;    // of what a row adds to the base, for a scale of 1
    float per_sum = 0.0F;   // for each unit of its sum; 0 without a sample
    float deviation = 0.0F; // standard deviation of the sum of both
  };
  void prepare_sample(const BitQueryBuffer& query);

  const BitQueryBuffer* query_ = nullptr;
  std::size_t groups_ = 0;
  Sample sample_;
  AlignedBuffer<std::uint8_t> sample_tables_;  // [kSampledGroups · 16]
  AlignedBuffer<std::uint8_t> tables_;  // [groups · 16]
};

}  // namespace ndb::index
