#include "shared/index/distance_key.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ndb::index {
namespace {

constexpr double kPlain = kMaxPlainKey;
// One doubling of the value is 1/512 of kPlain: the largest double ends near 2.8e38, inside float's range.
constexpr double kDoublings = 512.0;

float clamp_to_float(double value) noexcept {
  constexpr double kMax = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(value, -kMax, kMax)) + 0.0F;  // + 0 turns −0 into 0
}

}  // namespace

float key_from_double(double value) noexcept {
  if (std::isnan(value)) return std::numeric_limits<float>::max();
  const double magnitude = std::min(std::abs(value), std::numeric_limits<double>::max());
  if (magnitude <= kPlain) return static_cast<float>(value);
  return static_cast<float>(std::copysign(kPlain * (1.0 + std::log2(magnitude / kPlain) / kDoublings), value));
}

double double_from_key(float key) noexcept {
  const double magnitude = std::abs(static_cast<double>(key));
  if (magnitude <= kPlain) return key;
  return std::copysign(kPlain * std::exp2((magnitude / kPlain - 1.0) * kDoublings), key);
}

float score_from_key(float key, Distance distance) noexcept {
  switch (distance) {
    case Distance::cosine: return std::clamp(-key, -1.0F, 1.0F) + 0.0F;
    case Distance::dot: return clamp_to_float(-double_from_key(key));
    case Distance::euclidean: return clamp_to_float(std::sqrt(std::max(0.0, double_from_key(key))));
  }
  return 0.0F;
}

}  // namespace ndb::index
