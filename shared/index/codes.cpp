#include "shared/index/codes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "shared/index/prepared_query.hpp"
#include "shared/index/top_k.hpp"

namespace ndb::index {
namespace {

constexpr double kMostCode = 127.0;
constexpr double kMostTerm = 1e36;  // sums and products of a few terms stay finite
constexpr Row kTrainingRows = 10'000;

double norm_of(const float* vector, std::size_t dim) noexcept {
  double sum = 0.0;
  for (std::size_t i = 0; i < dim; ++i) sum += static_cast<double>(vector[i]) * static_cast<double>(vector[i]);
  return std::sqrt(sum);
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

}  // namespace

Codec::Codec(std::vector<float> centre, double unit, Distance distance)
    : centre_(std::move(centre)),
      unit_(unit),
      distance_(distance),
      header_offset_(header_offset(centre_.size())),
      weight_(distance == Distance::dot ? 1.0F : 2.0F),
      constant_(0.0F),
      kernels_(&simd::kernels()) {
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
  const double scale_in = normalization(vector, dim(), distance_);
  const auto residual = [&](std::size_t i) {
    return (static_cast<double>(vector[i]) * scale_in - static_cast<double>(centre_[i])) / unit_;
  };
  double largest = 0.0;
  for (std::size_t i = 0; i < dim(); ++i) largest = std::max(largest, std::abs(residual(i)));
  const double scale = largest / kMostCode;
  const double inverse = scale > 0.0 ? 1.0 / scale : 0.0;
  double squares = 0.0;   // Σ code²
  double products = 0.0;  // Σ centre·code
  for (std::size_t i = 0; i < dim(); ++i) {
    const double rounded = std::clamp(std::nearbyint(residual(i) * inverse), -kMostCode, kMostCode);
    code[i] = static_cast<std::byte>(static_cast<std::int8_t>(rounded));
    squares += rounded * rounded;
    products += rounded * static_cast<double>(centre_[i]);
  }
  const double term = distance_ == Distance::dot ? -scale * products / unit_ : scale * scale * squares;
  std::fill(code + dim(), code + stride_bytes(static_cast<std::uint32_t>(dim())), std::byte{0});
  base::store(code + header_offset_, Header{static_cast<float>(scale), static_cast<float>(term)});
  return scale * scale * squares < kMostTerm && std::abs(term) < kMostTerm && std::abs(constant_) < kMostTerm;
}

namespace {

constexpr std::size_t kNearest = 10;         // the true neighbours …
constexpr std::size_t kAmong = 15;           // … that must be among so many by code order
constexpr std::size_t kSampledQueries = 40;
constexpr Row kSampledRows = 50'000;
constexpr double kGoodEnough = 0.97;

// How many of the kNearest best rows the code order finds for the vector of `row` itself.
std::size_t found_by_codes(const VectorsView& vectors, const Codec& codec, const std::byte* codes, Row row, Row step) {
  const std::size_t stride = Codec::stride_bytes(vectors.dim);
  const PreparedQuery query({vectors.vector(row), vectors.dim}, vectors.distance);
  TopK<> exact(kNearest);
  TopK<> estimated(kAmong);
  for (std::uint64_t i = 0; i < vectors.rows; i += step) {
    if (i == row) continue;
    const Row other = static_cast<Row>(i);
    exact.push(query.key(vectors, other), other);
    estimated.push(codec.key(codes + row * stride, codes + i * stride), other);
  }
  const auto best = exact.take();
  std::size_t found = 0;
  for (const Candidate& candidate : estimated.take())
    found += !best.empty() && query.key(vectors, candidate.row) <= best.back().key ? 1 : 0;
  return found >= best.size() ? kNearest : found;  // ties may find more, few rows less
}

}  // namespace

bool codes_rank_well(const VectorsView& vectors, const Codec& codec, const std::byte* codes) {
  const Row step = std::max<Row>(1, vectors.rows / kSampledRows);
  const std::size_t queries = std::min<std::size_t>(kSampledQueries, vectors.rows);
  std::size_t found = 0;
  for (std::size_t i = 0; i < queries; ++i) {
    const auto row = static_cast<Row>(std::uint64_t{vectors.rows} * i / queries);
    found += found_by_codes(vectors, codec, codes, row, step);
  }
  return static_cast<double>(found) >= kGoodEnough * static_cast<double>(queries * kNearest);
}

}  // namespace ndb::index
