// Searching and filtering through ndb.h.
#include <atomic>
#include <thread>

#include "tests/unit/bindings/c/c_bench.hpp"

using namespace ndb::test;

namespace {

const std::vector<float> kOrigin = {0, 0};

std::string ids_of(const ndb_results* results, std::size_t search = 0) {
  std::string ids;
  for (std::size_t i = 0; i < ndb_results_matches(results, search); ++i) ids += ndb_results_id(results, search, i);
  return ids;
}

std::string found(const CBench& bench, const char* filter) {
  ndb_search_options options = NDB_SEARCH_OPTIONS_INIT;
  options.filter = filter;
  CResults results;
  REQUIRE(ndb_search(bench.docs, kOrigin.data(), 2, &options, &results, nullptr) == NDB_OK);
  return ids_of(results);
}

}  // namespace

TEST_CASE("matches come best first, with what was asked for") {
  CBench bench;
  CResults results;
  REQUIRE(ndb_search(bench.docs, kOrigin.data(), 2, nullptr, &results, nullptr) == NDB_OK);
  CHECK(ndb_results_count(results) == 1);
  CHECK(ids_of(results) == "abc");
  CHECK(ndb_results_score(results, 0, 2) == 2.0F);
  CHECK(std::string(ndb_results_payload(results, 0, 0)) == R"({"n":0})");
  CHECK(ndb_results_payload(results, 0, 2) == nullptr);
  CHECK(ndb_results_vector(results, 0, 0, nullptr) == nullptr);
  CHECK(ndb_results_plan(results, 0) == nullptr);
  ndb_result_info info = NDB_RESULT_INFO_INIT;
  REQUIRE(ndb_results_info(results, 0, &info, nullptr) == NDB_OK);
  CHECK(info.seq == 3);
  CHECK(info.manifest_version > 0);

  ndb_search_options options = NDB_SEARCH_OPTIONS_INIT;
  options.top_k = 2;
  options.with_payload = false;
  options.with_vector = true;
  options.explain = true;
  options.approximate = false;
  options.min_seq = 3;
  options.timeout_ms = 10'000;
  REQUIRE(ndb_search(bench.docs, kOrigin.data(), 2, &options, &results, nullptr) == NDB_OK);
  CHECK(ids_of(results) == "ab");
  CHECK(ndb_results_payload(results, 0, 0) == nullptr);
  std::size_t dim = 0;
  const float* vector = ndb_results_vector(results, 0, 1, &dim);
  REQUIRE(dim == 2);
  CHECK(vector[0] == 1.0F);
  CHECK(std::string(ndb_results_plan(results, 0)) == "exact");
}

TEST_CASE("a batch of searches is answered in its order, at one state") {
  CBench bench;
  const std::vector<float> queries = {2, 0, 0, 0};
  CResults results;
  REQUIRE(ndb_search_batch(bench.docs, 2, queries.data(), 2, nullptr, &results, nullptr) == NDB_OK);
  REQUIRE(ndb_results_count(results) == 2);
  CHECK(ids_of(results, 0) == "cba");
  CHECK(ids_of(results, 1) == "abc");
  REQUIRE(ndb_search_batch(bench.docs, 0, nullptr, 2, nullptr, &results, nullptr) == NDB_OK);
  CHECK(ndb_results_count(results) == 0);
}

TEST_CASE("every operator of a filter works as JSON") {
  CBench bench;
  CHECK(found(bench, R"({"n":1})") == "b");
  CHECK(found(bench, R"({"n":{"$eq":0}})") == "a");
  CHECK(found(bench, R"({"n":{"$ne":0}})") == "bc");
  CHECK(found(bench, R"({"n":{"$lt":1}})") == "a");
  CHECK(found(bench, R"({"n":{"$lte":1}})") == "ab");
  CHECK(found(bench, R"({"n":{"$gt":0}})") == "b");
  CHECK(found(bench, R"({"n":{"$gte":0}})") == "ab");
  CHECK(found(bench, R"({"n":{"$in":[1,2]}})") == "b");
  CHECK(found(bench, R"({"n":{"$nin":[1,2]}})") == "ac");
  CHECK(found(bench, R"({"n":{"$exists":false}})") == "c");
  CHECK(found(bench, R"({"$and":[{"n":1},{"tags":"y"}]})") == "b");
  CHECK(found(bench, R"({"$or":[{"n":0},{"tags":"y"}]})") == "ab");
  CHECK(found(bench, R"({"$not":{"n":0}})") == "bc");
  CHECK(found(bench, "{}") == "abc");
}

