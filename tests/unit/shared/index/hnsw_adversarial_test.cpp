// Data that graphs are known to break on.
#include <random>

#include "shared/index/hnsw_search.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

constexpr Distance kDistances[] = {Distance::cosine, Distance::dot, Distance::euclidean};

// tolerance: how much farther than the true k-th a row may be, where thousands are nearly equally far.
double recall(const TestVectors& vectors, std::span<const float> queries, std::uint32_t ef = 64, double tolerance = 1e-6) {
  const auto graph = test::build(vectors);
  CHECK(graph.view.verify().has_value());
  return test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = ef}, AcceptAll{}, tolerance).mean;
}

TEST_CASE("one row, two rows and three rows are found") {
  for (const Distance distance : kDistances) {
    for (const std::size_t rows : {1UL, 2UL, 3UL}) {
      const TestVectors vectors(5, distance, test::normal_values(5 * rows, 61));
      CHECK(recall(vectors, test::normal_values(5UL * 10, 62)) == 1.0);
    }
  }
}

TEST_CASE("rows that are all equal are all found") {
  for (const Distance distance : kDistances) {
    const TestVectors vectors(40, distance, std::vector<float>(40UL * 500, 0.5F));
    const auto graph = test::build(vectors);
    SearchScratch scratch;
    SearchStats stats;
    TopK<> top(500);
    search(graph.view, vectors.view(), PreparedQuery(vectors.vector(0), distance), {.k = 500}, AcceptAll{}, scratch, top, stats);
    const auto found = top.take();
    REQUIRE(found.size() == 500);
    for (Row row = 0; row < 500; ++row) CHECK(found[row].row == row);  // ties by row
  }
}

TEST_CASE("two points with a thousand copies each") {
  auto values = std::vector<float>(16UL * 2000, 1.0F);
  std::fill(values.begin(), values.begin() + 16 * 1000, -1.0F);
  const TestVectors vectors(16, Distance::euclidean, values);
  CHECK(recall(vectors, test::normal_values(16UL * 20, 63)) == 1.0);
}

TEST_CASE("nine of ten rows are copies of one, and the others are still found") {
  for (const Distance distance : kDistances) {
    CAPTURE(distance_name(distance));
    const std::uint32_t dim = 48;
    auto values = test::normal_values(dim * 4000UL, 64);
    for (std::size_t row = 0; row < 4000; ++row)
      if (row % 10 != 3) std::copy_n(values.begin() + 3 * dim, dim, values.begin() + static_cast<std::ptrdiff_t>(row * dim));
    CHECK(recall(TestVectors(dim, distance, values), test::normal_values(dim * 40UL, 65)) >= 0.95);
  }
}

TEST_CASE("near copies, equal as codes, do not swallow the graph") {
  const std::uint32_t dim = 48;
  auto values = test::normal_values(dim * 3000UL, 66);
  const auto jitter = test::normal_values(dim * 3000UL, 67, 1e-5F);
  for (std::size_t row = 0; row < 2500; ++row)
    for (std::size_t i = 0; i < dim; ++i) values[row * dim + i] = values[i] + (row == 0 ? 0.0F : jitter[row * dim + i]);
  CHECK(recall(TestVectors(dim, Distance::euclidean, values), test::normal_values(dim * 40UL, 68), 128, 1e-4) >= 0.85);
}

TEST_CASE("one-hot vectors, all equally far from each other") {
  const std::uint32_t dim = 256;
  std::vector<float> values(dim * 256UL, 0.0F);
  for (std::size_t row = 0; row < 256; ++row) values[row * dim + row] = 1.0F;
  for (const Distance distance : kDistances) {
    CAPTURE(distance_name(distance));
    const TestVectors vectors(dim, distance, values);
    const auto graph = test::build(vectors);
    for (Row row = 0; row < 256; row += 5) {
      SearchScratch scratch;
      SearchStats stats;
      TopK<> top(1);
      search(graph.view, vectors.view(), PreparedQuery(vectors.vector(row), distance), {.k = 1, .ef = 256}, AcceptAll{},
             scratch, top, stats);
      CHECK(top.take().at(0).row == row);
    }
  }
}

