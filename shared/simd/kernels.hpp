// Distance kernels: one table of functions per instruction set, chosen once for the CPU that runs this.
//
// Threads: tables are immutable; every function is pure.
// Invariants: within one table, dot4 and l2_4 give exactly the bits of four calls of dot and l2 (same order of additions),
// so that a query's answer does not depend on being part of a batch. Between tables results differ by rounding.
// No function reads past `dim` elements, except dot_i8 (see there). Nothing needs to be aligned; the fast paths are
// fastest when the query is 64-byte aligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ndb::simd {

/// Bits of what a query's elements may be rounded to for 1-bit codes: 3 or 4.
inline constexpr std::size_t kMostPlanes = 4;

/// A query made ready to be compared with 1-bit code rows (shared/index/codes/bit_codec.hpp). A row is `words` words of 64 bits,
/// then four floats: term, scale, ones (how many bits are set) and one that the kernels pass over.
struct BitQuery {
  /// [2 · plane_count · plane_words] bit p of each dimension's value for p < plane_count, then the same with each word shifted right by four
  /// bits, for those that look half bytes up; 64-byte aligned.
  const std::uint64_t* planes = nullptr;
  std::size_t plane_count = kMostPlanes;
  std::size_t words = 0;                  ///< of a code: two less than a multiple of 8
  std::size_t plane_words = 0;            ///< words, rounded up to 8; what is beyond `words` is zero
  float base = 0.0F;                      ///< key = base + term + scale · (offset + per_one · ones + per_sum · sum)
  float offset = 0.0F;
  float per_one = 0.0F;
  float per_sum = 0.0F;                   ///< sum: of the values where the row's bit is set
};

struct Kernels {
  const char* name;  ///< "scalar", "avx2", "avx512" or "neon"

  /// Σ a[i]·b[i] over [dim] floats; infinite or NaN where float32 overflows.
  float (*dot)(const float* a, const float* b, std::size_t dim) noexcept;
  /// Σ (a[i] − b[i])² over [dim] floats; infinite where float32 overflows.
  float (*l2)(const float* a, const float* b, std::size_t dim) noexcept;
  /// dot and l2 of four queries with one row: out[q] for queries[q].
  void (*dot4)(const float* const queries[4], const float* row, std::size_t dim, float out[4]) noexcept;
  void (*l2_4)(const float* const queries[4], const float* row, std::size_t dim, float out[4]) noexcept;

  /// Σ a[i]·b[i] over [dim] codes in [−127, 127], exact for dim ≤ 131,072. Both arrays must be readable up to the next
  /// multiple of 64 elements; what stands there is ignored, and so is the effect of the value −128 (any result).
  std::int32_t (*dot_i8)(const std::int8_t* a, const std::int8_t* b, std::size_t dim) noexcept;

  /// keys[i] of rows[i] for i < count; rows are 8-byte aligned. The sums are exact, so tables differ by the rounding of the
  /// last few additions only, and a key does not depend on its batch.
  void (*bit_keys)(const BitQuery& query, const std::byte* const* rows, std::size_t count, float* keys) noexcept;
  /// The same for 32 rows side by side (shared/index/codes/packed_codes.hpp): sums[r] = Σ over g < groups of tables[16·g + n], n being four bits
  /// of row r: byte r % 16 of the 16 at block + 16·g, its low half for r < 16, its high half otherwise. groups: a multiple of 32; table
  /// entries are at most 60; exact. Both arrays are 16-byte aligned.
  void (*packed_sums)(const std::uint8_t* tables, const std::byte* block, std::size_t groups, std::uint32_t sums[32]) noexcept;
  /// Σ a[i]·b[i] over `count` elements, a multiple of 128: a holds 4-bit values 0–15, byte i of each 64 bytes elements i (low
  /// half) and i + 64 (high half) of 128; b int8 in [−127, 127].
  std::int32_t (*dot_u4i8)(const std::byte* a, const std::int8_t* b, std::size_t count) noexcept;
  /// In place, the Walsh–Hadamard transform of values[i] · signs[i] for i < count, a power of two, unscaled.
  void (*hadamard)(float* values, const float* signs, std::size_t count) noexcept;
  /// The largest magnitude of `count` finite floats, a multiple of 64.
  float (*largest)(const float* values, std::size_t count) noexcept;
  /// Rounds values[i] · inverse_step, which must lie in (−127.5, 127.5), to int8, halves away from zero; returns the sum of the rounded values. count: a
  /// multiple of 64.
  std::int32_t (*round_i8)(const float* values, std::size_t count, float inverse_step, std::int8_t* rounded) noexcept;
  /// Rounds (values[i] − low) · inverse_step, of a magnitude below 10⁹, to the nearest of 0 … 2^plane_count − 1 and spreads that over
  /// plane_count (3 or 4) planes of plane_words words each, all of them written; returns the sum of the rounded values. count: a multiple of 64.
  std::uint64_t (*bit_planes)(const float* values, std::size_t count, float low, float inverse_step, std::uint64_t* planes,
                              std::size_t plane_count, std::size_t plane_words) noexcept;
  /// Copies those of rows[0 … count) whose bits are set in `bitmap` of `bits` bits to `out`, in their order, and returns how many. Rows ≥ bits
  /// are left out and set `beyond`. out has room for count + 16 rows, of which any may be written; it may not overlap rows.
  std::size_t (*marked_rows)(const std::uint32_t* rows, std::size_t count, const std::uint64_t* bitmap, std::uint32_t bits, std::uint32_t* out,
                             bool& beyond) noexcept;
  /// The place of the first lowest of `count` floats, a multiple of 8 and at least 8. What is not a number is passed over; if nothing is below
  /// infinity, any place.
  std::size_t (*lowest)(const float* values, std::size_t count) noexcept;
};

/// The fastest table for this CPU, or the one that the environment variable NDB_SIMD names if the CPU has it.
[[nodiscard]] const Kernels& kernels() noexcept;

/// Every table this CPU can run, slowest (scalar) first.
[[nodiscard]] std::vector<const Kernels*> usable_kernels();

/// Starts loading the first `bytes` bytes at `from` into the caches. A hint: any address is allowed.
inline void prefetch(const void* from, std::size_t bytes) noexcept {
  const char* line = static_cast<const char*>(from);
  for (std::size_t offset = 0; offset < bytes; offset += 64) __builtin_prefetch(line + offset, 0, 3);
  // GCC takes a prefetch for no effect, and leaves out calls of functions that do nothing else. This is one, and costs nothing.
  asm volatile("" : : "r"(from));
}

}  // namespace ndb::simd
