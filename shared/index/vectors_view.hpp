// Vectors where they are: mapped from a segment, or in a chunk of the memtable.
//
// Threads: a plain view; reading from any number of threads.
// Invariants: `data` holds rows·stride_bytes readable bytes and is 4-byte aligned, stride_bytes is a multiple of 4 and at
// least 4·dim; all of it outlives the view. Vectors stand as they were inserted, not normalized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ndb/collection_config.hpp"
#include "ndb/types.hpp"
#include "shared/format/block_verifier.hpp"

namespace ndb::index {

struct VectorsView {
  const std::byte* data = nullptr;
  std::size_t stride_bytes = 0;
  Row rows = 0;
  std::uint32_t dim = 0;
  Distance distance = Distance::cosine;
  const float* inverse_norms = nullptr;             ///< [rows] inverse_norm(vector); only cosine reads it, which needs it
  const format::BlockVerifier* verifier = nullptr;  ///< of `data`; null: the bytes are trusted. Ask it for damage() at the end

  /// The vector of `row` < rows, [dim], checked by the verifier (whose verdict the caller asks for at the end).
  [[nodiscard]] const float* vector(Row row) const noexcept {
    const std::size_t offset = row * stride_bytes;
    if (verifier != nullptr) (void)verifier->ensure(offset, std::size_t{dim} * sizeof(float));
    return reinterpret_cast<const float*>(data + offset);
  }
  /// Where `row` stands, unchecked: for prefetching.
  [[nodiscard]] const std::byte* address(Row row) const noexcept { return data + row * stride_bytes; }
};

/// 1/|vector|, computed in double; infinite for vectors too short for that, 0 for a zero vector. What
/// VectorsView::inverse_norms holds.
[[nodiscard]] float inverse_norm(std::span<const float> vector) noexcept;

}  // namespace ndb::index
