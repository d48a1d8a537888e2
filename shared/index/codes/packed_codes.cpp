#include "shared/index/codes/packed_codes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace ndb::index {
namespace {

constexpr std::size_t kGroupDims = 4;
constexpr std::size_t kGroupBytes = 16;
constexpr std::size_t kTailFloats = 4;

// Bit i of four in byte i.
constexpr std::array<std::uint32_t, 16> kBytesOfBits = [] {
  std::array<std::uint32_t, 16> bytes{};
  for (std::uint32_t bits = 0; bits < 16; ++bits)
    for (std::uint32_t i = 0; i < 4; ++i) bytes[bits] |= (bits >> i & 1U) << (8 * i);
  return bytes;
}();
static_assert(std::endian::native == std::endian::little);

// Signed numbers become floats in one instruction.
float as_float(std::uint32_t sum) noexcept { return static_cast<float>(static_cast<std::int32_t>(sum)); }

}  // namespace

void pack_code(const std::byte* row, std::uint32_t dim, std::size_t at, std::byte* block, GroupOrder order) noexcept {
  const std::size_t code_bytes = BitCodec::stride_bytes(dim) - kTailFloats * sizeof(float);
  const unsigned shift = at < kGroupBytes ? 0 : 4;
  const std::size_t groups = 2 * code_bytes;
  const bool sampled = order == GroupOrder::sampled && has_sample(groups);
  for (std::size_t group = 0; group < groups; ++group) {
    const auto bits = std::to_integer<unsigned>(row[group / 2]) >> (group % 2 * kGroupDims) & 15U;
    block[(sampled ? sampled_place(group, groups) : group) * kGroupBytes + at % kGroupBytes] |= static_cast<std::byte>(bits << shift);
  }
  std::byte* tails = block + code_bytes * 2 * kGroupBytes;
  for (std::size_t i = 0; i < kTailFloats; ++i)
    base::store(tails + (i * kPackedRows + at) * sizeof(float), base::load<float>(row + code_bytes + i * sizeof(float)));
}

void PackedQuery::prepare(const BitQueryBuffer& query, GroupOrder order) {
  query_ = &query;
  sample_ = {};
  groups_ = query.query.words * 64 / kGroupDims;
  if (tables_.size() < groups_ * kGroupBytes) tables_ = AlignedBuffer<std::uint8_t>(groups_ * kGroupBytes);
  const bool sampled = order == GroupOrder::sampled && index::has_sample(groups_);
  if (sampled) prepare_sample(query);
  for (std::size_t group = 0; group < groups_; ++group) {
    std::uint32_t values = 0;  // of the four dimensions, one in each byte
    for (std::size_t plane = 0; plane < query.query.plane_count; ++plane) {
      const auto bits = query.query.planes[plane * query.query.plane_words + group / 16] >> (group % 16 * kGroupDims) & 15U;
      values |= kBytesOfBits[bits] << plane;
    }
    // Sums of bytes stay below 256, so four entries are added at once.
    std::array<std::uint32_t, 4> table;
    table[0] = (values & 0xFFU) * 0x0100'0100U + (values >> 8 & 0xFFU) * 0x0101'0000U;  // without the third and fourth dimension
    table[1] = table[0] + (values >> 16 & 0xFFU) * 0x0101'0101U;
    const std::uint32_t fourth = (values >> 24) * 0x0101'0101U;
    table[2] = table[0] + fourth;
    table[3] = table[1] + fourth;
    std::memcpy(tables_.data() + (sampled ? sampled_place(group, groups_) : group) * kGroupBytes, table.data(), kGroupBytes);
  }
}

