// NEON (AArch64 baseline). Four running sums of four lanes; the tail goes through a zero-filled copy.
#include <arm_neon.h>

#include <cstring>
#include <limits>

#include "shared/simd/kernels_tables.hpp"

namespace ndb::simd {
namespace {

struct Dot {
  static float32x4_t add(float32x4_t sum, float32x4_t a, float32x4_t b) noexcept { return vfmaq_f32(sum, a, b); }
};
struct SquaredL2 {
  static float32x4_t add(float32x4_t sum, float32x4_t a, float32x4_t b) noexcept {
    const float32x4_t difference = vsubq_f32(a, b);
    return vfmaq_f32(sum, difference, difference);
  }
};

/// The first `count` (1–3) floats, the rest zero.
float32x4_t load_tail(const float* from, std::size_t count) noexcept {
  float tail[4] = {};
  std::memcpy(tail, from, count * sizeof(float));
  return vld1q_f32(tail);
}

// The one order of additions: Q queries against one row.
template <class Step, std::size_t Q>
void reduce(const float* const (&query)[Q], const float* row, std::size_t dim, float* out) noexcept {
  float32x4_t sum[Q][4];
  for (auto& sums : sum) sums[0] = sums[1] = sums[2] = sums[3] = vdupq_n_f32(0.0F);
  std::size_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    for (std::size_t s = 0; s < 4; ++s) {
      const float32x4_t r = vld1q_f32(row + i + 4 * s);
      for (std::size_t q = 0; q < Q; ++q) sum[q][s] = Step::add(sum[q][s], vld1q_f32(query[q] + i + 4 * s), r);
    }
  }
  for (; i + 4 <= dim; i += 4) {
    const float32x4_t r = vld1q_f32(row + i);
    for (std::size_t q = 0; q < Q; ++q) sum[q][0] = Step::add(sum[q][0], vld1q_f32(query[q] + i), r);
  }
  if (i < dim) {
    const float32x4_t r = load_tail(row + i, dim - i);
    for (std::size_t q = 0; q < Q; ++q) sum[q][1] = Step::add(sum[q][1], load_tail(query[q] + i, dim - i), r);
  }
  for (std::size_t q = 0; q < Q; ++q)
    out[q] = vaddvq_f32(vaddq_f32(vaddq_f32(sum[q][0], sum[q][1]), vaddq_f32(sum[q][2], sum[q][3])));
}

template <class Step>
float reduce1(const float* a, const float* b, std::size_t dim) noexcept {
  float out = 0.0F;
  const float* const query[1] = {a};
  reduce<Step, 1>(query, b, dim, &out);
  return out;
}

template <class Step>
void reduce4(const float* const queries[4], const float* row, std::size_t dim, float out[4]) noexcept {
  const float* const query[4] = {queries[0], queries[1], queries[2], queries[3]};
  reduce<Step, 4>(query, row, dim, out);
}

std::int32_t dot_i8(const std::int8_t* a, const std::int8_t* b, std::size_t dim) noexcept {
  int32x4_t sum = vdupq_n_s32(0);
  std::size_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    const int8x16_t x = vld1q_s8(a + i);
    const int8x16_t y = vld1q_s8(b + i);
    // 2·127·127 fits into 16 bits, so two products may be added before widening.
    const int16x8_t products = vmlal_s8(vmull_s8(vget_low_s8(x), vget_low_s8(y)), vget_high_s8(x), vget_high_s8(y));
    sum = vpadalq_s16(sum, products);
  }
  std::int32_t total = vaddvq_s32(sum);
  for (; i < dim; ++i) total += std::int32_t{a[i]} * std::int32_t{b[i]};
  return total;
}

uint64_t count_bits(uint8x16_t bits) noexcept { return vaddlvq_u8(vcntq_u8(bits)); }

void bit_keys(const BitQuery& query, const std::byte* const* rows, std::size_t count, float* keys) noexcept {
  for (std::size_t row = 0; row < count; ++row) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < query.words; i += 2) {  // the words of a code are even in number
      const uint8x16_t code = vld1q_u8(reinterpret_cast<const std::uint8_t*>(rows[row]) + i * 8);
      for (std::size_t plane = 0; plane < query.plane_count; ++plane)
        sum += count_bits(vandq_u8(code, vreinterpretq_u8_u64(vld1q_u64(query.planes + plane * query.plane_words + i)))) << plane;
    }
    float tail[3];  // term, scale, ones
    std::memcpy(tail, rows[row] + query.words * 8, sizeof tail);
    keys[row] = query.base + tail[0] +
                tail[1] * (query.offset + query.per_one * tail[2] + query.per_sum * static_cast<float>(sum));
  }
}

