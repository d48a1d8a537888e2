// AVX2 + FMA. Four running sums of eight lanes hide the latency of FMA. Four queries are done as two pairs: eight sums
// fit into the sixteen registers, and the second pair finds the row in L1. No library templates here: their code, compiled
// with these flags, could end up in other files.
#include <immintrin.h>

#include <limits>

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

__m256i load_words(const std::uint64_t* from) noexcept {
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

// Σ of the values where each of R ≤ 4 codes has a one, as floats, those behind R anything: set bits are counted by looking up half bytes, with the
// plane's weight in the table. The planes of four words are loaded once for all R.
template <std::size_t R, std::size_t kPlanes>
__m128 plane_sums(const BitQuery& query, const std::byte* const* rows) noexcept {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  __m256i weighted[kPlanes] = {counts};
  for (std::size_t p = 1; p < kPlanes; ++p) weighted[p] = _mm256_add_epi8(weighted[p - 1], weighted[p - 1]);
  const __m256i low_half = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
  constexpr std::size_t kWordsOfBytes = 255 / (8 * ((1U << kPlanes) - 1U)) * 4;  // that sums of bytes have room for
  const std::size_t next = query.plane_words;
  __m256i total[4] = {zero, zero, zero, zero};
  for (std::size_t begin = 0; begin < query.words; begin += kWordsOfBytes) {
    const std::size_t end = query.words - begin < kWordsOfBytes ? query.words : begin + kWordsOfBytes;
    __m256i bytes[R];
    for (auto& one : bytes) one = zero;
    for (std::size_t i = begin; i < end; i += 4) {  // at the end two words of the row's floats with it, where planes are zero
      const std::uint64_t* const plane = query.planes + i;
      __m256i low_planes[kPlanes];
      for (std::size_t p = 0; p < kPlanes; ++p) low_planes[p] = load_words(plane + p * next);
      for (std::size_t r = 0; r < R; ++r) {
        const __m256i code = load_words(reinterpret_cast<const std::uint64_t*>(rows[r]) + i);
        const __m256i low = _mm256_and_si256(code, low_half), high = _mm256_and_si256(_mm256_srli_epi16(code, 4), low_half);
        for (std::size_t p = 0; p < kPlanes; ++p) {
          const __m256i of_low = _mm256_shuffle_epi8(weighted[p], _mm256_and_si256(low, low_planes[p]));
          const __m256i of_high = _mm256_shuffle_epi8(weighted[p], _mm256_and_si256(high, load_words(plane + (kPlanes + p) * next)));
          bytes[r] = _mm256_add_epi8(bytes[r], _mm256_add_epi8(of_low, of_high));
        }
      }
    }
    for (std::size_t r = 0; r < R; ++r) total[r] = _mm256_add_epi64(total[r], _mm256_sad_epu8(bytes[r], zero));
  }
  // Four sums of 64 bits for each row, of which 32 matter.
  const __m256i rows01 = _mm256_or_si256(total[0], _mm256_slli_epi64(total[1], 32)), rows23 = _mm256_or_si256(total[2], _mm256_slli_epi64(total[3], 32));
  const __m256i pairs = _mm256_add_epi32(_mm256_unpacklo_epi64(rows01, rows23), _mm256_unpackhi_epi64(rows01, rows23));
  return _mm_cvtepi32_ps(_mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1)));
}

template <std::size_t R, std::size_t kPlanes>
void some_bit_keys(const BitQuery& query, const std::byte* const* rows, float* keys) noexcept {
  const __m128 sums = plane_sums<R, kPlanes>(query, rows);
  __m128 tails[4];
  for (std::size_t r = 0; r < 4; ++r) tails[r] = _mm_loadu_ps(reinterpret_cast<const float*>(rows[r < R ? r : 0] + query.words * 8));
  _MM_TRANSPOSE4_PS(tails[0], tails[1], tails[2], tails[3]);  // term, scale, ones
  const __m128 ones = _mm_fmadd_ps(_mm_set1_ps(query.per_one), tails[2], _mm_set1_ps(query.offset));
  const __m128 product = _mm_fmadd_ps(_mm_set1_ps(query.per_sum), sums, ones);
  alignas(16) float some[4];
  _mm_store_ps(some, _mm_fmadd_ps(tails[1], product, _mm_add_ps(_mm_set1_ps(query.base), tails[0])));
  if constexpr (R == 4) _mm_storeu_ps(keys, _mm_load_ps(some));
  else for (std::size_t r = 0; r < R; ++r) keys[r] = some[r];
}

