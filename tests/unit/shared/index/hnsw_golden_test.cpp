// Graph files of each format version, kept for ever: they must open and give the same answers in every later nDB.
// The newest is written by this test with NDB_WRITE_GOLDEN set.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "shared/index/cell_scan.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/marked_bits.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

// Integers, so that they and their distances are the same on every machine; no library random numbers for the same reason.
TestVectors golden_vectors(std::uint32_t dim) {
  std::vector<float> values;
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < std::size_t{dim} * 150; ++i) {
    state = state * 1664525U + 1013904223U;
    values.push_back(static_cast<float>(state >> 24));
  }
  std::copy_n(values.begin(), dim * 3, values.begin() + dim * 60);  // rows 60–62 repeat rows 0–2
  return {dim, Distance::euclidean, std::move(values)};
}

std::vector<std::byte> read_golden(const char* name) {
  std::ifstream in(std::string(NDB_GOLDEN_DIR) + "/" + name, std::ios::binary);
  REQUIRE(in.good());
  const std::string text(std::istreambuf_iterator<char>(in), {});
  return {base::as_bytes(text).begin(), base::as_bytes(text).end()};
}

void check_golden(const TestVectors& vectors, const HnswView& graph) {
  CHECK(graph.verify().has_value());
  CHECK(graph.rows() == 150);
  CHECK(graph.dim() == vectors.view().dim);
  CHECK(graph.distance() == Distance::euclidean);
  CHECK(graph.m() == 4);
  CHECK(graph.ef_construction() == 40);
  CHECK(graph.top_level() >= 1);
  CHECK(graph.group_members(0).size() == 1);
  SearchScratch scratch;
  SearchStats stats;
  for (Row row = 0; row < 150; row += 7) {
    TopK<> found(5);
    TopK<> exact(5);
    const PreparedQuery query(vectors.vector(row), Distance::euclidean);
    search(graph, vectors.view(), query, {.k = 5, .ef = 100}, AcceptAll{}, scratch, found, stats);
    scan(vectors.view(), all_rows(vectors.view()), query, AcceptAll{}, exact);
    CHECK(found.take() == exact.take());
  }
  CHECK_FALSE(stats.damaged);
}

TEST_CASE("a graph file of version 1 opens and answers as it did") {
  const auto bytes = read_golden("hnsw-v1.bin");
  const auto graph = HnswView::open(bytes);
  REQUIRE(graph.has_value());
  CHECK(graph->quantization() == Quantization::sq8);
  check_golden(golden_vectors(36), *graph);
}

TEST_CASE("a graph file of version 2, with 1-bit codes, opens and answers as it did") {
  const TestVectors vectors = golden_vectors(256);
  if (std::getenv("NDB_WRITE_GOLDEN") != nullptr) {
    const auto bytes = build_hnsw(vectors.view(), {.m = 4, .ef_construction = 40}).value();
    std::ofstream(std::string(NDB_GOLDEN_DIR) + "/hnsw-v2.bin", std::ios::binary) << base::as_text(bytes);
  }
  const auto bytes = read_golden("hnsw-v2.bin");
  const auto graph = HnswView::open(bytes);
  REQUIRE(graph.has_value());
  CHECK(graph->quantization() == Quantization::rabitq);
  CHECK(graph->has_refined());
  CHECK(graph->candidates_for_ten() >= 10.0F);
  check_golden(vectors, *graph);
}

TEST_CASE("a graph file with cells opens, and looking through all of them answers as it did") {
  const TestVectors vectors = golden_vectors(64);
  if (std::getenv("NDB_WRITE_GOLDEN") != nullptr) {
    const auto bytes = build_hnsw(vectors.view(), {.m = 4, .ef_construction = 40, .cells = 32}).value();
    std::ofstream(std::string(NDB_GOLDEN_DIR) + "/hnsw-v2-cells.bin", std::ios::binary) << base::as_text(bytes);
  }
  const auto bytes = read_golden("hnsw-v2-cells.bin");
  const auto graph = HnswView::open(bytes);
  REQUIRE(graph.has_value());
  CHECK(graph->cells() == 32);
  check_golden(vectors, *graph);
  const auto few = [](Row row) { return row % 9 == 4; };
  SearchScratch scratch;
  SearchStats stats;
  for (Row row = 0; row < 150; row += 7) {
    TopK<> found(5), exact(5);
    const PreparedQuery query(vectors.vector(row), Distance::euclidean);
    CHECK(search_cells(*graph, vectors.view(), query, 5, 100, test::MarkedBits(vectors.view().rows, few), scratch, found, stats) == CellSearch::done);
    scan(vectors.view(), all_rows(vectors.view()), query, few, exact);
    CHECK(found.take() == exact.take());
  }
  CHECK_FALSE(stats.damaged);
}

}  // namespace
