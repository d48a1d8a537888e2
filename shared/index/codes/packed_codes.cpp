#include "shared/index/codes/packed_codes.hpp"

#include <bit>

namespace ndb::index {
namespace {

constexpr std::size_t kGroupDims = 4;
constexpr std::size_t kGroupBytes = 16;
constexpr std::size_t kTailFloats = 4;

}  // namespace

void pack_code(const std::byte* row, std::uint32_t dim, std::size_t at, std::byte* block) noexcept {
  const std::size_t code_bytes = BitCodec::stride_bytes(dim) - kTailFloats * sizeof(float);
  const unsigned shift = at < kGroupBytes ? 0 : 4;
  std::byte* place = block + at % kGroupBytes;
  for (std::size_t i = 0; i < code_bytes; ++i, place += 2 * kGroupBytes) {
    const auto bits = std::to_integer<unsigned>(row[i]);
    place[0] |= static_cast<std::byte>((bits & 15U) << shift);
    place[kGroupBytes] |= static_cast<std::byte>((bits >> 4U) << shift);
  }
  std::byte* tails = block + code_bytes * 2 * kGroupBytes;
  for (std::size_t i = 0; i < kTailFloats; ++i)
    base::store(tails + (i * kPackedRows + at) * sizeof(float), base::load<float>(row + code_bytes + i * sizeof(float)));
}

void PackedQuery::prepare(const BitQueryBuffer& query) {
  query_ = &query;
  groups_ = query.query.words * 64 / kGroupDims;
  if (tables_.size() < groups_ * kGroupBytes) tables_ = AlignedBuffer<std::uint8_t>(groups_ * kGroupBytes);
  for (std::size_t group = 0; group < groups_; ++group) {
    std::array<std::uint8_t, kGroupDims> values{};
    for (std::size_t plane = 0; plane < 4; ++plane) {
      const auto bits = query.query.planes[plane * query.query.plane_words + group / 16] >> (group % 16 * kGroupDims);
      for (std::size_t i = 0; i < kGroupDims; ++i) values[i] = static_cast<std::uint8_t>(values[i] | (bits >> i & 1U) << plane);
    }
    std::uint8_t* table = tables_.data() + group * kGroupBytes;
    table[0] = 0;
    for (unsigned set = 1; set < kGroupBytes; ++set)
      table[set] = static_cast<std::uint8_t>(table[set & (set - 1)] + values[static_cast<std::size_t>(std::countr_zero(set))]);
  }
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
  const float reach = deviations * query_->length;
  std::uint32_t wanted = 0;
  for (std::size_t i = 0; i < kPackedRows; ++i) {
    keys[i] = query.base + term[i] + scale[i] * (query.offset + query.per_one * ones[i] + query.per_sum * static_cast<float>(sums[i])) -
              reach * error[i];
    wanted |= keys[i] <= worst ? 1U : 0U;  // (the compiler makes vectors of it)
  }
  return wanted != 0;
}

}  // namespace ndb::index