template <std::size_t kPlanes>
void keys_by_planes(const BitQuery& query, const std::byte* const* rows, std::size_t count, float* keys) noexcept {
  for (; count >= 4; count -= 4, rows += 4, keys += 4) some_bit_keys<4, kPlanes>(query, rows, keys);
  if (count == 3) some_bit_keys<3, kPlanes>(query, rows, keys);
  if (count == 2) some_bit_keys<2, kPlanes>(query, rows, keys);
  if (count == 1) some_bit_keys<1, kPlanes>(query, rows, keys);
}

void bit_keys(const BitQuery& query, const std::byte* const* rows, std::size_t count, float* keys) noexcept {
  query.plane_count == 3 ? keys_by_planes<3>(query, rows, count, keys) : keys_by_planes<4>(query, rows, count, keys);
}

void add_to(std::uint32_t sums[8], __m128i more) noexcept {
  auto* const to = reinterpret_cast<__m256i*>(sums);
  _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), _mm256_cvtepu16_epi32(more)));
}

// Two groups a register, each with its table in its own half. 8-bit sums of four (at most 240) go into 16-bit ones, which hold 512 groups.
void packed_sums(const std::uint8_t* tables, const std::byte* block, std::size_t groups, std::uint32_t sums[32]) noexcept {
  constexpr std::size_t kGroupsOf16Bits = 512;
  const __m256i low_half = _mm256_set1_epi8(15), low_byte = _mm256_set1_epi16(255);
  for (std::size_t row = 0; row < 32; ++row) sums[row] = 0;
  for (std::size_t begin = 0; begin < groups; begin += kGroupsOf16Bits) {
    const std::size_t end = groups - begin < kGroupsOf16Bits ? groups : begin + kGroupsOf16Bits;
    __m256i even[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};  // of rows 0–15, of rows 16–31
    __m256i odd[2] = {even[0], even[0]};
    for (std::size_t group = begin; group < end; group += 8) {
      __m256i few[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
      for (std::size_t i = 0; i < 8; i += 2) {
        const __m256i table = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tables + 16 * (group + i)));
        const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 16 * (group + i)));
        few[0] = _mm256_add_epi8(few[0], _mm256_shuffle_epi8(table, _mm256_and_si256(pairs, low_half)));
        few[1] = _mm256_add_epi8(few[1], _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(pairs, 4), low_half)));
      }
      for (std::size_t half = 0; half < 2; ++half) {
        even[half] = _mm256_add_epi16(even[half], _mm256_and_si256(few[half], low_byte));
        odd[half] = _mm256_add_epi16(odd[half], _mm256_srli_epi16(few[half], 8));
      }
    }
    for (std::size_t half = 0; half < 2; ++half) {  // both halves of a register hold the same rows, of groups in turn: at most 30,720 together
      const __m128i evens = _mm_add_epi16(_mm256_castsi256_si128(even[half]), _mm256_extracti128_si256(even[half], 1));
      const __m128i odds = _mm_add_epi16(_mm256_castsi256_si128(odd[half]), _mm256_extracti128_si256(odd[half], 1));
      add_to(sums + 16 * half, _mm_unpacklo_epi16(evens, odds));
      add_to(sums + 16 * half + 8, _mm_unpackhi_epi16(evens, odds));
    }
  }
}

std::int32_t dot_u4i8(const std::byte* a, const std::int8_t* b, std::size_t count) noexcept {
  const __m256i low_half = _mm256_set1_epi8(15);
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t block = 0; block < count; block += 128) {
    for (std::size_t i = 0; i < 64; i += 32) {
      const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + block / 2 + i));
      const __m256i low = _mm256_maddubs_epi16(_mm256_and_si256(pairs, low_half), load_codes(b + block + i));
      const __m256i high =
          _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(pairs, 4), low_half), load_codes(b + block + 64 + i));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(low, high), ones));  // 4·15·127 fits into 16 bits
    }
  }
  const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  const __m128i pair = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(pair, _mm_shuffle_epi32(pair, 0xB1)));
}

// Pairs at distance 1, 2 and 4: within one register.
__m256 hadamard8(__m256 x) noexcept {
  const __m256 sign1 = _mm256_setr_ps(0.0F, -0.0F, 0.0F, -0.0F, 0.0F, -0.0F, 0.0F, -0.0F);
  const __m256 sign2 = _mm256_setr_ps(0.0F, 0.0F, -0.0F, -0.0F, 0.0F, 0.0F, -0.0F, -0.0F);
  const __m256 sign4 = _mm256_setr_ps(0.0F, 0.0F, 0.0F, 0.0F, -0.0F, -0.0F, -0.0F, -0.0F);
  x = _mm256_add_ps(_mm256_permute_ps(x, 0xB1), _mm256_xor_ps(x, sign1));
  x = _mm256_add_ps(_mm256_permute_ps(x, 0x4E), _mm256_xor_ps(x, sign2));
  return _mm256_add_ps(_mm256_permute2f128_ps(x, x, 0x01), _mm256_xor_ps(x, sign4));
}

