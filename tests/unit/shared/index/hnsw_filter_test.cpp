#include "shared/index/hnsw_search.hpp"
#include "shared/index/matching_scan.hpp"
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

TEST_CASE("a two-hop walk finds the accepted rows by passing through the others, whatever the graph is walked on") {
  const std::uint32_t dim = 64;
  const TestVectors vectors(dim, Distance::euclidean, test::clustered_values(6000, dim, 20, 0.8F, 91));
  const auto queries = test::clustered_values(30, dim, 20, 0.8F, 92);
  for (const auto quantization : {Quantization::none, Quantization::sq8, Quantization::rabitq}) {
    HnswBuildParams build;
    build.quantization = quantization;
    const auto graph = test::build(vectors, build);
    for (const std::uint32_t percent : {10U, 30U, 60U, 100U}) {
      CAPTURE(quantization_name(quantization), percent);
      const auto accept = [&](Row row) { return (row * 2654435761U >> 8) % 100 < percent; };
      CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = 64, .two_hop = true}, accept).mean >= 0.95);
    }
  }
}

TEST_CASE("seeds lead a two-hop walk to accepted rows that lie in islands far from the query") {
  const std::uint32_t dim = 32;
  const TestVectors vectors(dim, Distance::euclidean, test::clustered_values(4000, dim, 16, 0.1F, 93));
  const auto graph = test::build(vectors);
  const auto queries = test::clustered_values(20, dim, 16, 0.1F, 94);
  const auto accept = [&](Row row) { return vectors.vector(row)[0] > 0.4F; };  // whole clusters in or out
  std::vector<Row> seeds;
  for (Row row = 0; row < vectors.view().rows; row += 13)
    if (accept(row)) seeds.push_back(row);
  REQUIRE(seeds.size() > 16);
  CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = 64, .two_hop = true, .seeds = seeds}, accept).mean >= 0.95);
}

TEST_CASE("a scan of given rows by their codes finds the nearest of them") {
  const std::uint32_t dim = 128;
  for (const auto distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    const TestVectors vectors(dim, distance, test::clustered_values(3000, dim, 20, 0.8F, 95));
    HnswBuildParams build;
    build.quantization = Quantization::rabitq;
    const auto graph = test::build(vectors, build);
    REQUIRE(graph.view.bit_codec() != nullptr);
    const auto queries = test::clustered_values(30, dim, 20, 0.8F, 96);
    for (const Row step : {1U, 3U, 50U}) {
      CAPTURE(distance_name(distance), step);
      std::vector<Row> rows;
      for (Row row = 0; row < 3000; row += step) rows.push_back(row);
      std::size_t good = 0, wanted = 0;
      SearchScratch scratch;
      SearchStats stats;
      for (std::size_t q = 0; q < 30; ++q) {
        const PreparedQuery query(std::span<const float>(queries).subspan(q * dim, dim), distance);
        TopK<> coded(10), exact(10);
        REQUIRE(scan_rows_by_codes(graph.view, vectors.view(), query, rows, 10, scratch, coded, stats));
        scan_rows(vectors.view(), rows, query, exact);
        const auto truth = exact.take(), found = coded.take();
        REQUIRE(found.size() == truth.size());
        wanted += truth.size();
        for (const auto& candidate : found) good += static_cast<std::size_t>(std::ranges::count(truth, candidate));
      }
      CHECK(static_cast<double>(good) >= 0.98 * static_cast<double>(wanted));
      if (step == 1) CHECK(stats.distances < 30 * 3000 / 4);
    }
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
