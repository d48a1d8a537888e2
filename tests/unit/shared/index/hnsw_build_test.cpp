#include "shared/index/hnsw_build.hpp"

#include <atomic>

#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

TEST_CASE("one thread builds the same bytes every time, another seed builds others") {
  const TestVectors vectors(40, Distance::cosine, test::normal_values(40UL * 1500, 91));
  const auto first = build_hnsw(vectors.view(), {}).value();
  CHECK(first == build_hnsw(vectors.view(), {}).value());
  CHECK(first != build_hnsw(vectors.view(), {.seed = 7}).value());
}

TEST_CASE("every row can be reached from the entry on level 0") {
  const TestVectors vectors(24, Distance::dot, test::normal_values(24UL * 3000, 92));  // dot orphans rows most
  const auto graph = test::build(vectors, {.m = 4, .ef_construction = 20});
  std::vector<bool> reached(vectors.rows(), false);
  std::vector<Row> queue{graph.view.top_level() == 0 ? graph.view.entry() : graph.view.upper_row(graph.view.entry())};
  reached[queue[0]] = true;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    for (const std::uint32_t link : graph.view.links(queue[i])) {
      if (link == kNoLink || reached[link]) continue;
      reached[link] = true;
      queue.push_back(link);
    }
  }
  CHECK(queue.size() == vectors.rows());
}

TEST_CASE("progress ends at the number of rows and never goes back") {
  const TestVectors vectors(8, Distance::euclidean, test::normal_values(8UL * 2000, 93));
  for (const unsigned threads : {1U, 2U}) {
    std::uint64_t last = 0;
    const auto progress = [&](std::uint64_t done, std::uint64_t rows) {
      CHECK(rows == 2000);
      CHECK(done <= rows);
      last = std::max(last, done);
    };
    REQUIRE(build_hnsw(vectors.view(), {.threads = threads, .progress = progress}).has_value());
    CHECK(last == 2000);
  }
}

TEST_CASE("a build can be stopped") {
  const TestVectors vectors(8, Distance::euclidean, test::normal_values(8UL * 2000, 94));
  for (const unsigned threads : {1U, 2U}) {
    std::stop_source stop;
    const auto progress = [&](std::uint64_t, std::uint64_t) { stop.request_stop(); };
    const auto built = build_hnsw(vectors.view(), {.threads = threads, .progress = progress, .stop = stop.get_token()});
    REQUIRE_FALSE(built.has_value());
    CHECK(built.error().code == ErrorCode::unavailable);
  }
}

TEST_CASE("what cannot be built is refused") {
  const TestVectors vectors(8, Distance::euclidean, test::normal_values(8UL * 10, 95));
  auto view = vectors.view();
  CHECK(build_hnsw(view, {.m = 1}).error().code == ErrorCode::invalid_argument);
  CHECK(build_hnsw(view, {.m = 129}).error().code == ErrorCode::invalid_argument);
  view.rows = 0;
  CHECK(build_hnsw(view, {}).error().code == ErrorCode::invalid_argument);
  view.rows = 4'000'000'000U;
  const auto error = build_hnsw(view, {}).error();
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.message.find(std::to_string(max_rows(8, 16))) != std::string::npos);
}

TEST_CASE("the row limit keeps graphs below two gigabytes") {
  CHECK(max_rows(768, 16) > 1'900'000);
  CHECK(max_rows(768, 16) * (Codec::stride_bytes(768) + 16 * 2 * 4) < (std::uint64_t{1} << 31));
  CHECK(max_rows(65'536, 128) > 30'000);
}

TEST_CASE("a graph built by two threads is as good") {
  const TestVectors vectors(64, Distance::cosine, test::clustered_values(5000, 64, 50, 0.7F, 51));
  const auto graph = test::build(vectors, {.threads = 2});
  const auto queries = test::clustered_values(50, 64, 50, 0.7F, 52);
  CHECK(test::graph_recall(vectors, graph.view, queries, {.k = 10, .ef = 64}, AcceptAll{}).mean >= 0.95);
  CHECK(graph.view.verify().has_value());
}

}  // namespace
