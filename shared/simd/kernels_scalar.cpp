// Plain C++: the reference for the other tables, and what runs on CPUs without them. Eight running sums let the compiler
// use whatever vectors the baseline has. Compiled without contraction to FMA, so that dot4 keeps the bits of dot.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "shared/simd/kernels_tables.hpp"

namespace ndb::simd {
namespace {

constexpr std::size_t kLanes = 8;

struct Dot {
  static float step(float a, float b) noexcept { return a * b; }
};
struct SquaredL2 {
  static float step(float a, float b) noexcept { return (a - b) * (a - b); }
};

template <class Step>
float reduce(const float* a, const float* b, std::size_t dim) noexcept {
  std::array<float, kLanes> sum{};
  std::size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sum[lane] += Step::step(a[i + lane], b[i + lane]);
  for (std::size_t lane = 0; i < dim; ++i, ++lane) sum[lane] += Step::step(a[i], b[i]);
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

template <class Step>
void reduce4(const float* const queries[4], const float* row, std::size_t dim, float out[4]) noexcept {
  for (std::size_t q = 0; q < 4; ++q) out[q] = reduce<Step>(queries[q], row, dim);
}

std::int32_t dot_i8(const std::int8_t* a, const std::int8_t* b, std::size_t dim) noexcept {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < dim; ++i) sum += std::int32_t{a[i]} * std::int32_t{b[i]};
  return sum;
}

void bit_keys(const BitQuery& query, const std::byte* const* rows, std::size_t count, float* keys) noexcept {
  for (std::size_t row = 0; row < count; ++row) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < query.words; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, rows[row] + i * sizeof word, sizeof word);
      for (std::size_t plane = 0; plane < query.plane_count; ++plane)
        sum += static_cast<std::uint64_t>(std::popcount(word & query.planes[plane * query.plane_words + i])) << plane;
    }
    float tail[3];  // term, scale, ones
    std::memcpy(tail, rows[row] + query.words * sizeof(std::uint64_t), sizeof tail);
    keys[row] = query.base + tail[0] +
                tail[1] * (query.offset + query.per_one * tail[2] + query.per_sum * static_cast<float>(sum));
  }
}

void packed_sums(const std::uint8_t* tables, const std::byte* block, std::size_t groups, std::uint32_t sums[32]) noexcept {
  for (std::size_t row = 0; row < 32; ++row) sums[row] = 0;
  for (std::size_t group = 0; group < groups; ++group)
    for (std::size_t i = 0; i < 16; ++i) {
      const auto pair = std::to_integer<std::size_t>(block[16 * group + i]);
      sums[i] += tables[16 * group + (pair & 15U)];
      sums[i + 16] += tables[16 * group + (pair >> 4U)];
    }
}

std::int32_t dot_u4i8(const std::byte* a, const std::int8_t* b, std::size_t count) noexcept {
  std::int32_t sum = 0;
  for (std::size_t block = 0; block < count; block += 128) {
    for (std::size_t i = 0; i < 64; ++i) {
      const auto pair = static_cast<std::int32_t>(a[block / 2 + i]);
      sum += (pair & 15) * std::int32_t{b[block + i]} + (pair >> 4) * std::int32_t{b[block + 64 + i]};
    }
  }
  return sum;
}

}  // namespace

void hadamard_scalar(float* values, const float* signs, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) values[i] *= signs[i];
  for (std::size_t half = 1; half < count; half *= 2) {
    for (std::size_t start = 0; start < count; start += 2 * half) {
      for (std::size_t i = start; i < start + half; ++i) {
        const float a = values[i];
        const float b = values[i + half];
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}

// Magnitudes of floats order like their bits, and integers vectorize.
float largest_scalar(const float* values, std::size_t count) noexcept {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t magnitude = std::bit_cast<std::int32_t>(values[i]) & 0x7FFF'FFFF;
    largest = magnitude > largest ? magnitude : largest;
  }
  return std::bit_cast<float>(largest);
}

std::int32_t round_i8_scalar(const float* values, std::size_t count, float inverse_step, std::int8_t* rounded) noexcept {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float scaled = values[i] * inverse_step;
    const auto value = static_cast<std::int32_t>(scaled + __builtin_copysignf(0.5F, scaled));
    rounded[i] = static_cast<std::int8_t>(value);
    sum += value;
  }
  return sum;
}

std::uint64_t bit_planes_scalar(const float* values, std::size_t count, float low, float inverse_step,
                                std::uint64_t* planes, std::size_t plane_count, std::size_t plane_words) noexcept {
  std::memset(planes, 0, plane_count * plane_words * sizeof *planes);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float steps = (values[i] - low) * inverse_step + 0.5F;
    const auto value = static_cast<std::uint64_t>(std::clamp(steps, 0.0F, static_cast<float>((1U << plane_count) - 1U)));
    sum += value;
    for (std::size_t plane = 0; plane < plane_count; ++plane) planes[plane * plane_words + i / 64] |= (value >> plane & 1U) << (i % 64);
  }
  return sum;
}

std::size_t marked_rows_scalar(const std::uint32_t* rows, std::size_t count, const std::uint64_t* bitmap, std::uint32_t bits, std::uint32_t* out,
                               bool& beyond) noexcept {
  if (bits == 0) {  // there may be no word to read
    beyond |= count > 0;
    return 0;
  }
  std::size_t marked = 0;
  for (std::size_t i = 0; i < count; ++i) {  // without branches: which bits are set cannot be foretold
    const std::uint32_t row = rows[i];
    const bool valid = row < bits;
    beyond |= !valid;
    out[marked] = row;
    marked += static_cast<std::size_t>(valid) & static_cast<std::size_t>(bitmap[(valid ? row : 0U) >> 6] >> (row & 63));
  }
  return marked;
}

std::size_t lowest_scalar(const float* values, std::size_t count) noexcept {
  std::size_t place = 0;
  float least = std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < count; ++i) {
    const bool lower = values[i] < least;
    place = lower ? i : place;
    least = lower ? values[i] : least;
  }
  return place;
}

constinit const Kernels kScalarKernels{"scalar",           reduce<Dot>, reduce<SquaredL2>, reduce4<Dot>,
                                       reduce4<SquaredL2>, dot_i8,      bit_keys,          packed_sums, dot_u4i8,
                                       hadamard_scalar,    largest_scalar, round_i8_scalar, bit_planes_scalar, marked_rows_scalar,
                                       lowest_scalar};

}  // namespace ndb::simd
