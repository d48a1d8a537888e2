#include "shared/index/prepared_query.hpp"

namespace ndb::index {
namespace {

double squared_norm(std::span<const float> vector) noexcept {
  double sum = 0.0;
  for (const float value : vector) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

}  // namespace

float inverse_norm(std::span<const float> vector) noexcept {
  const double norm = std::sqrt(squared_norm(vector));
  return norm > 0.0 ? static_cast<float>(1.0 / norm) : 0.0F;
}

PreparedQuery::PreparedQuery(std::span<const float> query, Distance distance)
    : values_(query.size()), distance_(distance), kernels_(&simd::kernels()) {
  double scale = 1.0;
  if (distance == Distance::cosine) {
    const double norm = std::sqrt(squared_norm(query));
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

float PreparedQuery::key_in_double(const float* vector) const noexcept {
  double dot = 0.0;
  double l2 = 0.0;
  double norm = 0.0;
  for (std::size_t i = 0; i < dim(); ++i) {
    const double q = values_[i];
    const double x = vector[i];
    dot += q * x;
    l2 += (q - x) * (q - x);
    norm += x * x;
  }
  switch (distance_) {
    case Distance::euclidean: return key_from_double(l2);
    case Distance::dot: return key_from_double(-dot);
    case Distance::cosine: return norm == 0.0 ? 0.0F : key_from_double(-dot / std::sqrt(norm));
  }
  return 0.0F;
}

}  // namespace ndb::index
