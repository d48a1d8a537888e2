#include "shared/index/codes/bit_codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "shared/index/distance_key.hpp"

namespace ndb::index {
namespace {

constexpr float kMostLength2 = 1e36F;  // sums and products of a few terms stay finite
// Best for a normal distribution, by its standard deviation. Source: Max, "Quantizing for minimum distortion", 1960.
constexpr float kStepOf16 = 0.335F;
constexpr float kStepOf8 = 0.586F;
// Rounding a query to 16 steps is off by a variance of 0.0115, to 8 by 0.037, of which a code of signs passes on π/2; by itself it has π/2 − 1.
constexpr float kErrorWith16 = 1.016F;
constexpr float kErrorWith8 = 1.05F;
// From here on there are refined codes: what a coarser query puts a little too far back is still among the candidates that they rank again.
constexpr std::size_t kMinDimFor8 = 256;
constexpr double kMiddle = 7.5;             // of 16 values

}  // namespace

BitCodec::BitCodec(std::vector<float> centre, double unit, Distance distance, std::uint64_t seed)
    : centre_(std::move(centre)),
      unit_(unit),
      distance_(distance),
      seed_(seed),
      tail_offset_(stride_bytes(static_cast<std::uint32_t>(centre_.size())) - kTailBytes),
      rotation_(tail_offset_ * 8, seed),
      weight_(distance == Distance::dot ? -1.0F : -2.0F),
      kernels_(&simd::kernels()) {}

// In float32: what does not fit makes the length infinite, and the caller then does without codes.
float BitCodec::rotate(const float* vector, float normalization, bool less_centre, float* rotated) const noexcept {
  const auto inverse_unit = static_cast<float>(1.0 / unit_);
  if (less_centre) {
    for (std::size_t i = 0; i < dim(); ++i) rotated[i] = (vector[i] * normalization - centre_[i]) * inverse_unit;
  } else {
    for (std::size_t i = 0; i < dim(); ++i) rotated[i] = vector[i] * inverse_unit;
  }
  std::fill(rotated + dim(), rotated + rotation_.dimensions(), 0.0F);
  const float length2 = kernels_->dot(rotated, rotated, dim());
  if (length2 < kMostLength2) rotation_.apply(rotated);
  return length2;
}

bool BitCodec::encode(const float* vector, std::byte* row, std::byte* refined) const noexcept {
  thread_local AlignedBuffer<float> rotated;
  if (rotated.size() < rotation_.dimensions()) rotated = AlignedBuffer<float>(rotation_.dimensions());
  const float normalization = distance_ == Distance::cosine ? inverse_norm({vector, dim()}) : 1.0F;
  const float length2 = rotate(vector, normalization, true, rotated.data());
  if (!(length2 < kMostLength2)) return false;
  if (refined != nullptr && !encode_refined(rotated.data(), length2, refined)) return false;
  return encode_signs(rotated.data(), length2, row);
}

// ⟨o, q⟩ is off by what q has in common with the part of v that is not along o, a random direction for it.
float BitCodec::error_of(double code_length2, double scale, float length2) const noexcept {
  const double variance = std::max(0.0, code_length2 * scale * scale - static_cast<double>(length2));
  return static_cast<float>(std::sqrt(variance / static_cast<double>(rotation_.dimensions() - 1))) * std::abs(weight_);
}

bool BitCodec::encode_signs(const float* rotated, float length2, std::byte* row) const noexcept {
  constexpr std::size_t kLanes = 8;  // without branches, in several sums: the compiler makes vectors of it
  const std::size_t bits = rotation_.dimensions();
  std::array<double, kLanes> sums{};
  std::uint32_t ones = 0;
  for (std::size_t i = 0; i < bits; i += kLanes) {
    std::uint32_t byte = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += static_cast<double>(std::abs(rotated[i + lane]));
      byte |= static_cast<std::uint32_t>(rotated[i + lane] > 0.0F) << lane;
    }
    row[i / 8] = static_cast<std::byte>(byte);
    ones += static_cast<std::uint32_t>(std::popcount(byte));
  }
  const double absolute = std::accumulate(sums.begin(), sums.end(), 0.0);  // ⟨v, o⟩
  const double scale = absolute > 0.0 ? static_cast<double>(length2) / absolute : 0.0;
  base::store(row + tail_offset_, Tail{.term = distance_ == Distance::dot ? 0.0F : length2,
                                       .scale = static_cast<float>(scale),
                                       .ones = static_cast<float>(ones),
                                       .error = error_of(static_cast<double>(bits), scale, length2)});
  return std::isfinite(static_cast<float>(scale));
}

void BitCodec::encode_nearest(std::byte* row) const noexcept {
  std::fill(row, row + tail_offset_ + kTailBytes, std::byte{0});
  base::store(row + tail_offset_, Tail{.term = -std::numeric_limits<float>::infinity()});
}

