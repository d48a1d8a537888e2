#include "shared/index/hnsw_search.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

TEST_CASE("recall of 0.95 at ef 64 for every distance and dim, on codes and on float32") {
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    for (const std::uint32_t dim : {1U, 2U, 16U, 48U, 200U}) {
      for (const Quantization quantization : {Quantization::automatic, Quantization::rabitq, Quantization::sq8, Quantization::none}) {
        CAPTURE(distance_name(distance), dim, quantization_name(quantization));
        const TestVectors vectors(dim, distance, test::clustered_values(2000, dim, 40, 0.6F, 41));
        const auto graph = test::build(vectors, {.quantization = quantization});
        const auto queries = test::clustered_values(50, dim, 40, 0.6F, 42);
        const auto recall = test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = 64}, AcceptAll{});
        CHECK(recall.mean >= 0.95);
        CHECK(graph.view.verify().has_value());
      }
    }
  }
}

TEST_CASE("recall of 0.95 at ef 200 on unstructured vectors") {
  const TestVectors vectors(32, Distance::cosine, test::normal_values(32UL * 4000, 43));
  const auto graph = test::build(vectors);
  const auto queries = test::normal_values(32UL * 50, 44);
  CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = 200}, AcceptAll{}).mean >= 0.95);
}

TEST_CASE("a larger ef never costs much recall, and ef of all rows finds everything") {
  const TestVectors vectors(24, Distance::euclidean, test::normal_values(24UL * 2000, 45));
  const auto graph = test::build(vectors);
  const auto queries = test::normal_values(24UL * 40, 46);
  double previous = 0.0;
  for (const std::uint32_t ef : {10U, 40U, 160U, 2000U}) {
    const double recall = test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = ef}, AcceptAll{}).mean;
    CHECK(recall >= previous - 0.005);
    previous = recall;
  }
  CHECK(previous == 1.0);
}

TEST_CASE("k larger than ef and than the rows returns what there is") {
  const TestVectors vectors(8, Distance::euclidean, test::normal_values(8UL * 30, 47));
  const auto graph = test::build(vectors);
  const auto query = test::normal_values(8, 48);
  CHECK(test::graph_recall(vectors, graph.view, query, {.k = 100, .ef = 1}, AcceptAll{}).mean == 1.0);
}

TEST_CASE("a graph built by two threads is as good") {
  const TestVectors vectors(64, Distance::cosine, test::clustered_values(5000, 64, 50, 0.7F, 51));
  const auto graph = test::build(vectors, {.threads = 2});
  const auto queries = test::clustered_values(50, 64, 50, 0.7F, 52);
  CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = 64}, AcceptAll{}).mean >= 0.95);
  CHECK(graph.view.verify().has_value());
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