// Pairs at distance `half` and 2·half in one pass over the values.
void hadamard_two_steps(float* values, std::size_t count, std::size_t half) noexcept {
  for (std::size_t start = 0; start < count; start += 4 * half) {
    for (std::size_t i = start; i < start + half; i += 8) {
      const __m256 a = _mm256_loadu_ps(values + i);
      const __m256 b = _mm256_loadu_ps(values + i + half);
      const __m256 c = _mm256_loadu_ps(values + i + 2 * half);
      const __m256 d = _mm256_loadu_ps(values + i + 3 * half);
      const __m256 ab = _mm256_add_ps(a, b), a_b = _mm256_sub_ps(a, b);
      const __m256 cd = _mm256_add_ps(c, d), c_d = _mm256_sub_ps(c, d);
      _mm256_storeu_ps(values + i, _mm256_add_ps(ab, cd));
      _mm256_storeu_ps(values + i + half, _mm256_add_ps(a_b, c_d));
      _mm256_storeu_ps(values + i + 2 * half, _mm256_sub_ps(ab, cd));
      _mm256_storeu_ps(values + i + 3 * half, _mm256_sub_ps(a_b, c_d));
    }
  }
}

std::size_t marked_rows(const std::uint32_t* rows, std::size_t count, const std::uint64_t* bitmap, std::uint32_t bits, std::uint32_t* out,
                        bool& beyond) noexcept {
  const __m256i limit = _mm256_set1_epi32(static_cast<int>(bits)), one = _mm256_set1_epi32(1), low_bits = _mm256_set1_epi32(31);
  std::size_t marked = 0;
  for (std::size_t i = 0; i < count; i += 8) {
    const __m256i present = lanes_below(count - i < 8 ? count - i : 8);
    const __m256i row = _mm256_maskload_epi32(reinterpret_cast<const int*>(rows + i), present);
    const __m256i invalid = _mm256_cmpeq_epi32(_mm256_max_epu32(row, limit), row);
    const __m256i valid = _mm256_andnot_si256(invalid, present);
    beyond |= _mm256_testc_si256(valid, present) == 0;
    const __m256i word = _mm256_mask_i32gather_epi32(_mm256_setzero_si256(), reinterpret_cast<const int*>(bitmap), _mm256_srli_epi32(row, 5), valid, 4);
    const __m256i bit = _mm256_and_si256(word, _mm256_sllv_epi32(one, _mm256_and_si256(row, low_bits)));
    const __m256i clear = _mm256_cmpeq_epi32(bit, _mm256_setzero_si256());
    for (auto hits = ~static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(clear))) & 0xFFU; hits != 0; hits &= hits - 1)
      out[marked++] = rows[i + static_cast<std::size_t>(__builtin_ctz(hits))];
  }
  return marked;
}

}  // namespace

void hadamard_avx2(float* values, const float* signs, std::size_t count) noexcept {
  if (count < 8) return hadamard_scalar(values, signs, count);
  for (std::size_t i = 0; i < count; i += 8)
    _mm256_storeu_ps(values + i, hadamard8(_mm256_mul_ps(_mm256_loadu_ps(values + i), _mm256_loadu_ps(signs + i))));
  std::size_t half = 8;
  for (; 4 * half <= count; half *= 4) hadamard_two_steps(values, count, half);
  if (half == count) return;
  for (std::size_t i = 0; i < half; i += 8) {  // one step is left: halves of the whole
    const __m256 a = _mm256_loadu_ps(values + i);
    const __m256 b = _mm256_loadu_ps(values + i + half);
    _mm256_storeu_ps(values + i, _mm256_add_ps(a, b));
    _mm256_storeu_ps(values + i + half, _mm256_sub_ps(a, b));
  }
}

float largest_avx2(const float* values, std::size_t count) noexcept {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFF'FFFF));
  __m256 largest[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for (std::size_t i = 0; i < count; i += 16)
    for (std::size_t s = 0; s < 2; ++s) largest[s] = _mm256_max_ps(largest[s], _mm256_and_ps(magnitude, _mm256_loadu_ps(values + i + 8 * s)));
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, _mm256_max_ps(largest[0], largest[1]));
  float most = lanes[0];
  for (std::size_t i = 1; i < 8; ++i) most = lanes[i] > most ? lanes[i] : most;
  return most;
}