TEST_CASE("a search that cannot be is refused under its field") {
  CBench bench;
  CResults results;
  const auto refused = [&](ndb_code code, const std::string& field, auto change) {
    ndb_search_options options = NDB_SEARCH_OPTIONS_INIT;
    change(options);
    check_refused(code, field, [&](ndb_error** error) { return ndb_search(bench.docs, kOrigin.data(), 2, &options, &results, error); });
    CHECK(static_cast<ndb_results*>(results) == nullptr);
  };
  refused(NDB_INVALID_ARGUMENT, "top_k", [](auto& options) { options.top_k = 0; });
  refused(NDB_INVALID_ARGUMENT, "ef", [](auto& options) { options.ef = 16'385; });
  refused(NDB_INVALID_ARGUMENT, "recall", [](auto& options) { options.recall = 1.5; });
  refused(NDB_INVALID_ARGUMENT, "filter.n.$what", [](auto& options) { options.filter = R"({"n":{"$what":1}})"; });
  refused(NDB_INVALID_ARGUMENT, "options.size", [](auto& options) { options.size = 3; });
  refused(NDB_REPLICA_LAGGING, "min_seq", [](auto& options) { options.min_seq = 1'000, options.timeout_ms = 1; });
  check_refused(NDB_INVALID_ARGUMENT, "vector", [&](ndb_error** error) { return ndb_search(bench.docs, kOrigin.data(), 1, nullptr, &results, error); });
  check_refused(NDB_INVALID_ARGUMENT, "vector", [&](ndb_error** error) { return ndb_search(bench.docs, nullptr, 2, nullptr, &results, error); });
  check_refused(NDB_INVALID_ARGUMENT, "searches", [&](ndb_error** error) { return ndb_search_batch(bench.docs, 1, nullptr, 2, nullptr, &results, error); });
  check_refused(NDB_INVALID_ARGUMENT, "searches", [&](ndb_error** error) { return ndb_search_batch(bench.docs, 10'001, kOrigin.data(), 2, nullptr, &results, error); });
  check_refused(NDB_INVALID_ARGUMENT, "collection", [&](ndb_error** error) { return ndb_search(nullptr, kOrigin.data(), 2, nullptr, &results, error); });
}

TEST_CASE("what lies beyond the end of results is NULL or zero") {
  CBench bench;
  CResults results;
  REQUIRE(ndb_search(bench.docs, kOrigin.data(), 2, nullptr, &results, nullptr) == NDB_OK);
  for (const auto& [search, match] : {std::pair{0, 3}, {1, 0}}) {
    CHECK(ndb_results_id(results, static_cast<std::size_t>(search), static_cast<std::size_t>(match)) == nullptr);
    CHECK(ndb_results_score(results, static_cast<std::size_t>(search), static_cast<std::size_t>(match)) == 0.0F);
    CHECK(ndb_results_payload(results, static_cast<std::size_t>(search), static_cast<std::size_t>(match)) == nullptr);
    CHECK(ndb_results_vector(results, static_cast<std::size_t>(search), static_cast<std::size_t>(match), nullptr) == nullptr);
  }
  CHECK(ndb_results_plan(results, 1) == nullptr);
  ndb_result_info info = NDB_RESULT_INFO_INIT;
  check_refused(NDB_INVALID_ARGUMENT, "search", [&](ndb_error** error) { return ndb_results_info(results, 1, &info, error); });
  check_refused(NDB_INVALID_ARGUMENT, "results", [&](ndb_error** error) { return ndb_results_info(nullptr, 0, &info, error); });
  CHECK(ndb_results_count(nullptr) == 0);
}

TEST_CASE("one handle serves many threads") {
  CBench bench;
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const std::string id = "t" + std::to_string(t);
      for (int i = 0; i < 50; ++i) {
        const std::vector<float> vector = {static_cast<float>(t), static_cast<float>(i)};
        if (ndb_insert(bench.docs, id.c_str(), vector.data(), 2, nullptr, nullptr, nullptr) != NDB_OK) ++failures;
        CResults results;
        if (ndb_search(bench.docs, vector.data(), 2, nullptr, &results, nullptr) != NDB_OK || ndb_results_score(results, 0, 0) != 0.0F) ++failures;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(bench.count() == 7);
}
