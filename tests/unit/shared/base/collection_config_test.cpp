#include "ndb/collection_config.hpp"

#include "tests/support/catch.hpp"

using namespace ndb;

TEST_CASE("collection names are 1 to 64 of A-Z a-z 0-9 _ -") {
  CHECK(validate_collection_name("docs"));
  CHECK(validate_collection_name(std::string(64, 'a')));
  for (const std::string bad : {"", "../x", "a/b", "a.b", "ä", " "}) {
    const auto status = validate_collection_name(bad);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::invalid_argument);
    CHECK(status.error().field == "name");
  }
  CHECK_FALSE(validate_collection_name(std::string(65, 'a')));
}

TEST_CASE("a configuration out of range is refused with its field") {
  CollectionConfig config{.dim = 4};
  CHECK(validate(config));
  config.dim = 0;
  CHECK(validate(config).error().field == "dim");
  config = {.dim = 4, .hnsw = {.m = 1}};
  CHECK(validate(config).error().field == "hnsw.m");
  config = {.dim = 4, .hnsw = {.m = 16, .ef_construction = 8}};
  CHECK(validate(config).error().field == "hnsw.ef_construct");
  config = {.dim = 4, .attributes = {.only = {"a", "a.b"}, .never = {"text"}}};
  CHECK(validate(config));
  for (const std::string bad : {"", ".a", "a.", "a..b"}) {
    config.attributes.only = {"good", bad};
    CHECK(validate(config).error().field == "attributes.only[1]");
  }
  config.attributes = {.only = {}, .never = std::vector<std::string>(Limits::kMaxAttributeNames + 1, "a")};
  CHECK(validate(config).error().field == "attributes.never");
  config = {.dim = 4, .history = {.retention = Limits::kMaxRetention, .interval = Limits::kMaxHistoryInterval}};
  CHECK(validate(config));
  config.history.retention += std::chrono::seconds(1);
  CHECK(validate(config).error().field == "history.retention");
  for (const auto interval : {std::chrono::seconds(0), Limits::kMaxHistoryInterval + std::chrono::seconds(1)}) {
    config.history = {.retention = std::chrono::seconds(1), .interval = interval};
    CHECK(validate(config).error().field == "history.interval");
  }
}
