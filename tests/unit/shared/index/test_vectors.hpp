// Vectors for tests of the index, and a naive reference for its answers. Deterministic for a seed.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "shared/index/exact_scan.hpp"
#include "shared/index/hnsw_build.hpp"
#include "shared/index/hnsw_search.hpp"

namespace ndb::index::test {

/// Owns vectors and what a VectorsView needs besides.
class TestVectors {
 public:
  TestVectors(std::uint32_t dim, Distance distance, std::vector<float> values)
      : dim_(dim), distance_(distance), values_(std::move(values)) {
    for (Row row = 0; row < rows(); ++row) inverse_norms_.push_back(inverse_norm(vector(row)));
  }

  [[nodiscard]] Row rows() const { return static_cast<Row>(values_.size() / dim_); }
  [[nodiscard]] std::span<const float> vector(Row row) const { return std::span(values_).subspan(std::size_t{row} * dim_, dim_); }
  [[nodiscard]] VectorsView view() const {
    return {.data = reinterpret_cast<const std::byte*>(values_.data()),
            .stride_bytes = dim_ * sizeof(float),
            .rows = rows(),
            .dim = dim_,
            .distance = distance_,
            .inverse_norms = inverse_norms_.data()};
  }

 private:
  std::uint32_t dim_;
  Distance distance_;
  std::vector<float> values_;
  std::vector<float> inverse_norms_;
};

[[nodiscard]] inline std::vector<float> normal_values(std::size_t count, unsigned seed, float scale = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = scale * normal(random);
  return values;
}

/// Points around `clusters` centres, as embeddings are.
[[nodiscard]] inline std::vector<float> clustered_values(std::size_t rows, std::uint32_t dim, std::size_t clusters,
                                                         float spread, unsigned seed) {
  const auto centres = normal_values(clusters * dim, 99);  // the same for rows and queries
  auto values = normal_values(rows * dim, seed, spread);
  std::mt19937 random(seed + 1);
  std::uniform_int_distribution<std::size_t> cluster(0, clusters - 1);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t c = cluster(random);
    for (std::uint32_t i = 0; i < dim; ++i) values[row * dim + i] += centres[c * dim + i];
  }
  return values;
}

/// What a key stands for, in double arithmetic without any of the engine's code.
[[nodiscard]] inline double naive_value(std::span<const float> query, std::span<const float> vector, Distance distance) {
  double dot = 0.0;
  double l2 = 0.0;
  double qq = 0.0;
  double xx = 0.0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const double q = query[i];
    const double x = vector[i];
    dot += q * x;
    l2 += (q - x) * (q - x);
    qq += q * q;
    xx += x * x;
  }
  if (distance == Distance::euclidean) return l2;
  return distance == Distance::dot ? -dot : -dot / std::sqrt(qq * xx);
}

/// The nearest accepted rows by naive_value, ties by row.
template <class Accept>
[[nodiscard]] std::vector<Row> naive_nearest(const TestVectors& vectors, std::span<const float> query, std::size_t k,
                                             Accept&& accept) {
  std::vector<std::pair<double, Row>> all;
  for (Row row = 0; row < vectors.rows(); ++row)
    if (accept(row)) all.emplace_back(naive_value(query, vectors.vector(row), vectors.view().distance), row);
  std::sort(all.begin(), all.end());
  std::vector<Row> rows;
  for (std::size_t i = 0; i < std::min(k, all.size()); ++i) rows.push_back(all[i].second);
  return rows;
}

/// Share of the k nearest accepted rows that a search found; any row as near as the k-th, up to a relative tolerance, counts.
template <class Accept>
[[nodiscard]] double recall_of(const TestVectors& vectors, std::span<const float> query, std::size_t k, Accept&& accept,
                               std::span<const Candidate> found, double tolerance = 1e-6) {
  const auto nearest = naive_nearest(vectors, query, k, accept);
  if (nearest.empty()) return found.empty() ? 1.0 : 0.0;
  const Distance distance = vectors.view().distance;
  const double bound = naive_value(query, vectors.vector(nearest.back()), distance);
  std::size_t hits = 0;
  for (const Candidate& candidate : found)
    hits += naive_value(query, vectors.vector(candidate.row), distance) <= bound + tolerance * std::abs(bound) ? 1 : 0;
  return static_cast<double>(std::min(hits, nearest.size())) / static_cast<double>(nearest.size());
}

struct Recall {
  double mean = 0.0;
  double lowest = 1.0;
};

/// Recall of graph searches over `queries` ([n · dim] values).
template <class Accept>
[[nodiscard]] Recall graph_recall(const TestVectors& vectors, const HnswView& graph, std::span<const float> queries,
                                  HnswSearchParams params, Accept&& accept, double tolerance = 1e-6) {
  const std::uint32_t dim = vectors.view().dim;
  const std::size_t count = queries.size() / dim;
  SearchScratch scratch;
  SearchStats stats;
  Recall recall;
  for (std::size_t q = 0; q < count; ++q) {
    const auto query = queries.subspan(q * dim, dim);
    TopK<> top(params.k);
    search(graph, vectors.view(), PreparedQuery(query, vectors.view().distance), params, accept, scratch, top, stats);
    const double one = recall_of(vectors, query, params.k, accept, top.take(), tolerance);
    recall.mean += one;
    recall.lowest = std::min(recall.lowest, one);
  }
  recall.mean /= static_cast<double>(count);
  return recall;
}

/// A built graph with its bytes.
struct BuiltGraph {
  std::vector<std::byte> bytes;
  HnswView view;
};

[[nodiscard]] inline BuiltGraph build(const TestVectors& vectors, const HnswBuildParams& params = {},
                                      const ReusedGraph* reused = nullptr) {
  auto bytes = build_hnsw(vectors.view(), params, reused).value();
  auto view = HnswView::open(bytes).value();
  return {std::move(bytes), std::move(view)};
}

}  // namespace ndb::index::test