std::int32_t round_i8_avx2(const float* values, std::size_t count, float inverse_step, std::int8_t* rounded) noexcept {
  const __m256 steps = _mm256_set1_ps(inverse_step), half = _mm256_set1_ps(0.5F), sign = _mm256_set1_ps(-0.0F);
  const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);  // packing works within halves of a register
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t i = 0; i < count; i += 32) {
    __m256i whole[4];
    for (std::size_t s = 0; s < 4; ++s) {
      const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(values + i + 8 * s), steps);
      whole[s] = _mm256_cvttps_epi32(_mm256_add_ps(scaled, _mm256_or_ps(_mm256_and_ps(scaled, sign), half)));
      sum = _mm256_add_epi32(sum, whole[s]);
    }
    const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(whole[0], whole[1]), _mm256_packs_epi32(whole[2], whole[3]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(rounded + i), _mm256_permutevar8x32_epi32(bytes, in_order));
  }
  alignas(32) std::int32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sum);
  std::int32_t total = 0;
  for (const std::int32_t lane : lanes) total += lane;
  return total;
}

std::uint64_t bit_planes_avx2(const float* values, std::size_t count, float low, float inverse_step, std::uint64_t* planes,
                              std::size_t plane_count, std::size_t plane_words) noexcept {
  for (std::size_t i = 0; i < plane_count * plane_words; ++i) planes[i] = 0;
  const __m256 lows = _mm256_set1_ps(low);
  const __m256 steps = _mm256_set1_ps(inverse_step);
  const __m256 half = _mm256_set1_ps(0.5F);
  const auto rounded = [&](const float* from) {
    return _mm256_cvttps_epi32(_mm256_add_ps(_mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(from), lows), steps), half));
  };
  const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);  // packing works within halves of a register
  const __m256i most = _mm256_set1_epi8(static_cast<char>((1U << plane_count) - 1U));
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t i = 0; i < count; i += 32) {
    const __m256i low16 = _mm256_packs_epi32(rounded(values + i), rounded(values + i + 8));
    const __m256i high16 = _mm256_packs_epi32(rounded(values + i + 16), rounded(values + i + 24));
    const __m256i bytes = _mm256_min_epu8(_mm256_permutevar8x32_epi32(_mm256_packus_epi16(low16, high16), in_order),
                                          most);  // what is below 0 was packed as that
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
    for (std::size_t plane = 0; plane < plane_count; ++plane) {  // bit `plane` of each byte, moved to its top
      const auto bits = static_cast<std::uint32_t>(
          _mm256_movemask_epi8(_mm256_slli_epi16(bytes, static_cast<int>(7 - plane))));
      planes[plane * plane_words + i / 64] |= std::uint64_t{bits} << (i % 64);
    }
  }
  alignas(32) std::uint64_t parts[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(parts), sum);
  return parts[0] + parts[1] + parts[2] + parts[3];
}

std::size_t lowest_avx2(const float* values, std::size_t count) noexcept {
  __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m256i at = places;
  __m256 least = _mm256_min_ps(_mm256_loadu_ps(values), _mm256_set1_ps(std::numeric_limits<float>::infinity()));  // the second, if the first is no number
  for (std::size_t i = 8; i < count; i += 8) {
    const __m256 next = _mm256_loadu_ps(values + i);
    at = _mm256_add_epi32(at, _mm256_set1_epi32(8));
    const __m256 lower = _mm256_cmp_ps(next, least, _CMP_LT_OQ);
    least = _mm256_min_ps(next, least);
    places = _mm256_blendv_epi8(places, at, _mm256_castps_si256(lower));
  }
  __m128 lowest = _mm_min_ps(_mm256_castps256_ps128(least), _mm256_extractf128_ps(least, 1));
  lowest = _mm_min_ps(lowest, _mm_shuffle_ps(lowest, lowest, 0x4E));
  lowest = _mm_min_ps(lowest, _mm_shuffle_ps(lowest, lowest, 0xB1));
  const __m256 equal = _mm256_cmp_ps(least, _mm256_set_m128(lowest, lowest), _CMP_EQ_OQ);
  places = _mm256_blendv_epi8(_mm256_set1_epi32(std::numeric_limits<std::int32_t>::max()), places, _mm256_castps_si256(equal));
  __m128i first = _mm_min_epi32(_mm256_castsi256_si128(places), _mm256_extracti128_si256(places, 1));
  first = _mm_min_epi32(first, _mm_shuffle_epi32(first, 0x4E));
  first = _mm_min_epi32(first, _mm_shuffle_epi32(first, 0xB1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(first));
}

constinit const Kernels kAvx2Kernels{"avx2",             reduce1<Dot>, reduce1<SquaredL2>, reduce4<Dot>,
                                     reduce4<SquaredL2>, dot_i8,       bit_keys,           packed_sums, dot_u4i8,
                                     hadamard_avx2,      largest_avx2, round_i8_avx2, bit_planes_avx2,  marked_rows,
                                     lowest_avx2};

}  // namespace ndb::simd
