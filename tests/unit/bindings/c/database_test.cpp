// Opening, creating, listing, dropping, closing, through ndb.h; and what every function does with NULL and foreign structs.
#include <array>
#include <cstring>

#include "tests/unit/bindings/c/c_bench.hpp"

using namespace ndb::test;

TEST_CASE("codes have the names that every other interface uses") {
  CHECK(std::string(ndb_code_name(NDB_OK)) == "ok");
  CHECK(std::string(ndb_code_name(NDB_INVALID_ARGUMENT)) == "invalid_argument");
  CHECK(std::string(ndb_code_name(NDB_COLLECTION_LOCKED)) == "collection_locked");
  CHECK(std::string(ndb_code_name(NDB_INTERNAL)) == "internal");
  CHECK(std::string(ndb_code_name(static_cast<ndb_code>(17))) == "unknown");
  CHECK(ndb_error_code(nullptr) == NDB_OK);
  CHECK(std::string(ndb_error_message(nullptr)).empty());
  CHECK(std::string(ndb_error_field(nullptr)).empty());
}

TEST_CASE("a collection is created, listed, found, opened and dropped") {
  CBench bench(false);
  const auto config = config_of(3, NDB_DOT);
  CCollection other;
  REQUIRE(ndb_create_collection(bench.db, "other", &config, &other, nullptr) == NDB_OK);
  CHECK(std::string(ndb_collection_name(other)) == "other");
  check_refused(NDB_ALREADY_EXISTS, "name", [&](ndb_error** error) { return ndb_create_collection(bench.db, "other", &config, &other, error); });
  CHECK(static_cast<ndb_collection*>(other) == nullptr);

  CStrings names;
  REQUIRE(ndb_list_collections(bench.db, &names, nullptr) == NDB_OK);
  REQUIRE(ndb_strings_count(names) == 2);
  CHECK(std::string(ndb_strings_get(names, 0)) == "docs");
  CHECK(std::string(ndb_strings_get(names, 1)) == "other");
  CHECK(ndb_strings_get(names, 2) == nullptr);

  REQUIRE(ndb_get_collection(bench.db, "other", &other, nullptr) == NDB_OK);
  ndb_collection_config read = NDB_COLLECTION_CONFIG_INIT;
  REQUIRE(ndb_config(other, &read, nullptr) == NDB_OK);
  CHECK(read.size == sizeof read);
  CHECK(read.dim == 3);
  CHECK(read.distance == NDB_DOT);
  CHECK(read.hnsw_m == 16);

  bool there = false;
  REQUIRE(ndb_has_collection(bench.db, "other", &there, nullptr) == NDB_OK);
  CHECK(there);
  REQUIRE(ndb_drop_collection(bench.db, "other", nullptr) == NDB_OK);
  REQUIRE(ndb_has_collection(bench.db, "other", &there, nullptr) == NDB_OK);
  CHECK_FALSE(there);
  check_refused(NDB_NOT_FOUND, "name", [&](ndb_error** error) { return ndb_drop_collection(bench.db, "other", error); });
  check_refused(NDB_NOT_FOUND, "name", [&](ndb_error** error) { return ndb_get_collection(bench.db, "other", &other, error); });
}