TEST_CASE("data of every scale, huge and tiny norms, keeps its recall") {
  for (const Distance distance : {Distance::cosine, Distance::euclidean}) {
    for (const float scale : {1e-30F, 1e-12F, 1e-3F, 1e3F, 1e12F, 1e30F}) {
      CAPTURE(distance_name(distance), scale);
      auto values = test::normal_values(40UL * 2000, 69);
      auto queries = test::normal_values(40UL * 30, 70);
      for (float& value : values) value *= scale;
      for (float& value : queries) value *= scale;
      CHECK(recall(TestVectors(40, distance, values), queries, 128) >= 0.95);
    }
  }
}

TEST_CASE("norms that differ by ten orders of magnitude within one segment") {
  const std::uint32_t dim = 40;
  auto values = test::normal_values(dim * 2000UL, 71);
  for (std::size_t row = 0; row < 2000; ++row)
    for (std::size_t i = 0; i < dim; ++i) values[row * dim + i] *= std::pow(10.0F, static_cast<float>(row % 11) - 5.0F);
  CHECK(recall(TestVectors(dim, Distance::cosine, values), test::normal_values(dim * 30UL, 72), 128) >= 0.95);
  std::vector<float> queries;
  for (std::size_t row = 0; row < 2000; row += 67)
    for (std::size_t i = 0; i < dim; ++i) queries.push_back(values[row * dim + i] * 1.05F);
  // Seen from a long vector all short ones are one point, of which any graph finds some: hnswlib reaches the same 0.8.
  CHECK(recall(TestVectors(dim, Distance::euclidean, values), queries, 128, 1e-4) >= 0.75);
}

TEST_CASE("integer vectors with many equal distances") {
  std::mt19937 random(73);
  std::vector<float> values(12UL * 3000);
  for (float& value : values) value = static_cast<float>(random() % 4);
  std::vector<float> queries(12UL * 30);
  for (float& value : queries) value = static_cast<float>(random() % 4);
  CHECK(recall(TestVectors(12, Distance::euclidean, values), queries) >= 0.95);
}

TEST_CASE("a line of points, where every node has two neighbours") {
  std::vector<float> values;
  for (int row = 0; row < 3000; ++row) values.push_back(static_cast<float>(row));
  const std::vector<float> queries{-5.0F, 0.0F, 777.3F, 1500.0F, 2999.0F, 1e6F};
  CHECK(recall(TestVectors(1, Distance::euclidean, values), queries) == 1.0);
}

TEST_CASE("clusters far apart, sorted by cluster, are all reachable") {
  const std::uint32_t dim = 32;
  auto values = test::normal_values(dim * 4000UL, 74);
  for (std::size_t row = 0; row < 4000; ++row) values[row * dim + (row / 400)] += 1000.0F;
  auto queries = test::normal_values(dim * 40UL, 75);
  for (std::size_t q = 0; q < 40; ++q) queries[q * dim + (q % 10)] += 1000.0F;
  CHECK(recall(TestVectors(dim, Distance::euclidean, values), queries, 128) >= 0.95);
}

TEST_CASE("k larger than ef and than the rows returns what there is") {
  const TestVectors vectors(8, Distance::euclidean, test::normal_values(8UL * 30, 47));
  const auto graph = test::build(vectors);
  const auto query = test::normal_values(8, 48);
  CHECK(test::graph_recall(vectors, graph.view, query, {.k = 100, .ef = 1}, AcceptAll{}).mean == 1.0);
}

TEST_CASE("vectors of the largest dims can be indexed") {
  for (const std::uint32_t dim : {4096U, 65'536U}) {
    CAPTURE(dim);
    const TestVectors vectors(dim, Distance::cosine, test::normal_values(std::size_t{dim} * 70, 53));
    const auto graph = test::build(vectors, {.ef_construction = 50});
    const auto queries = test::normal_values(std::size_t{dim} * 4, 54);
    CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 5, .ef = 70}, AcceptAll{}).mean == 1.0);
  }
}

}  // namespace
