// The 1-bit codes of all rows of a graph under construction, and one row's distance to others by them: a BatchDistance for walks.
//
// Threads: immutable; each thread prepares a buffer of its own.
#pragma once

#include <cstddef>

#include "shared/index/codes/bit_codec.hpp"
#include "shared/index/prepared_query.hpp"

namespace ndb::index {

class BitRows {
 public:
  /// rows: [vectors.rows · BitCodec::stride_bytes(dim)] of codec.
  BitRows(const VectorsView& vectors, const BitCodec& codec, const std::byte* rows)
      : vectors_(&vectors), codec_(&codec), rows_(rows), stride_(BitCodec::stride_bytes(vectors.dim)) {}

  /// Makes a row the query. False if its numbers do not fit.
  bool prepare(Row row, BitQueryBuffer& buffer) const {
    const PreparedQuery query({vectors_->vector(row), vectors_->dim}, vectors_->distance);
    return codec_->prepare(query.data(), false, buffer);
  }
  [[nodiscard]] const std::byte* address(Row row) const noexcept { return rows_ + row * stride_; }
  [[nodiscard]] std::size_t stride() const noexcept { return stride_; }
  [[nodiscard]] const simd::Kernels& kernels() const noexcept { return codec_->kernels(); }

 private:
  const VectorsView* vectors_;
  const BitCodec* codec_;
  const std::byte* rows_;
  std::size_t stride_;
};

class FromRowBits {
 public:
  FromRowBits(const BitRows& rows, const BitQueryBuffer& prepared) : rows_(&rows), query_(&prepared.query) {}
  [[nodiscard]] float key(Row other) const noexcept {
    const std::byte* code = address(other);
    float key = 0.0F;
    keys(&code, 1, &key);
    return key;
  }
  [[nodiscard]] const simd::Kernels& kernels() const noexcept { return rows_->kernels(); }
  void prefetch(Row other) const noexcept { prefetch_code(address(other)); }
  [[nodiscard]] const std::byte* address(Row other) const noexcept { return rows_->address(other); }
  void prefetch_code(const std::byte* code) const noexcept { simd::prefetch(code, rows_->stride()); }
  void keys(const std::byte* const* codes, std::size_t count, float* keys) const noexcept {
    rows_->kernels().bit_keys(*query_, codes, count, keys);
  }

 private:
  const BitRows* rows_;
  const simd::BitQuery* query_;
};

}  // namespace ndb::index
