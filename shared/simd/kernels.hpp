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
};

/// The fastest table for this CPU, or the one that the environment variable NDB_SIMD names if the CPU has it.
[[nodiscard]] const Kernels& kernels() noexcept;

/// Every table this CPU can run, slowest (scalar) first.
[[nodiscard]] std::vector<const Kernels*> usable_kernels();

/// Starts loading the first `bytes` bytes at `from` into the caches. A hint: any address is allowed.
inline void prefetch(const void* from, std::size_t bytes) noexcept {
  const char* line = static_cast<const char*>(from);
  for (std::size_t offset = 0; offset < bytes; offset += 64) __builtin_prefetch(line + offset, 0, 3);
}

}  // namespace ndb::simd
