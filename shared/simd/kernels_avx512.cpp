// AVX-512 (F, BW, DQ, VL). No library templates here: their code, compiled with these flags, could end up in other
// files. Four running sums of sixteen lanes; tails by masks.
#include <immintrin.h>

#include "shared/simd/kernels_tables.hpp"

namespace ndb::simd {
namespace {

struct Dot {
  static __m512 add(__m512 sum, __m512 a, __m512 b) noexcept { return _mm512_fmadd_ps(a, b, sum); }
};
struct SquaredL2 {
  static __m512 add(__m512 sum, __m512 a, __m512 b) noexcept {
    const __m512 difference = _mm512_sub_ps(a, b);
    return _mm512_fmadd_ps(difference, difference, sum);
  }
};

/// Halves are added until one lane is left; written out because _mm512_reduce_add_ps leaves its order to the compiler.
float horizontal_sum(__m512 s0, __m512 s1, __m512 s2, __m512 s3) noexcept {
  const __m512 sum = _mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3));
  alignas(64) float lane[16];
  _mm512_store_ps(lane, sum);
  for (std::size_t width = 8; width > 0; width /= 2)
    for (std::size_t i = 0; i < width; ++i) lane[i] += lane[i + width];
  return lane[0];
}

// The one order of additions: Q queries against one row.
template <class Step, std::size_t Q>
void reduce(const float* const (&query)[Q], const float* row, std::size_t dim, float* out) noexcept {
  __m512 sum[Q][4];
  for (auto& sums : sum) sums[0] = sums[1] = sums[2] = sums[3] = _mm512_setzero_ps();
  std::size_t i = 0;
  for (; i + 64 <= dim; i += 64) {
    for (std::size_t s = 0; s < 4; ++s) {
      const __m512 r = _mm512_loadu_ps(row + i + 16 * s);
      for (std::size_t q = 0; q < Q; ++q) sum[q][s] = Step::add(sum[q][s], _mm512_loadu_ps(query[q] + i + 16 * s), r);
    }
  }
  for (; i + 16 <= dim; i += 16) {
    const __m512 r = _mm512_loadu_ps(row + i);
    for (std::size_t q = 0; q < Q; ++q) sum[q][0] = Step::add(sum[q][0], _mm512_loadu_ps(query[q] + i), r);
  }
  if (i < dim) {
    const auto mask = static_cast<__mmask16>((1U << (dim - i)) - 1U);
    const __m512 r = _mm512_maskz_loadu_ps(mask, row + i);
    for (std::size_t q = 0; q < Q; ++q) sum[q][1] = Step::add(sum[q][1], _mm512_maskz_loadu_ps(mask, query[q] + i), r);
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
  const float* const query[4] = {queries[0], queries[1], queries[2], queries[3]};
  reduce<Step, 4>(query, row, dim, out);
}

std::int32_t dot_i8(const std::int8_t* a, const std::int8_t* b, std::size_t dim) noexcept {
  __m512i sum = _mm512_setzero_si512();
  for (std::size_t i = 0; i < dim; i += 64) {
    const __mmask64 mask = dim - i >= 64 ? ~__mmask64{0} : (__mmask64{1} << (dim - i)) - 1;
    const __m512i x = _mm512_maskz_loadu_epi8(mask, a + i);
    const __m512i y = _mm512_maskz_loadu_epi8(mask, b + i);
    // maddubs wants one unsigned factor: |x|, with the sign of x moved to y. 2·127·127 fits into 16 bits.
    const __m512i signed_y = _mm512_mask_sub_epi8(y, _mm512_movepi8_mask(x), _mm512_setzero_si512(), y);
    const __m512i products = _mm512_maddubs_epi16(_mm512_abs_epi8(x), signed_y);
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(products, _mm512_set1_epi16(1)));
  }
  alignas(64) std::int32_t lane[16];
  _mm512_store_si512(lane, sum);
  std::int32_t total = 0;
  for (const std::int32_t part : lane) total += part;
  return total;
}

}  // namespace

constinit const Kernels kAvx512Kernels{"avx512",     reduce1<Dot>,       reduce1<SquaredL2>,
                                       reduce4<Dot>, reduce4<SquaredL2>, dot_i8};

}  // namespace ndb::simd
