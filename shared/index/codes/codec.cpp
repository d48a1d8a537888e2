#include "shared/index/codes/codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>


namespace ndb::index {
namespace {

constexpr float kMostCode = 127.0F;
constexpr double kMostTerm = 1e36;  // sums and products of a few terms stay finite
constexpr Row kTrainingRows = 10'000;

double norm_of(const float* vector, std::size_t dim) noexcept {
  std::array<double, 4> sum{};  // several sums, so that additions need not wait for each other
  for (std::size_t i = 0; i < dim; ++i) sum[i % 4] += static_cast<double>(vector[i]) * static_cast<double>(vector[i]);
  return std::sqrt((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

// What a vector is multiplied with before it is coded.
double normalization(const float* vector, std::size_t dim, Distance distance) noexcept {
  if (distance != Distance::cosine) return 1.0;
  const double norm = norm_of(vector, dim);
  return norm > 0.0 ? 1.0 / norm : 0.0;
}

std::vector<float> mean_of(const VectorsView& vectors, Row step) {
  std::vector<double> sum(vectors.dim, 0.0);
  double count = 0.0;
  for (std::uint64_t row = 0; row < vectors.rows; row += step, ++count) {
    const float* vector = vectors.vector(static_cast<Row>(row));
    const double scale = normalization(vector, vectors.dim, vectors.distance);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += scale * static_cast<double>(vector[i]);
  }
  std::vector<float> mean(vectors.dim);
  for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = static_cast<float>(sum[i] / count);
  return mean;
}

// Root of the mean squared distance from the centre.
double spread_of(const VectorsView& vectors, Row step, std::span<const float> centre) {
  double sum = 0.0;
  double count = 0.0;
  for (std::uint64_t row = 0; row < vectors.rows; row += step, ++count) {
    const float* vector = vectors.vector(static_cast<Row>(row));
    const double scale = normalization(vector, vectors.dim, vectors.distance);
    for (std::size_t i = 0; i < centre.size(); ++i) {
      const double residual = scale * static_cast<double>(vector[i]) - static_cast<double>(centre[i]);
      sum += residual * residual;
    }
  }
  return std::sqrt(sum / count);
}

// Writes the codes and returns the sum of their squares.
std::int32_t round_codes(std::span<const float> residuals, float inverse, std::int8_t* codes) noexcept {
  std::int32_t squares = 0;
  for (std::size_t i = 0; i < residuals.size(); ++i) {
    const float scaled = residuals[i] * inverse;
    const auto code = static_cast<std::int32_t>(scaled + std::copysign(0.5F, scaled));  // |scaled| ≤ 127 up to rounding
    codes[i] = static_cast<std::int8_t>(code);
    squares += code * code;
  }
  return squares;
}

}  // namespace

Codec::Codec(std::vector<float> centre, double unit, Distance distance)
    : centre_(std::move(centre)),
      unit_(unit),
      distance_(distance),
      header_offset_(header_offset(centre_.size())),
      weight_(distance == Distance::dot ? 1.0F : 2.0F),
      constant_(0.0F),
      kernels_(&simd::kernels()) {
  for (const float value : centre_) scaled_centre_.push_back(static_cast<double>(value) / unit_);
  if (distance == Distance::dot) {
    const double norm = norm_of(centre_.data(), centre_.size()) / unit_;
    constant_ = static_cast<float>(-norm * norm);
  }
}

Codec Codec::train(const VectorsView& vectors) {
  const Row step = std::max<Row>(1, vectors.rows / kTrainingRows);
  std::vector<float> centre = mean_of(vectors, step);
  const double spread = spread_of(vectors, step, centre);
  const bool usable = std::isfinite(spread) && spread > 0.0;
  return {std::move(centre), usable ? spread : 1.0, vectors.distance};
}

bool Codec::encode(const float* vector, std::byte* code) const noexcept {
  thread_local std::vector<float> residuals;
  residuals.resize(dim());
  std::fill(code, code + stride_bytes(static_cast<std::uint32_t>(dim())), std::byte{0});
  const float largest = subtract_centre(vector, residuals);
  if (!std::isfinite(largest)) return false;
  constexpr float kFlat = 1e-36F;  // below, a row is the centre, as far as codes can tell
  const float scale = largest > kFlat ? largest / kMostCode : 0.0F;
  const float inverse = largest > kFlat ? kMostCode / largest : 0.0F;
  const std::int32_t squares = round_codes(residuals, inverse, reinterpret_cast<std::int8_t*>(code));
  const double length2 = static_cast<double>(scale) * static_cast<double>(scale) * squares;
  const double term = distance_ == Distance::dot ? -static_cast<double>(scale) * centre_product(code) : length2;
  base::store(code + header_offset_, Header{scale, static_cast<float>(term)});
  return length2 < kMostTerm && std::abs(term) < kMostTerm && std::abs(static_cast<double>(constant_)) < kMostTerm;
}

// Returns the largest magnitude; NaN or infinite if any residual is.
float Codec::subtract_centre(const float* vector, std::span<float> residuals) const noexcept {
  const double factor = normalization(vector, dim(), distance_) / unit_;
  std::int32_t largest = 0;  // magnitudes of floats order like their bits, and integers vectorize
  for (std::size_t i = 0; i < residuals.size(); ++i) {
    const auto residual = static_cast<float>(static_cast<double>(vector[i]) * factor - scaled_centre_[i]);
    residuals[i] = residual;
    largest = std::max(largest, std::bit_cast<std::int32_t>(residual) & 0x7FFF'FFFF);
  }
  return std::bit_cast<float>(largest);
}

// Σ centre·code, in units.
double Codec::centre_product(const std::byte* code) const noexcept {
  std::array<double, 4> sum{};
  for (std::size_t i = 0; i < dim(); ++i) sum[i % 4] += scaled_centre_[i] * static_cast<double>(codes(code)[i]);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

}  // namespace ndb::index
