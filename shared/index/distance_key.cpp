#include "shared/index/distance_key.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ndb::index {
namespace {

// One doubling beyond a bound is 1/1024 of that bound: the largest double becomes 1.9e38, the smallest 1e-31, both inside
// the range of float.
constexpr double kDoublings = 1024.0;

double to_log_scale(double magnitude, double bound) noexcept {
  return bound * (1.0 + std::log2(magnitude / bound) / kDoublings);
}
double from_log_scale(double magnitude, double bound) noexcept {
  return bound * std::exp2((magnitude / bound - 1.0) * kDoublings);
}

float clamp_to_float(double value) noexcept {
  constexpr double kMax = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(value, -kMax, kMax)) + 0.0F;  // + 0 turns −0 into 0
}

}  // namespace

float key_from_double(double value) noexcept {
  if (std::isnan(value)) return std::numeric_limits<float>::max();
  double magnitude = std::min(std::abs(value), std::numeric_limits<double>::max());
  if (magnitude > kMaxPlainKey) magnitude = to_log_scale(magnitude, kMaxPlainKey);
  if (magnitude > 0.0 && magnitude < kMinPlainKey) magnitude = to_log_scale(magnitude, kMinPlainKey);
  return static_cast<float>(std::copysign(magnitude, value));
}

double double_from_key(float key) noexcept {
  double magnitude = std::abs(static_cast<double>(key));
  if (magnitude > kMaxPlainKey) magnitude = from_log_scale(magnitude, kMaxPlainKey);
  if (magnitude > 0.0 && magnitude < kMinPlainKey) magnitude = from_log_scale(magnitude, kMinPlainKey);
  return std::copysign(magnitude, key);
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
