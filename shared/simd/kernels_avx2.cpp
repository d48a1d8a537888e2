// AVX2 + FMA. Four running sums of eight lanes hide the latency of FMA. Four queries are done as two pairs: eight sums
// fit into the sixteen registers, and the second pair finds the row in L1. No library templates here: their code, compiled
// with these flags, could end up in other files.
#include <immintrin.h>

#include "shared/simd/kernels_tables.hpp"

namespace ndb::simd {
namespace {

struct Dot {
  static __m256 add(__m256 sum, __m256 a, __m256 b) noexcept { return _mm256_fmadd_ps(a, b, sum); }
};
struct SquaredL2 {
  static __m256 add(__m256 sum, __m256 a, __m256 b) noexcept {
    const __m256 difference = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(difference, difference, sum);
  }
};

/// Lanes below `count` (0–8) all ones.
__m256i lanes_below(std::size_t count) noexcept {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
}

float horizontal_sum(__m256 s0, __m256 s1, __m256 s2, __m256 s3) noexcept {
  const __m256 sum = _mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3));
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
  const __m128 pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}

// The one order of additions: Q queries against one row.
template <class Step, std::size_t Q>
void reduce(const float* const (&query)[Q], const float* row, std::size_t dim, float* out) noexcept {
  __m256 sum[Q][4];
  for (auto& sums : sum) sums[0] = sums[1] = sums[2] = sums[3] = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + 32 <= dim; i += 32) {
    for (std::size_t s = 0; s < 4; ++s) {
      const __m256 r = _mm256_loadu_ps(row + i + 8 * s);
      for (std::size_t q = 0; q < Q; ++q) sum[q][s] = Step::add(sum[q][s], _mm256_loadu_ps(query[q] + i + 8 * s), r);
    }
  }
  for (; i + 8 <= dim; i += 8) {
    const __m256 r = _mm256_loadu_ps(row + i);
    for (std::size_t q = 0; q < Q; ++q) sum[q][0] = Step::add(sum[q][0], _mm256_loadu_ps(query[q] + i), r);
  }
  if (i < dim) {
    const __m256i mask = lanes_below(dim - i);
    const __m256 r = _mm256_maskload_ps(row + i, mask);
    for (std::size_t q = 0; q < Q; ++q) sum[q][1] = Step::add(sum[q][1], _mm256_maskload_ps(query[q] + i, mask), r);
  }
  for (std::size_t q = 0; q < Q; ++q) out[q] = horizontal_sum(sum[q][0], sum[q][1], sum[q][2], sum[q][3]);
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
  const float* const first[2] = {queries[0], queries[1]};
  const float* const second[2] = {queries[2], queries[3]};
  reduce<Step, 2>(first, row, dim, out);
  reduce<Step, 2>(second, row, dim, out + 2);
}

__m256i load_codes(const std::int8_t* from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

// maddubs wants one unsigned factor: |a|, with the sign of a moved to b. 2·127·127 fits into 16 bits.
__m256i add_products(__m256i sum, __m256i a, __m256i b) noexcept {
  const __m256i products = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
}

std::int32_t dot_i8(const std::int8_t* a, const std::int8_t* b, std::size_t dim) noexcept {
  __m256i sum0 = _mm256_setzero_si256();
  __m256i sum1 = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 64 <= dim; i += 64) {
    sum0 = add_products(sum0, load_codes(a + i), load_codes(b + i));
    sum1 = add_products(sum1, load_codes(a + i + 32), load_codes(b + i + 32));
  }
  for (; i < dim; i += 32) {
    const __m256i byte = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                          23, 24, 25, 26, 27, 28, 29, 30, 31);
    const auto left = static_cast<char>(dim - i < 32 ? dim - i : 32);
    const __m256i mask = _mm256_cmpgt_epi8(_mm256_set1_epi8(left), byte);
    sum0 = add_products(sum0, _mm256_and_si256(load_codes(a + i), mask), load_codes(b + i));
  }
  const __m256i sum = _mm256_add_epi32(sum0, sum1);
  const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  const __m128i pair = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(pair, _mm_shuffle_epi32(pair, 0xB1)));
}

}  // namespace

constinit const Kernels kAvx2Kernels{"avx2",       reduce1<Dot>,       reduce1<SquaredL2>,
                                     reduce4<Dot>, reduce4<SquaredL2>, dot_i8};

}  // namespace ndb::simd
