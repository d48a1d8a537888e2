#include "shared/index/codes/rotation.hpp"

#include <bit>
#include <cmath>

#include "shared/index/random_bits.hpp"

namespace ndb::index {
namespace {

// Rounds transform the first and the last window in turn, so that all dimensions mix.
std::size_t window_start(std::size_t round, std::size_t dimensions, std::size_t window) noexcept {
  return round % 2 == 0 ? 0 : dimensions - window;
}

}  // namespace

Rotation::Rotation(std::size_t dimensions, std::uint64_t seed)
    : dimensions_(dimensions), window_(std::bit_floor(dimensions)), signs_(kRounds * dimensions), kernels_(&simd::kernels()) {
  const float scale = 1.0F / std::sqrt(static_cast<float>(window_));
  for (std::size_t round = 0; round < kRounds; ++round) {
    const std::size_t start = window_start(round, dimensions, window_);
    for (std::size_t i = 0; i < dimensions; ++i) {
      const bool inside = i >= start && i < start + window_;
      const bool negative = (mix_bits(seed + round * dimensions + i) >> 63) != 0;
      signs_[round * dimensions + i] = (negative ? -1.0F : 1.0F) * (inside ? scale : 1.0F);
    }
  }
}

void Rotation::apply(float* values) const noexcept {
  for (std::size_t round = 0; round < kRounds; ++round) {
    const float* signs = signs_.data() + round * dimensions_;
    const std::size_t start = window_start(round, dimensions_, window_);
    for (std::size_t i = 0; i < start; ++i) values[i] *= signs[i];
    for (std::size_t i = start + window_; i < dimensions_; ++i) values[i] *= signs[i];
    kernels_->hadamard(values + start, signs + start, window_);
  }
}

}  // namespace ndb::index
