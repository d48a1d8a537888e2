// Attributes for rows of a data set: a rank that is random, and one by which rows of one cluster follow one another; so any share of the
// rows can be asked for, scattered or in whole clusters. Threads: plain values.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "bench/search/data_set.hpp"

namespace ndb::bench {

/// Percent of the rows that the keywords of `rin` and `cin` stand for.
inline constexpr std::array kPercents{0.01, 0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 90.0, 100.0};
[[nodiscard]] std::string percent_name(double percent);

struct Attributes {
  std::vector<std::uint32_t> random_rank, cluster_rank;  // [rows], each a permutation
};

/// clusters: rows go to the nearest of so many of them.
[[nodiscard]] Attributes make_attributes(const Matrix& base, std::size_t clusters);
/// {"r": rank, "c": rank, "b": "b<r modulo 20>", "rin": ["50", …], "cin": […]}
[[nodiscard]] std::string payload_of(const Attributes& attributes, std::size_t row);

}  // namespace ndb::bench
