// One bit a dimension: codes of vectors, a thirtieth of their bytes, whose distance to a query is estimated without bias and
// with a known error, so that a graph is walked on two cache lines a row and only what may be among the answers is
// compared on its full vector. Source: Gao and Long, "RaBitQ: quantizing high-dimensional vectors with a theoretical error
// bound", SIGMOD 2024.
//
// A vector x (of length 1 under cosine), less the centre, in units, rotated, is o; its code are the signs s of o. For a
// rotated query q, ⟨o, q⟩ is estimated as scale · ⟨s, q⟩ with scale = |o|² / ⟨s, o⟩. The query is rounded to 4 bits a dimension.
// Short vectors get more dimensions than they have: the error falls with the number of bits, whatever they belong to.
//
// Threads: immutable after construction; encode and prepare from any number of threads.
// Layout of a row: [words] uint64 signs, float32 term, scale, ones, error; a multiple of 64 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ndb/collection_config.hpp"
#include "shared/base/bytes.hpp"
#include "shared/index/aligned_buffer.hpp"
#include "shared/index/rotation.hpp"
#include "shared/index/vectors_view.hpp"
#include "shared/simd/kernels.hpp"

namespace ndb::index {

/// A query as bit codes are compared with it. One a thread, reused.
struct BitQueryBuffer {
  simd::BitQuery query;
  float length = 0.0F;                   ///< of what was rotated, in units: errors grow with it
  AlignedBuffer<float> rotated;
  AlignedBuffer<std::uint64_t> planes;
};

class BitCodec {
 public:
  /// centre: [dim], what is subtracted; unit: positive and finite.
  BitCodec(std::vector<float> centre, double unit, Distance distance, std::uint64_t seed);

  /// Bytes from one row to the next.
  [[nodiscard]] static std::size_t stride_bytes(std::uint32_t dim) noexcept {
    return static_cast<std::size_t>(base::round_up((std::size_t{dim} + 7) / 8 + kTailBytes, 64));
  }

  /// Codes vector [dim] into `row` [stride_bytes(dim)]. False if its numbers do not fit a float: such rows cannot be
  /// compared by codes.
  bool encode(const float* vector, std::byte* row) const noexcept;

  /// Makes query [dim] (of length 1 under cosine) ready for Kernels::bit_keys. False if its numbers do not fit.
  bool prepare(const float* query, BitQueryBuffer& buffer) const;

  /// An estimated key is the true one plus an error of this standard deviation.
  [[nodiscard]] float key_error(const std::byte* row, const BitQueryBuffer& buffer) const noexcept {
    return base::load<float>(row + tail_offset_ + 3 * sizeof(float)) * buffer.length;
  }
  /// The estimated key that stands for an exact one (distance_key.hpp).
  [[nodiscard]] double from_exact(float exact_key) const noexcept;

  [[nodiscard]] std::size_t dim() const noexcept { return centre_.size(); }
  [[nodiscard]] std::span<const float> centre() const noexcept { return centre_; }
  [[nodiscard]] double unit() const noexcept { return unit_; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] const simd::Kernels& kernels() const noexcept { return *kernels_; }

 private:
  struct Tail {
    float term = 0.0F;   // what the row adds to every key: |o|², nothing for dot
    float scale = 0.0F;
    float ones = 0.0F;   // how many signs are positive
    float error = 0.0F;  // standard deviation of a key for a query of length 1
  };
  static constexpr std::size_t kTailBytes = sizeof(Tail);

  // Fills `rotated` and returns the squared length.
  float rotate(const float* vector, float normalization, bool less_centre, float* rotated) const noexcept;

  std::vector<float> centre_;
  double unit_;
  Distance distance_;
  std::uint64_t seed_;
  std::size_t tail_offset_;
  Rotation rotation_;
  float weight_;              // of the product in a key: −2, or −1 for dot
  const simd::Kernels* kernels_;
};

/// How well codes order rows for rows of `vectors` as queries: the mean number of candidates that a walk must keep so
/// that the ten nearest are among them; 10 is perfect. rows: [vectors.rows · stride]. Looks at up to 50,000 rows.
[[nodiscard]] double candidates_for_ten(const VectorsView& vectors, const BitCodec& codec, const std::byte* rows);

}  // namespace ndb::index
