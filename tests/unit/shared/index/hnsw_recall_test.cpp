// How many of the true nearest are found: sweeps that take their time and show a sanitizer nothing new.
#include "shared/index/calibration.hpp"
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

TEST_CASE("a wanted recall is reached on queries that the calibration has not seen") {
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    const std::uint32_t dim = 96;
    const TestVectors vectors(dim, distance, test::clustered_values(8000, dim, 40, 0.9F, 91));
    const auto graph = test::build(vectors);
    const auto queries = test::clustered_values(300, dim, 40, 0.9F, 92);
    REQUIRE(graph.view.recall_at_ef().size() == kCalibratedEfs.size());
    for (const double wanted : {0.9, 0.95, 0.99}) {
      const std::uint32_t ef = ef_for_recall(graph.view.recall_at_ef(), wanted, 10);
      CAPTURE(distance_name(distance), wanted, ef);
      CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = ef}, AcceptAll{}).mean >= wanted - 0.03);
    }
  }
}

}  // namespace
