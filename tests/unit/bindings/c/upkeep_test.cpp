// Flush, compaction, indexes and what a collection says about itself, through ndb.h.
#include "tests/support/child_process.hpp"
#include "tests/unit/bindings/c/c_bench.hpp"

using namespace ndb::test;

TEST_CASE("flush and compact publish a manifest each and say which") {
  CBench bench;
  std::uint64_t flushed = 0;
  std::uint64_t compacted = 0;
  REQUIRE(ndb_flush(bench.docs, true, &flushed, nullptr) == NDB_OK);
  REQUIRE(ndb_remove(bench.docs, "a", nullptr, nullptr) == NDB_OK);
  REQUIRE(ndb_flush(bench.docs, true, nullptr, nullptr) == NDB_OK);
  REQUIRE(ndb_compact(bench.docs, true, &compacted, nullptr) == NDB_OK);
  CHECK(compacted > flushed);
  ndb_stats_result stats = NDB_STATS_INIT;
  REQUIRE(ndb_stats(bench.docs, &stats, nullptr) == NDB_OK);
  CHECK((stats.documents == 2 && stats.segments == 1 && stats.deleted == 0 && stats.seq == 4 && stats.writable));
  CHECK(stats.flushed_seq == 4);
  CHECK(stats.segment_bytes > 0);
}

TEST_CASE("an index is built, described, dropped and built again") {
  TempFolder folder;
  CDatabase db;
  ndb_options options = NDB_OPTIONS_INIT;
  options.index_min_rows = 1;
  REQUIRE(ndb_open(folder.path().c_str(), &options, &db, nullptr) == NDB_OK);
  CCollection docs;
  const auto config = config_of(2);
  REQUIRE(ndb_create_collection(db, "docs", &config, &docs, nullptr) == NDB_OK);
  const std::vector<float> vector = {1, 2};
  REQUIRE(ndb_insert(docs, "a", vector.data(), 2, nullptr, nullptr, nullptr) == NDB_OK);
  REQUIRE(ndb_flush(docs, true, nullptr, nullptr) == NDB_OK);
  std::uint64_t version = 0;
  REQUIRE(ndb_rebuild_index(docs, true, &version, nullptr) == NDB_OK);
  bool indexed = false;
  REQUIRE(ndb_has_index(docs, &indexed, nullptr) == NDB_OK);
  CHECK(indexed);
  ndb_index_stats_result stats = NDB_INDEX_STATS_INIT;
  REQUIRE(ndb_index_stats(docs, &stats, nullptr) == NDB_OK);
  CHECK((stats.enabled && stats.graphs == 1 && stats.indexed_rows == 1 && stats.unindexed_rows == 0 && stats.bytes > 0));
  std::uint64_t without = 0;
  REQUIRE(ndb_delete_index(docs, &without, nullptr) == NDB_OK);
  CHECK(without > version);
  REQUIRE(ndb_has_index(docs, &indexed, nullptr) == NDB_OK);
  CHECK_FALSE(indexed);
  REQUIRE(ndb_index_stats(docs, &stats, nullptr) == NDB_OK);
  CHECK_FALSE(stats.enabled);
}

TEST_CASE("statistics, manifest and replicas come as JSON") {
  CBench bench;
  CText text;
  REQUIRE(ndb_stats_json(bench.docs, &text, nullptr) == NDB_OK);
  CHECK(std::string(text).find(R"("name":"docs")") != std::string::npos);
  REQUIRE(ndb_manifest(bench.docs, &text, nullptr) == NDB_OK);
  CHECK(std::string(text).front() == '{');
  REQUIRE(ndb_replicas_json(bench.docs, &text, nullptr) == NDB_OK);
  CHECK(std::string(text).find(R"("replicas":[)") != std::string::npos);
}

TEST_CASE("waiting for a write that nobody made times out") {
  CBench bench;
  CHECK(ndb_wait_for(bench.docs, 3, 0, nullptr) == NDB_OK);
  check_refused(NDB_TIMEOUT, "", [&](ndb_error** error) { return ndb_wait_for(bench.docs, 99, 1, error); });
}

TEST_CASE("upkeep without a collection is an error") {
  std::uint64_t number = 0;
  bool flag = false;
  CText text;
  ndb_stats_result stats = NDB_STATS_INIT;
  ndb_index_stats_result index = NDB_INDEX_STATS_INIT;
  ndb_collection_config config = NDB_COLLECTION_CONFIG_INIT;
  const auto refused = [](auto call) { check_refused(NDB_INVALID_ARGUMENT, "collection", call); };
  refused([&](ndb_error** error) { return ndb_flush(nullptr, true, &number, error); });
  refused([&](ndb_error** error) { return ndb_compact(nullptr, true, &number, error); });
  refused([&](ndb_error** error) { return ndb_rebuild_index(nullptr, true, &number, error); });
  refused([&](ndb_error** error) { return ndb_delete_index(nullptr, &number, error); });
  refused([&](ndb_error** error) { return ndb_has_index(nullptr, &flag, error); });
  refused([&](ndb_error** error) { return ndb_index_stats(nullptr, &index, error); });
  refused([&](ndb_error** error) { return ndb_stats(nullptr, &stats, error); });
  refused([&](ndb_error** error) { return ndb_config(nullptr, &config, error); });
  refused([&](ndb_error** error) { return ndb_stats_json(nullptr, &text, error); });
  refused([&](ndb_error** error) { return ndb_manifest(nullptr, &text, error); });
  refused([&](ndb_error** error) { return ndb_replicas_json(nullptr, &text, error); });
  refused([&](ndb_error** error) { return ndb_wait_for(nullptr, 1, 1, error); });
  refused([&](ndb_error** error) { return ndb_acquire_write_lock(nullptr, error); });
}

TEST_CASE("a second process that writes is told who holds the lock") {
  TempFolder folder;
  ChildProcess writer([&](const ChildProcess::Line& line) {
    CDatabase db;
    CCollection docs;
    const auto config = config_of(2);
    if (ndb_open(folder.path().c_str(), nullptr, &db, nullptr) != NDB_OK) return 1;
    if (ndb_create_collection(db, "docs", &config, &docs, nullptr) != NDB_OK) return 2;
    if (ndb_acquire_write_lock(docs, nullptr) != NDB_OK) return 3;
    line.say("ready");
    static_cast<void>(line.hear());
    return ndb_close(db.give(), nullptr) == NDB_OK ? 0 : 4;
  });
  REQUIRE(writer.hear() == "ready");
  CDatabase db;
  CCollection docs;
  REQUIRE(ndb_open(folder.path().c_str(), nullptr, &db, nullptr) == NDB_OK);
  REQUIRE(ndb_get_collection(db, "docs", &docs, nullptr) == NDB_OK);
  CError error;
  CHECK(ndb_acquire_write_lock(docs, &error) == NDB_COLLECTION_LOCKED);
  CHECK(std::string(ndb_error_message(error)).find("pid " + std::to_string(writer.pid())) != std::string::npos);
  writer.say("close");
  CHECK(writer.join() == 0);
}
