// AVX-512 (F, BW, DQ, VL, VPOPCNTDQ). No library templates here: their code, compiled with these flags, could end up in other
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

__m512i add_counts(__m512i sum, __m512i code, const std::uint64_t* plane) noexcept {
  return _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_and_si512(code, _mm512_loadu_si512(plane))));
}

template <std::size_t kPlanes>
void keys_by_planes(const BitQuery& query, const std::byte* const* rows, std::size_t count, float* keys) noexcept {
  const std::size_t whole = query.words / 8 * 8;
  const auto rest = static_cast<__mmask8>((1U << (query.words - whole)) - 1U);
  for (std::size_t row = 0; row < count; ++row) {
    __m512i sums[kPlanes];
    for (auto& sum : sums) sum = _mm512_setzero_si512();
    for (std::size_t i = 0; i < query.words; i += 8) {
      const __m512i code = _mm512_maskz_loadu_epi64(i < whole ? __mmask8{0xFF} : rest, rows[row] + i * 8);
      for (std::size_t plane = 0; plane < kPlanes; ++plane) sums[plane] = add_counts(sums[plane], code, query.planes + plane * query.plane_words + i);
    }
    __m512i all = sums[kPlanes - 1];
    for (std::size_t plane = kPlanes - 1; plane-- > 0;) all = _mm512_add_epi64(_mm512_slli_epi64(all, 1), sums[plane]);
    const auto sum = static_cast<float>(_mm512_reduce_add_epi64(all));
    const auto* tail = reinterpret_cast<const float*>(rows[row] + query.words * 8);  // term, scale, ones
    keys[row] = query.base + tail[0] + tail[1] * (query.offset + query.per_one * tail[2] + query.per_sum * sum);
  }
}

void bit_keys(const BitQuery& query, const std::byte* const* rows, std::size_t count, float* keys) noexcept {
  query.plane_count == 3 ? keys_by_planes<3>(query, rows, count, keys) : keys_by_planes<4>(query, rows, count, keys);
}

// Four groups a register, each with its table in its own quarter. 8-bit sums of four (at most 240) go into 16-bit ones, which hold 1024 groups.
void packed_sums(const std::uint8_t* tables, const std::byte* block, std::size_t groups, std::uint32_t sums[32]) noexcept {
  constexpr std::size_t kGroupsOf16Bits = 1024;
  const __m512i low_half = _mm512_set1_epi8(15), low_byte = _mm512_set1_epi16(255);
  for (std::size_t row = 0; row < 32; ++row) sums[row] = 0;
  for (std::size_t begin = 0; begin < groups; begin += kGroupsOf16Bits) {
    const std::size_t end = groups - begin < kGroupsOf16Bits ? groups : begin + kGroupsOf16Bits;
    __m512i even[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};  // of rows 0–15, of rows 16–31
    __m512i odd[2] = {even[0], even[0]};
    for (std::size_t group = begin; group < end; group += 16) {
      __m512i few[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
      for (std::size_t i = 0; i < 16; i += 4) {
        const __m512i table = _mm512_loadu_si512(tables + 16 * (group + i));
        const __m512i pairs = _mm512_loadu_si512(block + 16 * (group + i));
        few[0] = _mm512_add_epi8(few[0], _mm512_shuffle_epi8(table, _mm512_and_si512(pairs, low_half)));
        few[1] = _mm512_add_epi8(few[1], _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(pairs, 4), low_half)));
      }
      for (std::size_t half = 0; half < 2; ++half) {
        even[half] = _mm512_add_epi16(even[half], _mm512_and_si512(few[half], low_byte));
        odd[half] = _mm512_add_epi16(odd[half], _mm512_srli_epi16(few[half], 8));
      }
    }
    for (std::size_t half = 0; half < 2; ++half) {
      alignas(64) std::uint16_t evens[32], odds[32];
      _mm512_store_si512(evens, even[half]);
      _mm512_store_si512(odds, odd[half]);
      for (std::size_t row = 0; row < 8; ++row)
        for (std::size_t quarter = 0; quarter < 4; ++quarter) {
          sums[16 * half + 2 * row] += evens[8 * quarter + row];
          sums[16 * half + 2 * row + 1] += odds[8 * quarter + row];
        }
    }
  }
}

std::int32_t dot_u4i8(const std::byte* a, const std::int8_t* b, std::size_t count) noexcept {
  const __m512i low_half = _mm512_set1_epi8(15);
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i sum = _mm512_setzero_si512();
  for (std::size_t block = 0; block < count; block += 128) {
    const __m512i pairs = _mm512_loadu_si512(a + block / 2);
    const __m512i low = _mm512_maddubs_epi16(_mm512_and_si512(pairs, low_half), _mm512_loadu_si512(b + block));
    const __m512i high =
        _mm512_maddubs_epi16(_mm512_and_si512(_mm512_srli_epi16(pairs, 4), low_half), _mm512_loadu_si512(b + block + 64));
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_add_epi16(low, high), ones));  // 4·15·127 fits into 16 bits
  }
  return _mm512_reduce_add_epi32(sum);
}

std::size_t marked_rows(const std::uint32_t* rows, std::size_t count, const std::uint64_t* bitmap, std::uint32_t bits, std::uint32_t* out,
                        bool& beyond) noexcept {
  const __m512i limit = _mm512_set1_epi32(static_cast<int>(bits)), one = _mm512_set1_epi32(1), low_bits = _mm512_set1_epi32(31);
  std::size_t marked = 0;
  for (std::size_t i = 0; i < count; i += 16) {
    const auto present = static_cast<__mmask16>(count - i < 16 ? (1U << (count - i)) - 1U : 0xFFFFU);
    const __m512i row = _mm512_maskz_loadu_epi32(present, rows + i);
    const __mmask16 valid = _mm512_mask_cmplt_epu32_mask(present, row, limit);
    beyond |= valid != present;
    const __m512i word = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), valid, _mm512_srli_epi32(row, 5), bitmap, 4);
    const __mmask16 hits = _mm512_mask_test_epi32_mask(valid, word, _mm512_sllv_epi32(one, _mm512_and_si512(row, low_bits)));
    _mm512_storeu_si512(out + marked, _mm512_maskz_compress_epi32(hits, row));
    marked += static_cast<std::size_t>(__builtin_popcount(hits));
  }
  return marked;
}

}  // namespace

constinit const Kernels kAvx512Kernels{"avx512",           reduce1<Dot>, reduce1<SquaredL2>, reduce4<Dot>,
                                       reduce4<SquaredL2>, dot_i8,       bit_keys,           packed_sums, dot_u4i8,
                                       hadamard_avx2,      largest_avx2, round_i8_avx2, bit_planes_avx2,  marked_rows,
                                       lowest_avx2};

}  // namespace ndb::simd
