// Writing, reading and removing documents through ndb.h.
#include <cmath>
#include <limits>

#include "tests/unit/bindings/c/c_bench.hpp"

using namespace ndb::test;

TEST_CASE("a batch is inserted, read back whole, and counted") {
  CBench bench;
  CDocuments documents;
  const std::vector<const char*> ids = {"c", "nobody", "b"};
  REQUIRE(ndb_get_many(bench.docs, 3, ids.data(), &documents, nullptr) == NDB_OK);
  REQUIRE(ndb_documents_count(documents) == 2);
  CHECK(std::string(ndb_documents_id(documents, 0)) == "c");
  CHECK(ndb_documents_payload(documents, 0) == nullptr);
  CHECK(std::string(ndb_documents_payload(documents, 1)) == R"({"n":1,"tags":["x","y"]})");
  std::size_t dim = 0;
  const float* vector = ndb_documents_vector(documents, 1, &dim);
  REQUIRE(dim == 2);
  CHECK((vector[0] == 1.0F && vector[1] == 0.0F));
  REQUIRE(ndb_documents_missing_count(documents) == 1);
  CHECK(std::string(ndb_documents_missing(documents, 0)) == "nobody");
  CHECK(ndb_documents_next(documents) == nullptr);
  CHECK(ndb_documents_id(documents, 2) == nullptr);
  CHECK(ndb_documents_payload(documents, 2) == nullptr);
  CHECK(ndb_documents_missing(documents, 1) == nullptr);
  CHECK((ndb_documents_vector(documents, 2, &dim) == nullptr && dim == 0));
  CHECK(bench.count() == 3);
}

