// Rows divided into cells, and the search that looks through them.
#include "shared/index/builder/cells.hpp"
#include "shared/index/cell_scan.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/marked_bits.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

constexpr std::uint32_t kCellDim = 96;

struct Found {
  double recall = 0.0;
  std::uint64_t fewest = ~std::uint64_t{0};  // found by a search
  std::uint64_t estimated = 0;
};

template <class Accept>
Found look(const TestVectors& vectors, const HnswView& graph, std::span<const float> queries, std::uint32_t ef, Accept accept) {
  Found found;
  SearchScratch scratch;
  const std::size_t count = queries.size() / kCellDim;
  const test::MarkedBits marked(graph.rows(), accept), all(graph.rows(), AcceptAll{});
  const test::MarkedAndAsked asked(all, accept);
  for (std::size_t q = 0; q < count; ++q) {
    const auto query = queries.subspan(q * kCellDim, kCellDim);
    TopK<> top(10);
    SearchStats stats;
    const PreparedQuery prepared(query, vectors.view().distance);
    const auto outcome = q % 2 == 0 ? search_cells(graph, vectors.view(), prepared, 10, ef, marked, scratch, top, stats)
                                    : search_cells(graph, vectors.view(), prepared, 10, ef, asked, scratch, top, stats);
    REQUIRE(outcome == CellSearch::done);
    const auto best = top.take();
    for (const auto& one : best) {
      REQUIRE(accept(one.row));
      REQUIRE(one.key == prepared.key(vectors.view(), one.row));
    }
    found.recall += test::recall_of(vectors, query, 10, accept, best) / static_cast<double>(count);
    found.fewest = std::min<std::uint64_t>(found.fewest, best.size());
    found.estimated += stats.estimated_distances;
  }
  return found;
}

