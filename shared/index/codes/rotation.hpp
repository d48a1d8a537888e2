// A fixed random rotation of vectors into a space of more dimensions, in O(n log n): signs and Walsh–Hadamard transforms in
// turn, over the first and over the last 2^k dimensions. Rotated, every vector looks like Gaussian noise, whatever its
// own dimensions mean, which is what makes one bit a dimension enough (codes/bit_codec.hpp).
// Source: Ailon and Chazelle, "The fast Johnson–Lindenstrauss transform", 2009; windows for sizes that are no power of two.
//
// Threads: immutable after construction.
// Invariant: lengths and products of vectors are kept, up to rounding. The same seed gives the same rotation on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shared/simd/kernels.hpp"

namespace ndb::index {

class Rotation {
 public:
  /// dimensions: of the rotated vectors, a multiple of 64.
  Rotation(std::size_t dimensions, std::uint64_t seed);

  /// Rotates `values` [dimensions] in place; the caller has filled it with a vector and zeros behind it.
  void apply(float* values) const noexcept;

  [[nodiscard]] std::size_t dimensions() const noexcept { return dimensions_; }

 private:
  static constexpr std::size_t kRounds = 4;

  std::size_t dimensions_;
  std::size_t window_;         // the largest power of two that fits
  std::vector<float> signs_;   // [rounds · dimensions] ±1, in a round's window times 1/√window
  const simd::Kernels* kernels_;
};

}  // namespace ndb::index