TEST_CASE("a write says what it did") {
  CBench bench;
  const std::vector<float> vector = {5, 5};
  ndb_write_result result = NDB_WRITE_RESULT_INIT;
  REQUIRE(ndb_insert(bench.docs, "a", vector.data(), 2, nullptr, &result, nullptr) == NDB_OK);
  CHECK((result.seq == 4 && result.inserted == 0 && result.replaced == 1 && result.durability == NDB_BUFFERED));
  REQUIRE(ndb_insert(bench.docs, "d", vector.data(), 2, R"({"n":7})", &result, nullptr) == NDB_OK);
  CHECK((result.seq == 5 && result.inserted == 1 && result.replaced == 0));
  REQUIRE(ndb_remove(bench.docs, "d", &result, nullptr) == NDB_OK);
  CHECK((result.seq == 6 && result.deleted == 1));
  CHECK(ndb_wait_for(bench.docs, result.seq, 1'000, nullptr) == NDB_OK);
  CHECK(result.size == sizeof result);
}

TEST_CASE("documents are removed by id, by ids and by filter") {
  CBench bench;
  check_refused(NDB_NOT_FOUND, "id", [&](ndb_error** error) { return ndb_remove(bench.docs, "nobody", nullptr, error); });
  const std::vector<const char*> ids = {"a", "nobody"};
  ndb_write_result result = NDB_WRITE_RESULT_INIT;
  REQUIRE(ndb_remove_many(bench.docs, 2, ids.data(), &result, nullptr) == NDB_OK);
  CHECK(result.deleted == 1);
  REQUIRE(ndb_remove_where(bench.docs, R"({"tags":"x"})", &result, nullptr) == NDB_OK);
  CHECK(result.deleted == 1);
  CHECK(bench.count() == 1);
  check_refused(NDB_INVALID_ARGUMENT, "filter", [&](ndb_error** error) { return ndb_remove_where(bench.docs, nullptr, nullptr, error); });
  check_refused(NDB_INVALID_ARGUMENT, "ids", [&](ndb_error** error) { return ndb_remove_many(bench.docs, 1, nullptr, nullptr, error); });
  check_refused(NDB_INVALID_ARGUMENT, "ids", [&](ndb_error** error) { return ndb_remove_many(bench.docs, 100'001, ids.data(), nullptr, error); });
  CHECK(ndb_remove_many(bench.docs, 0, nullptr, nullptr, nullptr) == NDB_OK);
  CHECK(bench.count() == 1);
}

TEST_CASE("scrolling goes through all documents in pages, ordered by id") {
  CBench bench;
  CDocuments page;
  REQUIRE(ndb_scroll(bench.docs, nullptr, 2, nullptr, &page, nullptr) == NDB_OK);
  REQUIRE(ndb_documents_count(page) == 2);
  REQUIRE(ndb_documents_next(page) != nullptr);
  const std::string next = ndb_documents_next(page);
  CHECK(next == "b");
  REQUIRE(ndb_scroll(bench.docs, nullptr, 2, next.c_str(), &page, nullptr) == NDB_OK);
  REQUIRE(ndb_documents_count(page) == 1);
  CHECK(std::string(ndb_documents_id(page, 0)) == "c");
  CHECK(ndb_documents_next(page) == nullptr);
  REQUIRE(ndb_scroll(bench.docs, R"({"n":{"$gt":0}})", 10, nullptr, &page, nullptr) == NDB_OK);
  CHECK(ndb_documents_count(page) == 1);
  check_refused(NDB_INVALID_ARGUMENT, "limit", [&](ndb_error** error) { return ndb_scroll(bench.docs, nullptr, 0, nullptr, &page, error); });
}

TEST_CASE("a document that is refused changes nothing, and the error names the field") {
  CBench bench;
  const auto refused = [&](const std::string& field, std::vector<float> vectors, std::size_t dim, std::vector<const char*> payloads) {
    const std::vector<const char*> ids = {"new", "a"};
    check_refused(NDB_INVALID_ARGUMENT, field, [&](ndb_error** error) {
      return ndb_insert_batch(bench.docs, 2, ids.data(), vectors.data(), dim, payloads.empty() ? nullptr : payloads.data(), nullptr, error);
    });
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  refused("documents[1].vector[0]", {1, 2, nan, 4}, 2, {});
  refused("documents[0].vector", {1, 2, 3, 4, 5, 6}, 3, {});
  refused("documents[0].vector", {1, 2}, static_cast<std::size_t>(-1) / 4, {});
  refused("documents[1].payload", {1, 2, 3, 4}, 2, {nullptr, "[1]"});
  refused("documents[1].payload", {1, 2, 3, 4}, 2, {nullptr, ""});
  const std::vector<float> vector = {1, 2};
  const std::vector<const char*> ids = {"new", nullptr};
  const auto insert = [&](const char* id, const float* from, std::size_t dim, const char* payload) {
    return [=, &bench](ndb_error** error) { return ndb_insert(bench.docs, id, from, dim, payload, nullptr, error); };
  };
  check_refused(NDB_INVALID_ARGUMENT, "id", insert("", vector.data(), 2, nullptr));
  check_refused(NDB_INVALID_ARGUMENT, "id", insert(nullptr, vector.data(), 2, nullptr));
  check_refused(NDB_INVALID_ARGUMENT, "vector", insert("new", nullptr, 2, nullptr));
  check_refused(NDB_INVALID_ARGUMENT, "vector", insert("new", vector.data(), 1, nullptr));
  check_refused(NDB_INVALID_ARGUMENT, "payload", insert("new", vector.data(), 2, ""));
  check_refused(NDB_INVALID_ARGUMENT, "payload", insert("new", vector.data(), 2, "{"));
  check_refused(NDB_INVALID_ARGUMENT, "documents[1].id", [&](ndb_error** error) {
    const std::vector<float> two = {1, 2, 3, 4};
    return ndb_insert_batch(bench.docs, 2, ids.data(), two.data(), 2, nullptr, nullptr, error);
  });
  check_refused(NDB_INVALID_ARGUMENT, "documents", [&](ndb_error** error) {
    return ndb_insert_batch(bench.docs, 100'001, ids.data(), vector.data(), 2, nullptr, nullptr, error);
  });
  ndb_write_result unset{};
  check_refused(NDB_INVALID_ARGUMENT, "result.size", [&](ndb_error** error) { return ndb_insert(bench.docs, "new", vector.data(), 2, nullptr, &unset, error); });
  CHECK(ndb_insert_batch(bench.docs, 0, nullptr, nullptr, 2, nullptr, nullptr, nullptr) == NDB_OK);
  ndb_stats_result stats = NDB_STATS_INIT;
  REQUIRE(ndb_stats(bench.docs, &stats, nullptr) == NDB_OK);
  CHECK((stats.seq == 3 && stats.documents == 3));
}

TEST_CASE("reading what is not there, or without a collection, is an error") {
  CBench bench;
  CDocuments documents;
  std::uint64_t count = 0;
  check_refused(NDB_NOT_FOUND, "id", [&](ndb_error** error) { return ndb_get(bench.docs, "nobody", &documents, error); });
  check_refused(NDB_INVALID_ARGUMENT, "id", [&](ndb_error** error) { return ndb_get(bench.docs, nullptr, &documents, error); });
  check_refused(NDB_INVALID_ARGUMENT, "collection", [&](ndb_error** error) { return ndb_get(nullptr, "a", &documents, error); });
  check_refused(NDB_INVALID_ARGUMENT, "collection", [&](ndb_error** error) { return ndb_count(nullptr, nullptr, &count, error); });
  check_refused(NDB_INVALID_ARGUMENT, "collection", [&](ndb_error** error) { return ndb_remove(nullptr, "a", nullptr, error); });
  check_refused(NDB_INVALID_ARGUMENT, "filter", [&](ndb_error** error) { return ndb_count(bench.docs, "{", &count, error); });
  CHECK(ndb_documents_count(nullptr) == 0);
  CHECK(ndb_documents_next(nullptr) == nullptr);
}
