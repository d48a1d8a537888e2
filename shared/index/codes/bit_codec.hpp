// One bit a dimension: codes of vectors, a thirtieth of their bytes, whose distance to a query is estimated without bias and
// with a known error, so that a graph is walked on two cache lines a row and only what may be among the answers is
// compared on its full vector. Between the two stand, for long vectors, refined codes of four bits a dimension: an eighth of
// the bytes, a seventh of the error. Sources: Gao and Long, "RaBitQ: quantizing high-dimensional vectors with a theoretical
// error bound", SIGMOD 2024; Gao et al., "Practical and asymptotically optimal quantization…", SIGMOD 2025 (more bits).
//
// A vector x (of length 1 under cosine), less the centre, in units, rotated, is o; its code v are the signs of o, or its
// elements in 16 steps. For a rotated query q, ⟨o, q⟩ is estimated as scale · ⟨v, q⟩ with scale = |o|² / ⟨v, o⟩. The query is
// rounded to 4 bits a dimension for 1-bit codes, to 3 where refined codes make up for it, to 8 for refined ones.
// Short vectors get more dimensions than they have: the error falls with the number of bits, whatever they belong to.
//
// Threads: immutable after construction; encode and prepare from any number of threads.
// Layout of a row: [words] uint64 signs, float32 term, scale, ones, error; a multiple of 64 bytes. Of a refined row: 4-bit
// values as Kernels::dot_u4i8 reads them, float32 term, scale, error, zero; a multiple of 64 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ndb/collection_config.hpp"
#include "shared/base/bytes.hpp"
#include "shared/index/aligned_buffer.hpp"
#include "shared/index/codes/rotation.hpp"
#include "shared/index/vectors_view.hpp"
#include "shared/simd/kernels.hpp"

namespace ndb::index {

/// A query as codes are compared with it. One a thread, reused.
struct BitQueryBuffer {
  simd::BitQuery query;
  float length = 0.0F;                   ///< of what was rotated, in units: errors grow with it
  float rounded_length = 0.0F;           ///< the same, and more for what rounding adds to the errors of 1-bit codes
  float weight = 0.0F;                   ///< of the product in a key
  AlignedBuffer<float> rotated;
  AlignedBuffer<std::uint64_t> planes;
  AlignedBuffer<std::int8_t> values;     ///< the same in 8 bits, for refined codes
  float value_step = 0.0F;
  float refined_offset = 0.0F;           ///< what ⟨v, q⟩ lacks because values count from 0
};

class BitCodec {
 public:
  /// centre: [dim], what is subtracted; unit: positive and finite.
  BitCodec(std::vector<float> centre, double unit, Distance distance, std::uint64_t seed);

  /// Bytes from one row to the next.
  [[nodiscard]] static std::size_t stride_bytes(std::uint32_t dim) noexcept {
    return static_cast<std::size_t>(base::round_up((std::size_t{dim} + 7) / 8 + kTailBytes, 64));
  }
  [[nodiscard]] static std::size_t refined_stride_bytes(std::uint32_t dim) noexcept {
    return static_cast<std::size_t>(base::round_up((stride_bytes(dim) - kTailBytes) * 4 + kTailBytes, 64));
  }

  /// Codes vector [dim] into `row` [stride_bytes(dim)] and, unless null, `refined` [refined_stride_bytes(dim)]. False if its
  /// numbers do not fit a float: such rows cannot be compared by codes.
  bool encode(const float* vector, std::byte* row, std::byte* refined) const noexcept;
  /// For a vector whose numbers do not fit: a code whose estimated key is below every other, so that a scan looks at the vector itself.
  void encode_nearest(std::byte* row) const noexcept;

  /// Makes query [dim] (of length 1 under cosine) ready for Kernels::bit_keys, and with `refine` for refined_key. False if
  /// its numbers do not fit.
  bool prepare(const float* query, bool refine, BitQueryBuffer& buffer) const;

  /// Both for one vector [dim], whose code goes into `row` and which is compared with others: rotated once. Not for dot. False if its numbers do not fit.
  bool encode_and_prepare(const float* vector, std::byte* row, BitQueryBuffer& buffer) const;

  /// An estimated key is the true one plus an error of this standard deviation.
  [[nodiscard]] float key_error(const std::byte* row, const BitQueryBuffer& buffer) const noexcept {
    return base::load<float>(row + tail_offset_ + 3 * sizeof(float)) * buffer.rounded_length;
  }
  /// The key estimated from a refined row, and its error.
  [[nodiscard]] float refined_key(const std::byte* refined, const BitQueryBuffer& buffer) const noexcept {
    const std::size_t count = rotation_.dimensions();
    const auto tail = base::load<RefinedTail>(refined + count / 2);
    const auto product = static_cast<float>(kernels_->dot_u4i8(refined, buffer.values.data(), count));
    return buffer.query.base + tail.term + weight_ * tail.scale * (buffer.value_step * product - buffer.refined_offset);
  }
  [[nodiscard]] float refined_error(const std::byte* refined, const BitQueryBuffer& buffer) const noexcept {
    return base::load<RefinedTail>(refined + rotation_.dimensions() / 2).error * buffer.length;
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
  struct RefinedTail {
    float term = 0.0F;
    float scale = 0.0F;
    float error = 0.0F;
    float zero = 0.0F;
  };
  static constexpr std::size_t kTailBytes = sizeof(Tail);
  static_assert(sizeof(RefinedTail) == kTailBytes);

  // Fills `rotated` and returns the squared length.
  float rotate(const float* vector, float normalization, bool less_centre, float* rotated) const noexcept;
  bool encode_signs(const float* rotated, float length2, std::byte* row) const noexcept;
  bool encode_refined(const float* rotated, float length2, std::byte* refined) const noexcept;
  void make_room(BitQueryBuffer& buffer) const;
  // Of buffer.rotated and its squared length; returns the largest magnitude.
  float prepare_rotated(float length2, BitQueryBuffer& buffer) const;
  void prepare_refined(BitQueryBuffer& buffer, float largest) const;
  [[nodiscard]] float error_of(double code_length2, double scale, float length2) const noexcept;

  std::vector<float> centre_;
  double unit_;
  Distance distance_;
  std::uint64_t seed_;
  std::size_t tail_offset_;
  Rotation rotation_;
  float weight_;              // of the product in a key: −2, or −1 for dot
  const simd::Kernels* kernels_;
};

}  // namespace ndb::index
