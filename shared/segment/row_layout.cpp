#include "shared/segment/row_layout.hpp"

#include <initializer_list>

namespace ndb::segment {

std::uint32_t row_stride_bytes(std::uint32_t dim) noexcept {
  const std::uint32_t bytes = dim * static_cast<std::uint32_t>(sizeof(float));
  for (const std::uint32_t alignment : {64U, 32U, 16U}) {
    const std::uint32_t padded = (bytes + alignment - 1) / alignment * alignment;
    if (padded - bytes <= bytes / 16) return padded;
  }
  return bytes;
}

}  // namespace ndb::segment