TEST_CASE("there are about twice as many cells as the square root of the rows, and none for few rows") {
  CHECK(cell_count(4'095) == 0);
  CHECK(cell_count(4'096) == 128);
  CHECK(cell_count(60'000) == 512);
  CHECK(cell_count(1'000'000) == 2'016);
}

TEST_CASE("every row is in one cell, the same for any number of threads") {
  for (const auto distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    CAPTURE(distance_name(distance));
    const TestVectors vectors(kCellDim, distance, test::clustered_values(5000, kCellDim, 30, 0.8F, 121));
    const auto graph = test::build(vectors, {.m = 6, .ef_construction = 30});
    REQUIRE(graph.view.cells() == cell_count(5000));
    CHECK(graph.view.verify().has_value());
    std::vector<bool> seen(5000, false);
    std::size_t used = 0;
    for (std::uint32_t cell = 0; cell < graph.view.cells(); ++cell) {
      const auto [begin, end] = graph.view.cell_range(cell);
      const auto rows = graph.view.cell_rows(begin, end);
      CHECK(std::ranges::is_sorted(rows));
      for (const Row row : rows) seen[row] = true;
      used += rows.empty() ? 0U : 1U;
    }
    CHECK(std::ranges::count(seen, true) == 5000);
    CHECK(used > graph.view.cells() / 2);
    const auto one = make_cells(vectors.view(), *graph.view.bit_codec(), graph.view.bit_row(0), 64, 1, {});
    const auto three = make_cells(vectors.view(), *graph.view.bit_codec(), graph.view.bit_row(0), 64, 3, {});
    CHECK(one.rows == three.rows);
    CHECK(one.offsets == three.offsets);
    CHECK(one.codes == three.codes);
  }
}

TEST_CASE("few cells hold most of the rows near a query") {
  const TestVectors vectors(kCellDim, Distance::euclidean, test::clustered_values(6000, kCellDim, 200, 0.5F, 122));
  const auto graph = test::build(vectors, {.m = 6, .ef_construction = 30});
  const auto accept = [](Row row) { return row % 5 < 2; };
  const auto found = look(vectors, graph.view, test::clustered_values(20, kCellDim, 200, 0.5F, 123), 16, accept);
  CHECK(found.recall >= 0.95);
  CHECK(found.estimated < 20 * 2'400 / 2);  // half of the rows that match, and the cells themselves
}

TEST_CASE("cells find what is accepted, random rows or clusters, near or far") {
  for (const auto distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    const TestVectors vectors(kCellDim, distance, test::clustered_values(6000, kCellDim, 40, 0.8F, 124));
    const auto graph = test::build(vectors, {.m = 6, .ef_construction = 30});
    const auto queries = test::clustered_values(30, kCellDim, 40, 0.8F, 125);
    for (const std::uint32_t percent : {5U, 20U, 35U}) {
      CAPTURE(distance_name(distance), percent);
      const auto random = [&](Row row) { return (row * 2654435761U >> 8) % 100 < percent; };
      CHECK(look(vectors, graph.view, queries, 48, random).recall >= 0.95);
    }
    const auto one_side = [&](Row row) { return vectors.vector(row)[0] > 0.5F; };
    // Where most of the rows around a query are accepted, it declines: those queries are left out.
    std::vector<float> far;
    for (std::size_t q = 0; q < 30; ++q)
      if (queries[q * kCellDim] < -0.5F) far.insert(far.end(), queries.begin() + static_cast<std::ptrdiff_t>(q * kCellDim), queries.begin() + static_cast<std::ptrdiff_t>((q + 1) * kCellDim));
    REQUIRE(far.size() >= 4 * kCellDim);
    const auto sparse = [&](Row row) { return one_side(row) && row % 3 == 0; };
    CAPTURE(distance_name(distance));
    CHECK(look(vectors, graph.view, far, 48, sparse).recall >= 0.95);
  }
}

TEST_CASE("all cells are looked through before fewer than k are found") {
  const TestVectors vectors(kCellDim, Distance::euclidean, test::clustered_values(5000, kCellDim, 50, 0.3F, 126));
  const auto graph = test::build(vectors, {.m = 6, .ef_construction = 30});
  const auto queries = test::clustered_values(20, kCellDim, 50, 0.3F, 127);
  for (const Row step : {1000U, 500U, 400U}) {
    CAPTURE(step);
    const auto accept = [&](Row row) { return row % step == 7; };
    const auto found = look(vectors, graph.view, queries, 10, accept);
    CHECK(found.fewest == std::min<std::uint64_t>(10, 5000 / step + (5000 % step > 7 ? 1 : 0)));
    if (step >= 500) CHECK(found.recall > 0.999);
  }
}

TEST_CASE("where most rows around the query are accepted, a walk is asked for, and nothing was done") {
  const TestVectors vectors(kCellDim, Distance::euclidean, test::clustered_values(5000, kCellDim, 50, 0.3F, 128));
  const auto graph = test::build(vectors, {.m = 6, .ef_construction = 30});
  SearchScratch scratch;
  TopK<> top(10);
  SearchStats stats;
  const PreparedQuery query(vectors.vector(17), Distance::euclidean);
  CHECK(search_cells(graph.view, vectors.view(), query, 10, 32, test::MarkedBits(5000, [](Row row) { return row % 10 != 3; }), scratch, top, stats) == CellSearch::better_walked);
  CHECK(top.size() == 0);
  const auto small = test::build(TestVectors(kCellDim, Distance::euclidean, test::clustered_values(500, kCellDim, 5, 0.3F, 129)));
  CHECK(search_cells(small.view, vectors.view(), query, 10, 32, test::MarkedBits(500, AcceptAll{}), scratch, top, stats) == CellSearch::unable);
}

TEST_CASE("rows that are all equal, and vectors too long to code, do not stop a build") {
  std::vector<float> equal(std::size_t{5000} * kCellDim, 0.25F);
  const TestVectors same(kCellDim, Distance::euclidean, equal);
  const auto graph = test::build(same, {.m = 4, .ef_construction = 10});
  CHECK(graph.view.verify().has_value());
  auto values = test::clustered_values(5000, kCellDim, 10, 0.5F, 130);
  for (std::size_t i = 0; i < values.size(); i += 3 * kCellDim) values[i] = 3e37F;
  const TestVectors huge(kCellDim, Distance::dot, std::move(values));
  CHECK(test::build(huge, {.m = 4, .ef_construction = 10}).view.verify().has_value());
}

}  // namespace
