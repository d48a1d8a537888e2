// A graph file of format version 1, kept for ever: it must open and give the same answers in every later nDB.
// Written once by this test with NDB_WRITE_GOLDEN set.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "shared/index/hnsw_search.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

// Integers, so that they and their distances are the same on every machine; no library random numbers for the same reason.
TestVectors golden_vectors() {
  std::vector<float> values;
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < 36UL * 150; ++i) {
    state = state * 1664525U + 1013904223U;
    values.push_back(static_cast<float>(state >> 24));
  }
  std::copy_n(values.begin(), 36 * 3, values.begin() + 36 * 60);  // rows 60–62 repeat rows 0–2
  return {36, Distance::euclidean, std::move(values)};
}

const std::string kPath = std::string(NDB_GOLDEN_DIR) + "/hnsw-v1.bin";

TEST_CASE("a graph file of version 1 opens and answers as it did") {
  const TestVectors vectors = golden_vectors();
  if (std::getenv("NDB_WRITE_GOLDEN") != nullptr) {
    const auto bytes = build_hnsw(vectors.view(), {.m = 4, .ef_construction = 40}).value();
    std::ofstream(kPath, std::ios::binary) << base::as_text(bytes);
  }
  std::ifstream in(kPath, std::ios::binary);
  REQUIRE(in.good());
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const std::vector<std::byte> bytes(base::as_bytes(text).begin(), base::as_bytes(text).end());
  const auto graph = HnswView::open(bytes);
  REQUIRE(graph.has_value());
  CHECK(graph->verify().has_value());
  CHECK(graph->rows() == 150);
  CHECK(graph->dim() == 36);
  CHECK(graph->distance() == Distance::euclidean);
  CHECK(graph->m() == 4);
  CHECK(graph->ef_construction() == 40);
  CHECK(graph->top_level() >= 1);
  CHECK(graph->codec() != nullptr);
  CHECK(graph->group_members(0).size() == 1);
  SearchScratch scratch;
  SearchStats stats;
  for (Row row = 0; row < 150; row += 7) {
    TopK<> found(5);
    TopK<> exact(5);
    const PreparedQuery query(vectors.vector(row), Distance::euclidean);
    search(*graph, vectors.view(), query, {.k = 5, .ef = 100}, AcceptAll{}, scratch, found, stats);
    scan(vectors.view(), all_rows(vectors.view()), query, AcceptAll{}, exact);
    CHECK(found.take() == exact.take());
  }
  CHECK_FALSE(stats.damaged);
}

}  // namespace
