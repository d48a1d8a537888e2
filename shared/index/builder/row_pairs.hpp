// The distance of two rows of one set of vectors, as building a graph needs it: on the vectors, or on their codes.
//
// Threads: immutable.
// Invariants: key(a, b) equals key(b, a) up to rounding and is finite; keys of one RowPairs compare with each other only.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>

#include "shared/index/codes/codec.hpp"
#include "shared/index/prepared_query.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::index {

template <class T>
concept RowPairs = requires(const T pairs, Row row) {
  { pairs.key(row, row) } -> std::convertible_to<float>;
  pairs.prefetch(row);
};

class VectorPairs {
 public:
  explicit VectorPairs(const VectorsView& vectors) : vectors_(&vectors), kernels_(&simd::kernels()) {}

  [[nodiscard]] float key(Row a, Row b) const {
    const float* x = vectors_->vector(a);
    const float* y = vectors_->vector(b);
    float key = 0.0F;
    if (vectors_->distance == Distance::euclidean) key = kernels_->l2(x, y, vectors_->dim);
    else key = -kernels_->dot(x, y, vectors_->dim);
    if (vectors_->distance == Distance::cosine) key *= vectors_->inverse_norms[a] * vectors_->inverse_norms[b];
    const float magnitude = std::abs(key);
    if (magnitude >= kMinPlainKey && magnitude <= kMaxPlainKey) [[likely]] return key;
    if (key == 0.0F && vectors_->distance != Distance::euclidean) return key;
    return PreparedQuery({x, vectors_->dim}, vectors_->distance).key(*vectors_, b);
  }
  void prefetch(Row row) const noexcept {
    simd::prefetch(vectors_->address(row), std::min<std::size_t>(vectors_->stride_bytes, 256));
  }

 private:
  const VectorsView* vectors_;
  const simd::Kernels* kernels_;
};

class CodePairs {
 public:
  /// codes: [rows · stride] of codec.
  CodePairs(const Codec& codec, const std::byte* codes)
      : codec_(&codec), codes_(codes), stride_(Codec::stride_bytes(static_cast<std::uint32_t>(codec.dim()))) {}

  [[nodiscard]] float key(Row a, Row b) const noexcept { return codec_->key(codes_ + a * stride_, codes_ + b * stride_); }
  void prefetch(Row row) const noexcept { simd::prefetch(codes_ + row * stride_, std::min<std::size_t>(stride_, 1024)); }

 private:
  const Codec* codec_;
  const std::byte* codes_;
  std::size_t stride_;
};

/// The distance of rows to one row: a RowDistance for walks.
template <RowPairs Pairs>
class FromRow {
 public:
  FromRow(const Pairs& pairs, Row row) : pairs_(&pairs), row_(row) {}
  [[nodiscard]] float key(Row other) const { return pairs_->key(row_, other); }
  void prefetch(Row other) const noexcept { pairs_->prefetch(other); }

 private:
  const Pairs* pairs_;
  Row row_;
};

}  // namespace ndb::index
