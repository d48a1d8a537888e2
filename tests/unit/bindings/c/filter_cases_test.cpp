// The table of filters that every language is tested with (tests/support/filter_cases.json), and what filters find by an index, through ndb.h.
#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "tests/unit/bindings/c/c_bench.hpp"

using namespace ndb::test;

namespace {

boost::json::object filter_table() {
  std::ifstream in(NDB_FILTER_CASES);
  return boost::json::parse(std::string(std::istreambuf_iterator<char>(in), {})).as_object();
}

}  // namespace

TEST_CASE("the table of filters, in memory and from a segment") {
  const auto table = filter_table();
  CBench bench(false);
  const float vector[] = {1, 1};
  const auto& documents = table.at("documents").as_array();
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string payload(documents[i].is_null() ? "" : documents[i].as_string());
    REQUIRE(ndb_insert(bench.docs, std::to_string(i).c_str(), vector, 2, payload.empty() ? nullptr : payload.c_str(), nullptr, nullptr) == NDB_OK);
  }
  for (const bool flushed : {false, true}) {
    if (flushed) REQUIRE(ndb_flush(bench.docs, true, nullptr, nullptr) == NDB_OK);
    for (const auto& one : table.at("cases").as_array()) {
      const std::string filter(one.at("filter").as_string());
      CAPTURE(flushed, filter);
      const auto matches = boost::json::value_to<std::vector<std::uint64_t>>(one.at("matches"));
      CHECK(bench.count(filter.c_str()) == matches.size());
      CDocuments found;
      REQUIRE(ndb_scroll(bench.docs, filter.c_str(), 100, nullptr, &found, nullptr) == NDB_OK);
      REQUIRE(ndb_documents_count(found) == matches.size());
      for (std::size_t i = 0; i < matches.size(); ++i) CHECK(std::string(ndb_documents_id(found, i)) == std::to_string(matches[i]));
    }
  }
}

TEST_CASE("a collection says which fields filters find by an index") {
  CBench bench;
  auto config = config_of(2);
  const char* only[] = {"source", "author.name"};
  const char* never[] = {"text"};
  config.attributes_only = only;
  config.attributes_only_count = 2;
  config.attributes_never = never;
  config.attributes_never_count = 1;
  CCollection made;
  REQUIRE(ndb_create_collection(bench.db, "some", &config, &made, nullptr) == NDB_OK);
  ndb_collection_config read = NDB_COLLECTION_CONFIG_INIT;
  REQUIRE(ndb_config(made, &read, nullptr) == NDB_OK);
  REQUIRE(read.attributes_only_count == 2);
  CHECK(std::string(read.attributes_only[1]) == "author.name");
  REQUIRE(read.attributes_never_count == 1);
  CHECK(std::string(read.attributes_never[0]) == "text");
  only[1] = nullptr;
  CCollection refused;
  check_refused(NDB_INVALID_ARGUMENT, "attributes.only[1]",
                [&](ndb_error** error) { return ndb_create_collection(bench.db, "refused", &config, &refused, error); });
}