// 8-bit sums of four groups (at most 240) go into 16-bit ones, which hold 1024 groups.
void packed_sums(const std::uint8_t* tables, const std::byte* block, std::size_t groups, std::uint32_t sums[32]) noexcept {
  constexpr std::size_t kGroupsOf16Bits = 1024;
  for (std::size_t row = 0; row < 32; ++row) sums[row] = 0;
  for (std::size_t begin = 0; begin < groups; begin += kGroupsOf16Bits) {
    const std::size_t end = groups - begin < kGroupsOf16Bits ? groups : begin + kGroupsOf16Bits;
    uint16x8_t wide[4] = {vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0)};  // of eight rows each
    for (std::size_t group = begin; group < end; group += 4) {
      uint8x16_t low = vdupq_n_u8(0), high = vdupq_n_u8(0);
      for (std::size_t i = 0; i < 4; ++i) {
        const uint8x16_t table = vld1q_u8(tables + 16 * (group + i));
        const uint8x16_t pairs = vld1q_u8(reinterpret_cast<const std::uint8_t*>(block) + 16 * (group + i));
        low = vaddq_u8(low, vqtbl1q_u8(table, vandq_u8(pairs, vdupq_n_u8(15))));
        high = vaddq_u8(high, vqtbl1q_u8(table, vshrq_n_u8(pairs, 4)));
      }
      wide[0] = vaddw_u8(wide[0], vget_low_u8(low));
      wide[1] = vaddw_u8(wide[1], vget_high_u8(low));
      wide[2] = vaddw_u8(wide[2], vget_low_u8(high));
      wide[3] = vaddw_u8(wide[3], vget_high_u8(high));
    }
    for (std::size_t i = 0; i < 4; ++i) {
      std::uint16_t lanes[8];
      vst1q_u16(lanes, wide[i]);
      for (std::size_t row = 0; row < 8; ++row) sums[8 * i + row] += lanes[row];
    }
  }
}

std::int32_t dot_u4i8(const std::byte* a, const std::int8_t* b, std::size_t count) noexcept {
  int32x4_t sum = vdupq_n_s32(0);
  for (std::size_t block = 0; block < count; block += 128) {
    for (std::size_t i = 0; i < 64; i += 16) {
      const uint8x16_t pairs = vld1q_u8(reinterpret_cast<const std::uint8_t*>(a) + block / 2 + i);
      const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(pairs, vdupq_n_u8(15)));
      const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(pairs, 4));
      const int8x16_t x = vld1q_s8(b + block + i);
      const int8x16_t y = vld1q_s8(b + block + 64 + i);
      int16x8_t products = vmlal_s8(vmull_s8(vget_low_s8(low), vget_low_s8(x)), vget_high_s8(low), vget_high_s8(x));
      products = vmlal_s8(vmlal_s8(products, vget_low_s8(high), vget_low_s8(y)), vget_high_s8(high), vget_high_s8(y));
      sum = vpadalq_s16(sum, products);  // 4·15·127 fits into 16 bits
    }
  }
  return vaddvq_s32(sum);
}

std::size_t lowest(const float* values, std::size_t count) noexcept {
  const std::uint32_t first_places[4] = {0, 1, 2, 3};
  uint32x4_t at = vld1q_u32(first_places), places = at;
  float32x4_t least = vdupq_n_f32(std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < count; i += 4) {
    const float32x4_t next = vld1q_f32(values + i);
    const uint32x4_t lower = vcltq_f32(next, least);  // false for what is no number
    least = vbslq_f32(lower, next, least);
    places = vbslq_u32(lower, at, places);
    at = vaddq_u32(at, vdupq_n_u32(4));
  }
  const uint32x4_t equal = vceqq_f32(least, vdupq_n_f32(vminvq_f32(least)));
  return vminvq_u32(vbslq_u32(equal, places, vdupq_n_u32(std::numeric_limits<std::uint32_t>::max())));
}

}  // namespace

constinit const Kernels kNeonKernels{"neon",             reduce1<Dot>, reduce1<SquaredL2>, reduce4<Dot>,
                                     reduce4<SquaredL2>, dot_i8,       bit_keys,           packed_sums, dot_u4i8,
                                     hadamard_scalar,    largest_scalar, round_i8_scalar, bit_planes_scalar, marked_rows_scalar,
                                     lowest};

}  // namespace ndb::simd
