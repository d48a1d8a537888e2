#include "shared/index/prepared_query.hpp"

#include <array>
#include <cstring>

namespace ndb::index {
namespace {

// In several sums, whose additions do not wait for each other; the same ones on every CPU.
double dot_product(std::span<const float> a, std::span<const float> b) noexcept {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  for (; i < a.size(); ++i) sums[i % kLanes] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

double squared_l2(std::span<const float> a, std::span<const float> b) noexcept {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

float inverse_norm(std::span<const float> vector) noexcept {
  const double norm = std::sqrt(dot_product(vector, vector));
  return norm > 0.0 ? static_cast<float>(1.0 / norm) : 0.0F;
}

PreparedQuery::PreparedQuery(std::span<const float> query, Distance distance)
    : values_(query.size()), distance_(distance), kernels_(&simd::kernels()) {
  double scale = 1.0;
  if (distance == Distance::cosine) {
    const double norm = std::sqrt(dot_product(query, query));
    scale = norm > 0.0 ? 1.0 / norm : 0.0;
  }
  for (std::size_t i = 0; i < query.size(); ++i)
    values_[i] = static_cast<float>(static_cast<double>(query[i]) * scale);
}

void PreparedQuery::key4(const std::array<const PreparedQuery*, 4>& queries, const VectorsView& vectors, Row row,
                         std::array<float, 4>& keys) noexcept {
  const PreparedQuery& first = *queries[0];
  const std::array<const float*, 4> data{first.data(), queries[1]->data(), queries[2]->data(), queries[3]->data()};
  const bool euclidean = first.distance_ == Distance::euclidean;
  (euclidean ? first.kernels_->l2_4 : first.kernels_->dot4)(data.data(), vectors.vector(row), first.dim(), keys.data());
  for (std::size_t q = 0; q < 4; ++q) keys[q] = queries[q]->finish(keys[q], vectors, row);
}

float PreparedQuery::key_in_double(const float* vector, Distance distance) const noexcept {
  const std::span<const float> row(vector, dim());
  if (distance == Distance::euclidean) {
    if (std::memcmp(data(), vector, row.size_bytes()) == 0) return 0.0F;  // the usual reason to come here
    return key_from_double(squared_l2(values_.span(), row));
  }
  const double dot = dot_product(values_.span(), row);
  if (distance == Distance::dot) return key_from_double(-dot);
  const double norm = std::sqrt(dot_product(row, row));
  return norm > 0.0 ? key_from_double(-dot / norm) : 0.0F;
}

}  // namespace ndb::index
