#include "shared/index/exact_scan.hpp"

#include <cstring>
#include <random>

#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

constexpr Distance kDistances[] = {Distance::cosine, Distance::dot, Distance::euclidean};

TEST_CASE("an exact scan gives the naive answer for every distance and dim") {
  for (const Distance distance : kDistances) {
    for (const std::uint32_t dim : {1U, 2U, 7U, 33U, 128U, 784U}) {
      CAPTURE(distance_name(distance), dim);
      const TestVectors vectors(dim, distance, test::normal_values(300UL * dim, dim));
      const auto values = test::normal_values(dim, 1000 + dim);
      const PreparedQuery query(values, distance);
      TopK<> top(10);
      CHECK(scan(vectors.view(), all_rows(vectors.view()), query, AcceptAll{}, top) == 300);
      const auto found = top.take();
      REQUIRE(found.size() == 10);
      CHECK(test::recall_of(vectors, values, 10, AcceptAll{}, found) == 1.0);
      for (const Candidate& candidate : found)
        CHECK(candidate.key == Approx(test::naive_value(values, vectors.vector(candidate.row), distance)).epsilon(1e-4).margin(1e-5));
    }
  }
}

TEST_CASE("a batch gives bit for bit the answers of single scans") {
  for (const Distance distance : kDistances) {
    for (const std::size_t count : {1UL, 3UL, 4UL, 9UL}) {
      CAPTURE(distance_name(distance), count);
      const std::uint32_t dim = 50;
      const TestVectors vectors(dim, distance, test::normal_values(500UL * dim, 3));
      const auto values = test::normal_values(count * dim, 4);
      std::vector<PreparedQuery> queries;
      std::vector<const PreparedQuery*> pointers;
      for (std::size_t q = 0; q < count; ++q) queries.emplace_back(std::span(values).subspan(q * dim, dim), distance);
      for (const auto& query : queries) pointers.push_back(&query);
      std::vector<TopK<>> tops(count, TopK<>(7));
      const auto accept = [](Row row) { return row % 3 != 1; };
      scan_batch(vectors.view(), RowRange{5, 480}, std::span<const PreparedQuery* const>(pointers), accept, std::span(tops));
      for (std::size_t q = 0; q < count; ++q) {
        TopK<> single(7);
        scan(vectors.view(), RowRange{5, 480}, queries[q], accept, single);
        const auto want = single.take();
        const auto got = tops[q].take();
        REQUIRE(got.size() == want.size());
        for (std::size_t i = 0; i < want.size(); ++i) {
          CHECK(got[i].row == want[i].row);
          CHECK(std::memcmp(&got[i].key, &want[i].key, sizeof(float)) == 0);
        }
      }
    }
  }
}

TEST_CASE("a scan of listed rows equals a scan that accepts them") {
  const TestVectors vectors(20, Distance::cosine, test::normal_values(20UL * 400, 8));
  const auto values = test::normal_values(20, 9);
  const PreparedQuery query(values, Distance::cosine);
  std::vector<Row> rows;
  for (Row row = 0; row < 400; row += 7) rows.push_back(row);
  TopK<> listed(10);
  TopK<> accepted(10);
  CHECK(scan_rows(vectors.view(), rows, query, listed) == rows.size());
  scan(vectors.view(), all_rows(vectors.view()), query, [](Row row) { return row % 7 == 0; }, accepted);
  CHECK(listed.take() == accepted.take());
}

TEST_CASE("equal distances at the k-th place go to the smallest rows, in a batch too") {
  const TestVectors vectors(4, Distance::euclidean, std::vector<float>(4UL * 100, 1.0F));
  const std::vector<float> values{0.0F, 0.0F, 0.0F, 0.0F};
  const PreparedQuery query(values, Distance::euclidean);
  TopK<> top(5);
  scan(vectors.view(), all_rows(vectors.view()), query, AcceptAll{}, top);
  const auto found = top.take();
  for (Row i = 0; i < 5; ++i) CHECK(found[i] == Candidate{4.0F, i});
}

TEST_CASE("huge and tiny vectors get finite keys in the right order") {
  for (const Distance distance : kDistances) {
    for (const float scale : {1e-44F, 1e-38F, 1e-25F, 1e-18F, 1e18F, 1e25F, 3e37F}) {
      CAPTURE(distance_name(distance), scale);
      const std::uint32_t dim = 40;
      auto values = test::normal_values(200UL * dim, 12);
      auto query_values = test::normal_values(dim, 13);
      for (float& value : values) value *= scale;
      for (float& value : query_values) value *= distance == Distance::dot ? 1.0F : scale;
      const TestVectors vectors(dim, distance, values);
      const PreparedQuery query(query_values, distance);
      TopK<> top(10);
      scan(vectors.view(), all_rows(vectors.view()), query, AcceptAll{}, top);
      const auto found = top.take();
      for (const Candidate& candidate : found) CHECK(std::isfinite(candidate.key));
      const bool coarse = scale < 1e-40F;  // a few bits are left of such vectors under cosine's float arithmetic
      CHECK(test::recall_of(vectors, query_values, 10, AcceptAll{}, found) >= (coarse ? 0.8 : 1.0));
    }
  }
}

TEST_CASE("a Euclidean score survives the overflow and underflow of its square") {
  for (const float scale : {1e-30F, 1e30F}) {
    const TestVectors vectors(2, Distance::euclidean, {3.0F * scale, 4.0F * scale});
    const PreparedQuery query(std::vector<float>{0.0F, 0.0F}, Distance::euclidean);
    const float score = score_from_key(query.key(vectors.view(), 0), Distance::euclidean);
    CHECK(static_cast<double>(score) == Approx(5.0 * static_cast<double>(scale)).epsilon(1e-4));
  }
}

TEST_CASE("a zero vector in damaged data has a finite cosine key") {
  const TestVectors vectors(3, Distance::cosine, {0.0F, 0.0F, 0.0F, std::nanf(""), 1.0F, 2.0F});
  const PreparedQuery query(std::vector<float>{1.0F, 2.0F, 3.0F}, Distance::cosine);
  CHECK(std::isfinite(query.key(vectors.view(), 0)));
  CHECK(std::isfinite(query.key(vectors.view(), 1)));
}

}  // namespace
