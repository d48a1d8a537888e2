#include <cmath>
#include <limits>

#include "ndb/filter.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;

TEST_CASE("a wrong filter is refused at the place where it is wrong") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"price":{"$gtt":1}})", "filter.price.$gtt"},
      {R"({"price":{"gt":1}})", "filter.price.gt"},
      {R"({"price":{}})", "filter.price"},
      {R"({"a":[1,2]})", "filter.a"},
      {R"({"a":{"b":1}})", "filter.a.b"},
      {R"({"a":{"$eq":{"b":1}}})", "filter.a.$eq"},
      {R"({"a":{"$eq":[1]}})", "filter.a.$eq"},
      {R"({"a":{"$in":1}})", "filter.a.$in"},
      {R"({"a":{"$in":[1,[2]]}})", "filter.a.$in[1]"},
      {R"({"a":{"$nin":{}}})", "filter.a.$nin"},
      {R"({"a":{"$exists":1}})", "filter.a.$exists"},
      {R"({"a":{"$lt":null}})", "filter.a"},
      {R"({"a":{"$gte":true}})", "filter.a"},
      {R"({"$or":[]})", "filter"},
      {R"({"$or":{}})", "filter.$or"},
      {R"({"$and":[{"a":1},{"$or":[{"b":{"$x":1}}]}]})", "filter.$and[1].$or[0].b.$x"},
      {R"({"$and":[1]})", "filter.$and[0]"},
      {R"({"$not":[]})", "filter.$not"},
      {R"({"$nor":[{"a":1}]})", "filter.$nor"},
      {R"({"$where":"1"})", "filter.$where"},
      {R"({"":1})", "filter"},
      {R"({"a..b":1})", "filter"},
      {R"({".a":1})", "filter"},
      {R"({"a.":1})", "filter"},
      {R"({"a\u0000":1})", "filter"},
      {R"({"a":1,"a":2})", "filter.a"},
      {R"({"a":{"$gt":1,"$gt":2}})", "filter.a.$gt"},
      {R"([])", "filter"},
      {R"("a")", "filter"},
      {R"({"a":1)", "filter"},
      {"", "filter"},
      {R"({"a":1e999})", "filter"},
      {"{\"a\":\"\xff\"}", "filter"},
  };
  for (const auto& [json, place] : cases) {
    CAPTURE(json);
    const auto filter = Filter::from_json(json);
    REQUIRE_FALSE(filter);
    CHECK(filter.error().code == ErrorCode::invalid_argument);
    CHECK(filter.error().field == place);
    CHECK(filter.error().message.starts_with(place));
  }
  CHECK(Filter::from_json(R"({"a":{"$x":1}})", "searches[2].filter").error().field == "searches[2].filter.a.$x");
  CHECK(Filter::from_json(R"({"price":{"$gtt":1}})").error().message.starts_with("filter.price.$gtt: unknown operator"));
}

TEST_CASE("filters have a bound on depth and on size") {
  const auto nested = [](int depth) {
    std::string json = R"({"a":{"$in":[1]}})";
    for (int i = 1; i < depth; ++i) json = "{\"$and\":[" + json + "]}";
    return json;
  };
  CHECK(Filter::from_json(nested(Filter::kMaxDepth)));
  CHECK_FALSE(Filter::from_json(nested(Filter::kMaxDepth + 1)));
  CHECK_FALSE(Filter::from_json(nested(10'000)));

  const auto values = [](std::size_t count) { return Filter::in_("a", std::vector<FilterScalar>(count, 1)); };
  CHECK(values(Filter::kMaxNodes - 1).validate());
  CHECK_FALSE(values(Filter::kMaxNodes).validate());
  CHECK_FALSE(Filter::from_json(values(Filter::kMaxNodes).to_json()));

  std::string path = "a";
  for (int i = 1; i < 64; ++i) path += ".a";
  CHECK(Filter::exists(path).validate());
  CHECK_FALSE(Filter::exists(path + ".a").validate());
}

TEST_CASE("a tree that shares its branches is refused without walking all of it") {
  Filter filter = Filter::eq("a", 1);
  for (int i = 0; i < 31; ++i) filter = filter && filter;
  CHECK_FALSE(filter.validate());
  for (int i = 0; i < 100; ++i) filter = !filter;
  CHECK_FALSE(filter.validate());
}

TEST_CASE("filters made in C++ are checked like those that were parsed") {
  CHECK_FALSE(Filter::or_({}).validate());
  CHECK_FALSE(Filter::eq("", 1).validate());
  CHECK_FALSE(Filter::eq("$a", 1).validate());
  CHECK_FALSE(Filter::eq("a", std::numeric_limits<double>::quiet_NaN()).validate());
  CHECK_FALSE(Filter::in_("a", {1, std::numeric_limits<double>::infinity()}).validate());
  CHECK_FALSE(Filter::lt("a", true).validate());
  CHECK_FALSE(Filter::gte("a", nullptr).validate());
  CHECK_FALSE(Filter::eq("a", "\xff").validate());
  CHECK_FALSE(Filter::eq(std::string("a\0", 2), 1).validate());
  const auto status = (Filter::eq("a", 1) && !Filter::lt("b", true)).validate("search.filter");
  REQUIRE_FALSE(status);
  CHECK(status.error().field == "search.filter.$and[1].$not.b");
}

TEST_CASE("numbers keep their kind in JSON") {
  CHECK(Filter::eq("a", 3U).to_json() == R"({"a":3})");
  CHECK(Filter::eq("a", 3.0).to_json() == R"({"a":3.0})");
  CHECK(Filter::in_("a", {UINT64_MAX, -1, "x\"", nullptr, false}).to_json() ==
        R"({"a":{"$in":[18446744073709551615,-1,"x\"",null,false]}})");
  CHECK(Filter().to_json() == "{}");
}