// ⟨v, q⟩ over a share of the dimensions, times what that is a share of: off by √(share⁻¹ − 1) lengths of the query, and together with the error of
// the whole code by less than √share⁻¹ for a row of scale 1. With q in steps from −7 to 7 the sum needs no count of positive signs.
void PackedQuery::prepare_sample(const BitQueryBuffer& query) {
  constexpr int kMost = 7, kZero = 28;  // of a value; what stands for a sum of 0
  const float* const rotated = query.rotated.data();
  float largest = 0.0F;
  for (std::size_t i = 0; i < kSampledGroups; ++i)
    for (std::size_t k = 0; k < kGroupDims; ++k) largest = std::max(largest, std::abs(rotated[i * groups_ / kSampledGroups * kGroupDims + k]));
  const float step = largest / kMost;
  if (!(step > 1e-30F)) return;
  const float inverse_step = 1.0F / step;
  if (sample_tables_.size() == 0) sample_tables_ = AlignedBuffer<std::uint8_t>(kSampledGroups * kGroupBytes);
  int all = 0;
  for (std::size_t i = 0; i < kSampledGroups; ++i) {
    std::array<int, kGroupDims> values{};
    for (std::size_t k = 0; k < kGroupDims; ++k) {
      const float steps = rotated[i * groups_ / kSampledGroups * kGroupDims + k] * inverse_step;
      values[k] = static_cast<int>(steps + std::copysign(0.5F, steps));  // |steps| ≤ 7 up to rounding
      all += values[k];
    }
    std::array<int, kGroupBytes> sums{};
    for (unsigned set = 1; set < kGroupBytes; ++set) sums[set] = sums[set & (set - 1)] + values[static_cast<std::size_t>(std::countr_zero(set))];
    for (unsigned set = 0; set < kGroupBytes; ++set) sample_tables_.data()[i * kGroupBytes + set] = static_cast<std::uint8_t>(sums[set] + kZero);
  }
  const float whole = static_cast<float>(groups_) / static_cast<float>(kSampledGroups);
  // ⟨v, q⟩ = 2 · Σ q where v is positive − Σ q
  sample_.per_sum = query.weight * whole * step * 2.0F;
  sample_.offset = -query.weight * whole * step * static_cast<float>(2 * kZero * static_cast<int>(kSampledGroups) + all);
  sample_.deviation = std::abs(query.weight) * query.length * std::sqrt(whole);
}

bool PackedQuery::may_reach(const simd::Kernels& kernels, const std::byte* block, float deviations, float worst) const noexcept {
  if (!has_sample()) return true;
  alignas(64) std::array<std::uint32_t, kPackedRows> sums;
  kernels.packed_sums(sample_tables_.data(), block, kSampledGroups, sums.data());
  const auto* const term = reinterpret_cast<const float*>(block + groups_ * kGroupBytes);
  const float* const scale = term + kPackedRows;
  const float offset = sample_.offset - deviations * sample_.deviation;
  const float most = worst - query_->query.base;
  std::uint32_t wanted = 0;
  for (std::size_t i = 0; i < kPackedRows; ++i)
    wanted |= term[i] + scale[i] * (offset + sample_.per_sum * as_float(sums[i])) <= most ? 1U : 0U;
  return wanted != 0;
}

void PackedQuery::prefetch_sample(const std::byte* block) const noexcept {
  simd::prefetch(block, kSampledGroups * kGroupBytes);
  simd::prefetch(block + groups_ * kGroupBytes, 2 * kPackedRows * sizeof(float));
}

bool PackedQuery::lowest_keys(const simd::Kernels& kernels, const std::byte* block, float deviations, float worst,
                              std::array<float, kPackedRows>& keys) const noexcept {
  alignas(64) std::array<std::uint32_t, kPackedRows> sums;
  kernels.packed_sums(tables_.data(), block, groups_, sums.data());
  const auto* const term = reinterpret_cast<const float*>(block + groups_ * kGroupBytes);
  const float* const scale = term + kPackedRows;
  const float* const ones = scale + kPackedRows;
  const float* const error = ones + kPackedRows;
  const simd::BitQuery& query = query_->query;
  const float reach = deviations * query_->rounded_length;
  std::uint32_t wanted = 0;
  for (std::size_t i = 0; i < kPackedRows; ++i) {
    keys[i] = query.base + term[i] + scale[i] * (query.offset + query.per_one * ones[i] + query.per_sum * as_float(sums[i])) -
              reach * error[i];
    wanted |= keys[i] <= worst ? 1U : 0U;  // (the compiler makes vectors of it)
  }
  return wanted != 0;
}

}  // namespace ndb::index
