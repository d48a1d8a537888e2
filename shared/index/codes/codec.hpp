// 8-bit codes of vectors, for walking the graph: a quarter of the bytes of float32, so a quarter of the memory traffic,
// which is what bounds a search. Results are re-ranked on the full vectors.
//
// A vector (of length 1 under cosine) is coded as c = round((x − centre) / (unit · scale)), one scale a row, so that rows of
// very different size keep their precision. Coded vectors are compared with each other: for near neighbours the error of
// that difference is much smaller than that of a product of one exact and one coded vector.
//
// Threads: immutable after construction; encode and key from any number of threads.
// Layout of a code row: [dim] int8 codes, padding to 4, float32 scale, float32 term, padding to 64 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/index/aligned_buffer.hpp"
#include "shared/index/vectors_view.hpp"
#include "shared/simd/kernels.hpp"

namespace ndb::index {

class Codec {
 public:
  /// centre: [dim], what is subtracted; unit: positive and finite.
  Codec(std::vector<float> centre, double unit, Distance distance);

  /// Centre and unit from up to 10,000 of the vectors.
  [[nodiscard]] static Codec train(const VectorsView& vectors);

  /// Bytes from one code row to the next.
  [[nodiscard]] static std::size_t stride_bytes(std::uint32_t dim) noexcept {
    return static_cast<std::size_t>(base::round_up(header_offset(dim) + kHeaderBytes, 64));
  }

  /// Codes vector [dim] into `code` [stride_bytes(dim)]. False if scale or term do not fit a float: such rows cannot be
  /// compared by codes.
  bool encode(const float* vector, std::byte* code) const noexcept;

  /// The estimated key of two code rows, smaller is nearer; only comparable with other results of this function. Both are
  /// readable for stride_bytes.
  [[nodiscard]] float key(const std::byte* a, const std::byte* b) const noexcept {
    const Header x = base::load<Header>(a + header_offset_);
    const Header y = base::load<Header>(b + header_offset_);
    const auto dot = static_cast<float>(kernels_->dot_i8(codes(a), codes(b), dim()));
    return constant_ + x.term + y.term - weight_ * x.scale * y.scale * dot;
  }

  [[nodiscard]] std::size_t dim() const noexcept { return centre_.size(); }
  [[nodiscard]] std::span<const float> centre() const noexcept { return centre_; }
  [[nodiscard]] double unit() const noexcept { return unit_; }

 private:
  struct Header {
    float scale = 0.0F;  // of the codes, in units
    float term = 0.0F;   // what the row adds to every key: its squared length (L2), or −centre·residual (dot)
  };
  static constexpr std::size_t kHeaderBytes = sizeof(Header);

  [[nodiscard]] static std::size_t header_offset(std::size_t dim) noexcept {
    return static_cast<std::size_t>(base::round_up(dim, 4));
  }
  [[nodiscard]] static const std::int8_t* codes(const std::byte* row) noexcept {
    return reinterpret_cast<const std::int8_t*>(row);
  }

  [[nodiscard]] float subtract_centre(const float* vector, std::span<float> residuals) const noexcept;
  [[nodiscard]] double centre_product(const std::byte* code) const noexcept;

  std::vector<float> centre_;
  std::vector<double> scaled_centre_;  // in units
  double unit_;
  Distance distance_;
  std::size_t header_offset_;
  float weight_;    // of the product: 2 for L2, 1 for dot
  float constant_;  // −|centre|² for dot
  const simd::Kernels* kernels_;
};

}  // namespace ndb::index