bool BitCodec::encode_refined(const float* rotated, float length2, std::byte* refined) const noexcept {
  const std::size_t count = rotation_.dimensions();
  std::fill(refined, refined + refined_stride_bytes(static_cast<std::uint32_t>(dim())), std::byte{0});
  const float step = kStepOf16 * std::sqrt(length2 / static_cast<float>(count));
  const float inverse_step = step > 1e-30F ? 1.0F / step : 0.0F;
  double product = 0.0;   // ⟨v, o⟩
  double length_v2 = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const float value = std::clamp(std::floor(rotated[i] * inverse_step) + 8.0F, 0.0F, 15.0F);
    const double element = static_cast<double>(value) - kMiddle;
    product += element * static_cast<double>(rotated[i]);
    length_v2 += element * element;
    const std::size_t within = i % 128;
    refined[i / 128 * 64 + within % 64] |= static_cast<std::byte>(static_cast<unsigned>(value) << (within < 64 ? 0 : 4));
  }
  const double scale = product > 0.0 ? static_cast<double>(length2) / product : 0.0;
  base::store(refined + count / 2, RefinedTail{.term = distance_ == Distance::dot ? 0.0F : length2,
                                               .scale = static_cast<float>(scale),
                                               .error = error_of(length_v2, scale, length2)});
  return std::isfinite(static_cast<float>(scale));
}

void BitCodec::make_room(BitQueryBuffer& buffer) const {
  const std::size_t bits = rotation_.dimensions();
  if (buffer.rotated.size() == bits) return;
  buffer.rotated = AlignedBuffer<float>(bits);
  buffer.planes = AlignedBuffer<std::uint64_t>(2 * simd::kMostPlanes * base::round_up(bits / 64, 8));
  buffer.values = AlignedBuffer<std::int8_t>(bits);
}

float BitCodec::prepare_rotated(float length2, BitQueryBuffer& buffer) const {
  const std::size_t bits = rotation_.dimensions();
  const std::size_t plane_words = base::round_up(bits / 64, 8);
  const bool product = distance_ == Distance::dot;
  const float* const rotated = buffer.rotated.data();
  const float largest = kernels_->largest(rotated, bits);
  // What is beyond the steps is rounded to the last; where nothing is, they may as well be smaller.
  const bool coarse = dim() >= kMinDimFor8;
  const std::size_t plane_count = coarse ? 3 : 4;
  const float most = coarse ? 7.0F : 15.0F;
  const float step = std::min((coarse ? kStepOf8 : kStepOf16) * std::sqrt(length2 / static_cast<float>(bits)), 2.0F * largest / most);
  const float least = -step * most / 2.0F;
  const float inverse_step = step > 1e-30F ? 1.0F / step : 0.0F;
  const auto sum = static_cast<float>(
      kernels_->bit_planes(rotated, bits, least, inverse_step, buffer.planes.data(), plane_count, plane_words));
  const std::size_t words = plane_count * plane_words;
  for (std::size_t i = 0; i < words; ++i) buffer.planes.data()[words + i] = buffer.planes.data()[i] >> 4;
  buffer.length = std::sqrt(length2);
  buffer.rounded_length = (coarse ? kErrorWith8 : kErrorWith16) * buffer.length;
  buffer.weight = weight_;
  buffer.query.planes = buffer.planes.data();
  buffer.query.plane_count = plane_count;
  buffer.query.words = bits / 64;
  buffer.query.plane_words = plane_words;
  // ⟨v, q⟩ = 2 · Σ q where v is positive − Σ q, with q = least + step · value.
  buffer.query.base = product ? 0.0F : length2;
  buffer.query.offset = -weight_ * (static_cast<float>(bits) * least + step * sum);
  buffer.query.per_one = weight_ * 2.0F * least;
  buffer.query.per_sum = weight_ * 2.0F * step;
  return largest;
}

bool BitCodec::prepare(const float* query, bool refine, BitQueryBuffer& buffer) const {
  make_room(buffer);
  const bool product = distance_ == Distance::dot;
  const float length2 = rotate(query, 1.0F, !product, buffer.rotated.data());
  if (!(length2 < kMostLength2)) return false;
  const float largest = prepare_rotated(length2, buffer);
  if (refine) prepare_refined(buffer, largest);
  if (!product) return true;
  double centre = 0.0;  // ⟨centre, q⟩
  for (std::size_t i = 0; i < dim(); ++i) centre += static_cast<double>(query[i]) / unit_ * (static_cast<double>(centre_[i]) / unit_);
  buffer.query.base = static_cast<float>(-centre);
  return std::abs(centre) < static_cast<double>(kMostLength2);
}

bool BitCodec::encode_and_prepare(const float* vector, std::byte* row, BitQueryBuffer& buffer) const {
  make_room(buffer);
  const float normalization = distance_ == Distance::cosine ? inverse_norm({vector, dim()}) : 1.0F;
  const float length2 = rotate(vector, normalization, true, buffer.rotated.data());
  if (!(length2 < kMostLength2) || !encode_signs(buffer.rotated.data(), length2, row)) return false;
  prepare_rotated(length2, buffer);
  return true;
}

void BitCodec::prepare_refined(BitQueryBuffer& buffer, float largest) const {
  const std::size_t count = rotation_.dimensions();
  const float step = largest / 127.0F;
  const float inverse_step = step > 1e-30F ? 1.0F / step : 0.0F;
  const std::int32_t sum = kernels_->round_i8(buffer.rotated.data(), count, inverse_step, buffer.values.data());  // up to 127, and rounding
  buffer.value_step = step;
  buffer.refined_offset = static_cast<float>(kMiddle) * step * static_cast<float>(sum);
}

double BitCodec::from_exact(float exact_key) const noexcept {
  const double value = double_from_key(exact_key);
  const double in_units = 1.0 / unit_ / unit_;
  return distance_ == Distance::cosine ? 2.0 * (value + 1.0) * in_units : value * in_units;
}

}  // namespace ndb::index
