// A query made ready: an aligned copy, normalized for cosine, that computes exact distance keys of rows.
//
// Threads: immutable after construction; share freely.
// Invariants: the key of a row depends on query, vector and CPU only, not on batching (see simd::Kernels); it is never NaN
// or infinite, whatever the vectors hold.
#pragma once

#include <array>
#include <cmath>
#include <span>

#include "shared/index/aligned_buffer.hpp"
#include "shared/index/distance_key.hpp"
#include "shared/index/vectors_view.hpp"
#include "shared/simd/kernels.hpp"

namespace ndb::index {

class PreparedQuery {
 public:
  /// query: [dim] finite values, not all zero under cosine (the caller has checked that).
  PreparedQuery(std::span<const float> query, Distance distance);

  /// The distance key of `row` < vectors.rows. `vectors` has this query's dim and distance.
  [[nodiscard]] float key(const VectorsView& vectors, Row row) const noexcept {
    const float* vector = vectors.vector(row);
    const bool euclidean = distance_ == Distance::euclidean;
    return finish((euclidean ? kernels_->l2 : kernels_->dot)(data(), vector, dim()), vectors, row);
  }

  /// The keys of `row` for four queries of equal dim and distance; the same bits as four calls of key().
  static void key4(const std::array<const PreparedQuery*, 4>& queries, const VectorsView& vectors, Row row,
                   std::array<float, 4>& keys) noexcept;

  /// The query as it is compared: [dim] floats, 64-byte aligned, of length 1 under cosine.
  [[nodiscard]] const float* data() const noexcept { return values_.data(); }
  [[nodiscard]] std::size_t dim() const noexcept { return values_.size(); }
  [[nodiscard]] Distance distance() const noexcept { return distance_; }

 private:
  // What the kernel returned, turned into a key; redone in double where float32 overflowed or underflowed.
  [[nodiscard]] float finish(float raw, const VectorsView& vectors, Row row) const noexcept {
    float key = raw;
    if (distance_ == Distance::dot) key = -raw;
    if (distance_ == Distance::cosine) key = -raw * vectors.inverse_norms[row];
    const float magnitude = std::abs(key);
    const bool plain = magnitude >= kMinPlainKey || (key == 0.0F && distance_ == Distance::dot) || distance_ == Distance::cosine;
    if (plain && magnitude <= kMaxPlainKey) [[likely]] return key;
    return key_in_double(vectors.vector(row), distance_);
  }
  [[gnu::noinline]] float key_in_double(const float* vector, Distance distance) const noexcept;

  AlignedBuffer<float> values_;
  Distance distance_;
  const simd::Kernels* kernels_;
};

}  // namespace ndb::index
