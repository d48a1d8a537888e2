// Numbers of other types to float32, refusing what does not fit. Threads: pure functions.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace ndb::io {

/// NaN if the value is beyond float32 (or was NaN), so that one check finds everything that is not finite.
[[nodiscard]] inline float to_float(double value) noexcept {
  constexpr double limit = 0x1.ffffffp127;  // from here on a double rounds to infinity
  return std::abs(value) < limit ? static_cast<float>(value) : std::numeric_limits<float>::quiet_NaN();
}

/// IEEE 754 binary16.
[[nodiscard]] inline float half_to_float(std::uint16_t half) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1fU;
  const std::uint32_t mantissa = half & 0x3ffU;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24, exact in float32
    const float value = static_cast<float>(mantissa) * 0x1p-24F;
    return sign == 0 ? value : -value;
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000U | (mantissa << 13U));
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23U) | (mantissa << 13U));
}

}  // namespace ndb::io
