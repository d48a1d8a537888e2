#include "bench/filter/attributes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace ndb::bench {
namespace {

std::size_t nearest_centre(const Matrix& base, std::size_t row, const std::vector<std::size_t>& centres) {
  std::size_t best = 0;
  float best_distance = 0.0F;
  for (std::size_t i = 0; i < centres.size(); ++i) {
    const float *a = base.row(row), *b = base.row(centres[i]);
    float distance = 0.0F;
    for (std::size_t d = 0; d < base.dim; ++d) distance += (a[d] - b[d]) * (a[d] - b[d]);
    if (i > 0 && distance >= best_distance) continue;
    best = i;
    best_distance = distance;
  }
  return best;
}

std::string keywords(std::uint32_t rank, std::size_t rows) {
  std::string list;
  for (const double percent : kPercents)
    if (static_cast<double>(rank) < percent / 100.0 * static_cast<double>(rows)) list += fmt::format("{}\"{}\"", list.empty() ? "" : ",", percent_name(percent));
  return list;
}

}  // namespace

std::string percent_name(double percent) { return fmt::format("{:g}", percent); }

Attributes make_attributes(const Matrix& base, std::size_t clusters) {
  std::mt19937_64 random(4711);
  std::vector<std::uint32_t> order(base.rows);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::shuffle(order, random);
  Attributes attributes{.random_rank = std::vector<std::uint32_t>(base.rows), .cluster_rank = std::vector<std::uint32_t>(base.rows)};
  for (std::uint32_t rank = 0; rank < order.size(); ++rank) attributes.random_rank[order[rank]] = rank;
  const std::vector<std::size_t> centres(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(std::min(clusters, base.rows)));
  std::vector<std::size_t> cluster(base.rows);
  for (std::size_t row = 0; row < base.rows; ++row) cluster[row] = nearest_centre(base, row, centres);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t row) { return cluster[row]; });
  for (std::uint32_t rank = 0; rank < order.size(); ++rank) attributes.cluster_rank[order[rank]] = rank;
  return attributes;
}

std::string payload_of(const Attributes& attributes, std::size_t row) {
  const auto random = attributes.random_rank[row], cluster = attributes.cluster_rank[row];
  const auto rows = attributes.random_rank.size();
  return fmt::format(R"({{"r":{},"c":{},"b":"b{}","rin":[{}],"cin":[{}]}})", random, cluster, random % 20, keywords(random, rows),
                     keywords(cluster, rows));
}

}  // namespace ndb::bench
