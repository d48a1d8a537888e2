// How a row of float32 is laid out, in segments and memtables. Threads: plain functions.
#pragma once

#include <cstdint>

namespace ndb::segment {

/// Bytes from one row to the next: dim * 4, padded to a cache line (or a part of one) where that costs at most 1/16.
[[nodiscard]] std::uint32_t row_stride_bytes(std::uint32_t dim) noexcept;

}  // namespace ndb::segment
