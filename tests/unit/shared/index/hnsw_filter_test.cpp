#include "shared/index/hnsw_search.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

TEST_CASE("recall holds with 1 to 100 percent of the rows accepted") {
  const std::uint32_t dim = 48;
  const TestVectors vectors(dim, Distance::cosine, test::clustered_values(5000, dim, 30, 0.8F, 81));
  const auto graph = test::build(vectors);
  const auto queries = test::clustered_values(30, dim, 30, 0.8F, 82);
  for (const std::uint32_t percent : {1U, 3U, 10U, 30U, 70U, 100U}) {
    CAPTURE(percent);
    const auto accept = [&](Row row) { return (row * 2654435761U >> 8) % 100 < percent; };
    CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = 64}, accept).mean >= 0.95);
  }
}

TEST_CASE("only accepted rows are returned, and none where none is accepted") {
  const TestVectors vectors(16, Distance::euclidean, test::normal_values(16UL * 1000, 83));
  const auto graph = test::build(vectors);
  const PreparedQuery query(test::normal_values(16, 84), Distance::euclidean);
  SearchScratch scratch;
  SearchStats stats;
  TopK<> top(10);
  search(graph.view, vectors.view(), query, {}, [](Row row) { return row % 2 == 0; }, scratch, top, stats);
  const auto found = top.take();
  CHECK(found.size() == 10);
  for (const Candidate& candidate : found) CHECK(candidate.row % 2 == 0);
  TopK<> none(10);
  search(graph.view, vectors.view(), query, {}, [](Row) { return false; }, scratch, none, stats);
  CHECK(none.size() == 0);
}

TEST_CASE("the accepted rows far from the query are still found") {
  const std::uint32_t dim = 32;
  const TestVectors vectors(dim, Distance::euclidean, test::clustered_values(4000, dim, 8, 0.3F, 85));
  const auto graph = test::build(vectors);
  const auto queries = test::clustered_values(20, dim, 8, 0.3F, 86);
  const auto accept = [&](Row row) { return vectors.vector(row)[0] > 0.5F; };  // whole clusters in or out
  CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = 64}, accept).mean >= 0.95);
}

TEST_CASE("a filter that rejects the first of equal rows returns the others") {
  std::vector<float> values(8UL * 300, 1.0F);
  const auto different = test::normal_values(8UL * 150, 87);
  std::copy(different.begin(), different.end(), values.begin());
  const TestVectors vectors(8, Distance::euclidean, values);
  const auto graph = test::build(vectors);
  SearchScratch scratch;
  SearchStats stats;
  TopK<> top(20);
  const PreparedQuery query(vectors.vector(200), Distance::euclidean);
  search(graph.view, vectors.view(), query, {.k = 20}, [](Row row) { return row > 250; }, scratch, top, stats);
  const auto found = top.take();
  REQUIRE(found.size() == 20);
  for (Row i = 0; i < 20; ++i) CHECK(found[i] == Candidate{0.0F, 251 + i});
}

TEST_CASE("a walk gives up at its bound of comparisons and says so") {
  const TestVectors vectors(16, Distance::euclidean, test::normal_values(16UL * 3000, 88));
  const auto graph = test::build(vectors);
  SearchScratch scratch;
  SearchStats stats;
  TopK<> top(10);
  const PreparedQuery query(test::normal_values(16, 89), Distance::euclidean);
  search(graph.view, vectors.view(), query, {.max_distances = 200}, [](Row row) { return row == 2999; }, scratch, top, stats);
  CHECK(stats.gave_up);
  CHECK(stats.distances < 400);
  stats = {};
  search(graph.view, vectors.view(), query, {}, [](Row row) { return row == 2999; }, scratch, top, stats);
  CHECK_FALSE(stats.gave_up);
  CHECK(top.take().at(0).row == 2999);
}

}  // namespace