TEST_CASE("what a configuration cannot be is refused under its field") {
  CBench bench(false);
  CCollection made;
  const auto refused = [&](const std::string& field, auto change) {
    auto config = config_of(3);
    change(config);
    check_refused(NDB_INVALID_ARGUMENT, field, [&](ndb_error** error) { return ndb_create_collection(bench.db, "made", &config, &made, error); });
  };
  refused("dim", [](auto& config) { config.dim = 0; });
  refused("dim", [](auto& config) { config.dim = 65'537; });
  refused("hnsw.m", [](auto& config) { config.hnsw_m = 1; });
  const auto out_of_range = [](auto& field) { std::memset(&field, 7, 1); };  // no value that a C++ enumeration may hold
  refused("distance", [&](auto& config) { out_of_range(config.distance); });
  refused("durability", [&](auto& config) { out_of_range(config.durability); });
  refused("hnsw.quantization", [&](auto& config) { out_of_range(config.quantization); });
  refused("config.size", [](auto& config) { config.size = 0; });
  const auto config = config_of(3);
  check_refused(NDB_INVALID_ARGUMENT, "name", [&](ndb_error** error) { return ndb_create_collection(bench.db, "a/b", &config, &made, error); });
  check_refused(NDB_INVALID_ARGUMENT, "config", [&](ndb_error** error) { return ndb_create_collection(bench.db, "made", nullptr, &made, error); });
  bool there = true;
  REQUIRE(ndb_has_collection(bench.db, "made", &there, nullptr) == NDB_OK);
  CHECK_FALSE(there);
}

TEST_CASE("a struct of a newer header is accepted as long as it asks for nothing new, one of an older header gets the defaults") {
  CBench bench(false);
  struct Newer {
    ndb_collection_config known = config_of(3);
    std::uint64_t unknown = 0;
  } newer;
  newer.known.size = sizeof newer;
  CCollection made;
  REQUIRE(ndb_create_collection(bench.db, "newer", &newer.known, &made, nullptr) == NDB_OK);
  newer.unknown = 1;
  check_refused(NDB_INVALID_ARGUMENT, "config", [&](ndb_error** error) { return ndb_create_collection(bench.db, "new", &newer.known, &made, error); });

  auto older = config_of(3);
  older.size = offsetof(ndb_collection_config, hnsw_m);
  older.hnsw_m = 99;  // beyond its size
  REQUIRE(ndb_create_collection(bench.db, "older", &older, &made, nullptr) == NDB_OK);
  ndb_collection_config read = NDB_COLLECTION_CONFIG_INIT;
  REQUIRE(ndb_config(made, &read, nullptr) == NDB_OK);
  CHECK(read.hnsw_m == 16);
  std::array<unsigned char, sizeof(ndb_collection_config)> bytes{};
  bytes.fill(0xAA);
  auto* small = reinterpret_cast<ndb_collection_config*>(bytes.data());
  small->size = offsetof(ndb_collection_config, distance);
  REQUIRE(ndb_config(made, small, nullptr) == NDB_OK);
  CHECK(small->dim == 3);
  CHECK(bytes[offsetof(ndb_collection_config, distance)] == 0xAA);  // nothing is written beyond its size
}

TEST_CASE("a folder that cannot be opened is an error, and hands out nothing") {
  CDatabase db;
  check_refused(NDB_INVALID_ARGUMENT, "data_dir", [&](ndb_error** error) { return ndb_open("", nullptr, &db, error); });
  check_refused(NDB_IO_ERROR, "", [&](ndb_error** error) { return ndb_open("/dev/null", nullptr, &db, error); });
  check_refused(NDB_INVALID_ARGUMENT, "folder", [&](ndb_error** error) { return ndb_open(nullptr, nullptr, &db, error); });
  check_refused(NDB_INVALID_ARGUMENT, "out", [&](ndb_error** error) { return ndb_open("/dev/null", nullptr, nullptr, error); });
  CHECK(static_cast<ndb_database*>(db) == nullptr);
}

TEST_CASE("opened read-only, a database answers reads and refuses writes") {
  CBench bench;
  REQUIRE(ndb_flush(bench.docs, true, nullptr, nullptr) == NDB_OK);
  ndb_options options = NDB_OPTIONS_INIT;
  options.read_only = true;
  CDatabase db;
  REQUIRE(ndb_open(bench.folder.path().c_str(), &options, &db, nullptr) == NDB_OK);
  CCollection docs;
  REQUIRE(ndb_get_collection(db, "docs", &docs, nullptr) == NDB_OK);
  std::uint64_t count = 0;
  REQUIRE(ndb_count(docs, nullptr, &count, nullptr) == NDB_OK);
  CHECK(count == 3);
  check_refused(NDB_READ_ONLY, "", [&](ndb_error** error) { return ndb_remove(docs, "a", nullptr, error); });
  check_refused(NDB_READ_ONLY, "", [&](ndb_error** error) { return ndb_acquire_write_lock(docs, error); });
}

TEST_CASE("after closing, what is left of a database answers unavailable and can be freed") {
  CBench bench;
  CError error;
  CDatabase other;
  REQUIRE(ndb_open(bench.folder.path().c_str(), nullptr, &other, nullptr) == NDB_OK);
  bool there = false;
  CHECK(ndb_has_collection(other, "docs", &there, nullptr) == NDB_OK);
  CHECK(there);
  CHECK(ndb_has_collection(other, "../docs", &there, nullptr) == NDB_OK);
  CHECK_FALSE(there);
  REQUIRE(ndb_close(bench.db.give(), &error) == NDB_OK);
  CHECK(static_cast<ndb_error*>(error) == nullptr);
  check_refused(NDB_UNAVAILABLE, "", [&](ndb_error** failure) { return ndb_remove(bench.docs, "a", nullptr, failure); });
  check_refused(NDB_UNAVAILABLE, "", [&](ndb_error** failure) { return ndb_has_collection(other, "docs", &there, failure); });
  CHECK(ndb_close(nullptr, nullptr) == NDB_OK);
  CDatabase again;
  REQUIRE(ndb_open(bench.folder.path().c_str(), nullptr, &again, nullptr) == NDB_OK);
  REQUIRE(ndb_get_collection(again, "docs", &bench.docs, nullptr) == NDB_OK);
  CHECK(bench.count() == 3);
}

TEST_CASE("a collection keeps its database open when the database's handle is freed first") {
  CBench bench;
  ndb_release(bench.db.give());
  CHECK(bench.count() == 3);
  CHECK(ndb_remove(bench.docs, "a", nullptr, nullptr) == NDB_OK);
}

TEST_CASE("a NULL handle is an error, not the end") {
  const auto invalid = [](const std::string& field, auto call) { check_refused(NDB_INVALID_ARGUMENT, field, call); };
  CCollection made;
  CStrings names;
  CBench bench;
  bool flag = false;
  const auto config = config_of(2);
  invalid("database", [&](ndb_error** error) { return ndb_create_collection(nullptr, "x", &config, &made, error); });
  invalid("database", [&](ndb_error** error) { return ndb_get_collection(nullptr, "x", &made, error); });
  invalid("name", [&](ndb_error** error) { return ndb_get_collection(bench.db, nullptr, &made, error); });
  invalid("database", [&](ndb_error** error) { return ndb_has_collection(nullptr, "x", &flag, error); });
  invalid("out", [&](ndb_error** error) { return ndb_has_collection(bench.db, "x", nullptr, error); });
  invalid("database", [&](ndb_error** error) { return ndb_list_collections(nullptr, &names, error); });
  invalid("database", [&](ndb_error** error) { return ndb_drop_collection(nullptr, "x", error); });
  CHECK(ndb_collection_name(nullptr) == nullptr);
  CHECK(ndb_strings_count(nullptr) == 0);
  ndb_release(nullptr);
}
