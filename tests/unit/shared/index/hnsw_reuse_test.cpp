#include "shared/index/hnsw_build.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

constexpr std::uint32_t kDim = 40;

struct Merged {
  TestVectors vectors;
  std::vector<Row> new_rows;  // of the old ones
};

// Rows of `old` for which keep(row) holds, and all of `added` shuffled among them.
template <class Keep>
Merged merge(const TestVectors& old, const TestVectors& added, Keep&& keep) {
  std::vector<float> values;
  std::vector<Row> new_rows(old.rows(), kNoRow);
  const auto append = [&](std::span<const float> vector) { values.insert(values.end(), vector.begin(), vector.end()); };
  for (Row row = 0; row < std::max(old.rows(), added.rows()); ++row) {
    if (row < added.rows()) append(added.vector(row));
    if (row >= old.rows() || !keep(row)) continue;
    new_rows[row] = static_cast<Row>(values.size() / kDim);
    append(old.vector(row));
  }
  return {TestVectors(kDim, old.view().distance, std::move(values)), std::move(new_rows)};
}

template <class Keep>
void check_merge(Distance distance, std::size_t old_rows, std::size_t added_rows, Keep&& keep) {
  const TestVectors old(kDim, distance, test::clustered_values(old_rows, kDim, 20, 0.7F, 101));
  const TestVectors added(kDim, distance, test::clustered_values(added_rows, kDim, 20, 0.7F, 102));
  const auto before = test::build(old);
  const Merged merged = merge(old, added, keep);
  const ReusedGraph reused{&before.view, merged.new_rows};
  const auto queries = test::clustered_values(40, kDim, 20, 0.7F, 103);
  for (const unsigned threads : {1U, 2U}) {
    CAPTURE(distance_name(distance), old_rows, added_rows, threads);
    const auto graph = test::build(merged.vectors, {.threads = threads}, &reused);
    CHECK(graph.view.verify().has_value());
    CHECK(test::graph_recall(merged.vectors, graph.view, queries, {.k = 10, .ef = 64}, AcceptAll{}).mean >= 0.95);
  }
}

TEST_CASE("a graph grown from an older one finds old and new rows") {
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    check_merge(distance, 3000, 1000, [](Row) { return true; });
    check_merge(distance, 1000, 3000, [](Row) { return true; });
  }
}

TEST_CASE("recall survives the loss of a third of the older rows") {
  check_merge(Distance::cosine, 4000, 500, [](Row row) { return row % 3 != 0; });
  check_merge(Distance::euclidean, 4000, 500, [](Row row) { return row % 10 == 0; });
}

TEST_CASE("an older graph with almost nothing left is not used") {
  check_merge(Distance::euclidean, 3000, 2000, [](Row row) { return row == 5; });
  check_merge(Distance::euclidean, 3000, 2000, [](Row) { return false; });
}

TEST_CASE("ten generations of replacing a fifth of the rows do not rot recall") {
  TestVectors vectors(kDim, Distance::cosine, test::clustered_values(2500, kDim, 20, 0.7F, 104));
  auto graph = test::build(vectors);
  for (unsigned generation = 0; generation < 10; ++generation) {
    const TestVectors added(kDim, Distance::cosine, test::clustered_values(500, kDim, 20, 0.7F, 200 + generation));
    Merged merged = merge(vectors, added, [&](Row row) { return row % 5 != generation % 5; });
    const ReusedGraph reused{&graph.view, merged.new_rows};
    auto next = test::build(merged.vectors, {}, &reused);
    graph = std::move(next);
    vectors = std::move(merged.vectors);
  }
  const auto queries = test::clustered_values(60, kDim, 20, 0.7F, 105);
  CHECK(graph.view.verify().has_value());
  CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = 64}, AcceptAll{}).mean >= 0.95);
}

TEST_CASE("groups of equal rows survive the loss of their first row") {
  auto values = test::clustered_values(1000, kDim, 20, 0.7F, 106);
  for (std::size_t row = 500; row < 1000; ++row)
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>((row - 500) * kDim), kDim, values.begin() + static_cast<std::ptrdiff_t>(row * kDim));
  const TestVectors old(kDim, Distance::euclidean, values);
  const TestVectors added(kDim, Distance::euclidean, test::clustered_values(200, kDim, 20, 0.7F, 107));
  const auto before = test::build(old);
  const Merged merged = merge(old, added, [](Row row) { return row >= 300; });
  const ReusedGraph reused{&before.view, merged.new_rows};
  const auto graph = test::build(merged.vectors, {}, &reused);
  CHECK(graph.view.verify().has_value());
  CHECK(test::graph_recall(merged.vectors, graph.view, values, {.k = 10, .ef = 64}, AcceptAll{}).mean >= 0.97);
}

TEST_CASE("a graph of another shape is refused") {
  const TestVectors small(8, Distance::euclidean, test::normal_values(8UL * 100, 108));
  const TestVectors other(9, Distance::euclidean, test::normal_values(9UL * 100, 109));
  const auto graph = test::build(small);
  const std::vector<Row> new_rows(100, kNoRow);
  const ReusedGraph reused{&graph.view, new_rows};
  CHECK(build_hnsw(other.view(), {}, &reused).error().code == ErrorCode::invalid_argument);
  CHECK(build_hnsw(small.view(), {.m = 8}, &reused).error().code == ErrorCode::invalid_argument);
}

}  // namespace
