// One table of filters in both forms, evaluated over the same documents. Its JSON half is tests/support/filter_cases.json, which the tests of every
// language read.
#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include "ndb/filter.hpp"
#include "shared/filter/compiled_filter.hpp"
#include "shared/payload/payload.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;

namespace {

const std::vector<std::string> kDocuments{
    /*0*/ R"({"source":"wiki","year":2024,"price":5,"tags":["a","b"]})",
    /*1*/ R"({"source":"web","year":2020.0,"price":2.5,"tags":[]})",
    /*2*/ R"({"source":null,"year":"2024","price":10,"tags":"a"})",
    /*3*/ R"({"author":{"name":"eve","tags":["x"]},"ok":true})",
    /*4*/ R"({"author":[{"name":"bob","age":30},{"name":"eve","age":40},7],"ok":false})",
    /*5*/ R"({})",
    /*6*/ "",
    /*7*/ R"({"source":{"wiki":1},"tags":[null,1,[2]],"big":9007199254740993,"huge":18446744073709551615})",
};

struct Case {
  const char* json;
  Filter filter;
  std::vector<std::size_t> matches;
};

const std::vector<std::size_t> kAll{0, 1, 2, 3, 4, 5, 6, 7};

std::vector<Case> cases() {
  using F = Filter;
  return {
      {R"({})", F(), kAll},
      {R"({"$and":[]})", F::and_({}), kAll},
      {R"({"source":"wiki"})", F::eq("source", "wiki"), {0}},
      {R"({"source":{"$eq":"wiki"}})", F::eq("source", "wiki"), {0}},
      {R"({"source":"wik"})", F::eq("source", "wik"), {}},
      {R"({"source":{"$ne":"wiki"}})", F::ne("source", "wiki"), {1, 2, 3, 4, 5, 6, 7}},
      {R"({"source":null})", F::eq("source", nullptr), {2}},
      {R"({"source":{"$ne":null}})", F::ne("source", nullptr), {0, 1, 3, 4, 5, 6, 7}},
      {R"({"source":{"$exists":true}})", F::exists("source"), {0, 1, 2, 7}},
      {R"({"source":{"$exists":false}})", F::exists("source", false), {3, 4, 5, 6}},
      {R"({"tags":{"$exists":true}})", F::exists("tags"), {0, 1, 2, 7}},
      {R"({"year":2024})", F::eq("year", 2024), {0}},
      {R"({"year":2024.0})", F::eq("year", 2024.0), {0}},
      {R"({"year":2020})", F::eq("year", 2020U), {1}},
      {R"({"year":"2024"})", F::eq("year", "2024"), {2}},
      {R"({"year":{"$gte":2020}})", F::gte("year", 2020), {0, 1}},
      {R"({"year":{"$gt":2020}})", F::gt("year", 2020), {0}},
      {R"({"year":{"$gt":"2"}})", F::gt("year", "2"), {2}},
      {R"({"price":{"$lt":5}})", F::lt("price", 5), {1}},
      {R"({"price":{"$lte":5}})", F::lte("price", 5), {0, 1}},
      {R"({"price":{"$gte":2.5,"$lt":10}})", F::and_({F::gte("price", 2.5), F::lt("price", 10)}), {0, 1}},
      {R"({"source":{"$lt":"wf"}})", F::lt("source", "wf"), {1}},
      {R"({"source":{"$gt":""}})", F::gt("source", ""), {0, 1}},
      {R"({"year":{"$in":["2024",2020,null,true]}})", F::in_("year", {"2024", 2020, nullptr, true}), {1, 2}},
      {R"({"year":{"$in":[]}})", F::in_("year", {}), {}},
      {R"({"year":{"$nin":[]}})", F::not_in("year", {}), kAll},
      {R"({"year":{"$nin":[2024,2020]}})", F::not_in("year", {2024, 2020}), {2, 3, 4, 5, 6, 7}},
      {R"({"ok":true})", F::eq("ok", true), {3}},
      {R"({"ok":{"$ne":true}})", F::ne("ok", true), {0, 1, 2, 4, 5, 6, 7}},
      {R"({"ok":1})", F::eq("ok", 1), {}},
      {R"({"ok":0})", F::eq("ok", 0), {}},
      // Arrays: any element; ne and nin: none equal. Elements of inner arrays do not count.
      {R"({"tags":"a"})", F::eq("tags", "a"), {0, 2}},
      {R"({"tags":{"$ne":"a"}})", F::ne("tags", "a"), {1, 3, 4, 5, 6, 7}},
      {R"({"tags":{"$in":["b","z"]}})", F::in_("tags", {"b", "z"}), {0}},
      {R"({"tags":{"$nin":["b",1]}})", F::not_in("tags", {"b", 1}), {1, 2, 3, 4, 5, 6}},
      {R"({"tags":null})", F::eq("tags", nullptr), {7}},
      {R"({"tags":2})", F::eq("tags", 2), {}},
      {R"({"tags":{"$gte":"b"}})", F::gte("tags", "b"), {0}},
      {R"({"tags.a":1})", F::eq("tags.a", 1), {}},
      // Dotted paths.
      {R"({"author.name":"eve"})", F::eq("author.name", "eve"), {3, 4}},
      {R"({"author.name":{"$ne":"eve"}})", F::ne("author.name", "eve"), {0, 1, 2, 5, 6, 7}},
      {R"({"author.age":{"$gt":35}})", F::gt("author.age", 35), {4}},
      {R"({"author.age":{"$gt":30,"$lt":40}})", F::and_({F::gt("author.age", 30), F::lt("author.age", 40)}), {4}},
      {R"({"author.age":{"$exists":true}})", F::exists("author.age"), {4}},
      {R"({"author.tags":"x"})", F::eq("author.tags", "x"), {3}},
      {R"({"author":"eve"})", F::eq("author", "eve"), {}},
      {R"({"author":7})", F::eq("author", 7), {4}},
      {R"({"source.wiki":1})", F::eq("source.wiki", 1), {7}},
      {R"({"source.wiki.deep":1})", F::eq("source.wiki.deep", 1), {}},
      // Exact numbers: 2^53 + 1 has no double.
      {R"({"big":9007199254740993})", F::eq("big", 9007199254740993), {7}},
      {R"({"big":9007199254740992.0})", F::eq("big", 9007199254740992.0), {}},
      {R"({"big":{"$gt":9007199254740992.0}})", F::gt("big", 9007199254740992.0), {7}},
      {R"({"huge":18446744073709551615})", F::eq("huge", UINT64_MAX), {7}},
      {R"({"huge":{"$lt":18446744073709551616.0}})", F::lt("huge", 0x1p64), {7}},
      {R"({"huge":-1})", F::eq("huge", -1), {}},
      {R"({"huge":{"$gt":9223372036854775807}})", F::gt("huge", INT64_MAX), {7}},
      // Groups.
      {R"({"$or":[{"source":"wiki"},{"ok":true}]})", F::eq("source", "wiki") || F::eq("ok", true), {0, 3}},
      {R"({"$and":[{"source":"wiki"},{"year":2024}]})", F::eq("source", "wiki") && F::eq("year", 2024), {0}},
      {R"({"source":"wiki","year":2020})", F::eq("source", "wiki") && F::eq("year", 2020), {}},
      {R"({"$not":{"source":"wiki"}})", !F::eq("source", "wiki"), {1, 2, 3, 4, 5, 6, 7}},
      {R"({"$not":{}})", !F(), {}},
      {R"({"$not":{"price":{"$gte":0}}})", !F::gte("price", 0), {3, 4, 5, 6, 7}},
      {R"({"$not":{"$or":[{"tags":"a"},{"ok":{"$exists":true}}]}})", !(F::eq("tags", "a") || F::exists("ok")), {1, 5, 6, 7}},
  };
}

std::vector<std::size_t> matching(const Filter& filter) {
  const filter::CompiledFilter compiled(filter);
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < kDocuments.size(); ++i)
    if (compiled.matches(payload::encode(kDocuments[i]).value())) found.push_back(i);
  return found;
}

}  // namespace

TEST_CASE("each filter matches the same documents in its JSON and in its C++ form") {
  for (const auto& [json, filter, matches] : cases()) {
    CAPTURE(json);
    const auto parsed = Filter::from_json(json);
    if (!parsed) FAIL_CHECK(parsed.error().message);
    else CHECK(matching(*parsed) == matches);
    CHECK(filter.validate());
    CHECK(matching(filter) == matches);
    const auto again = Filter::from_json(filter.to_json());
    INFO(filter.to_json());
    REQUIRE(again);
    CHECK(again->to_json() == filter.to_json());
    CHECK(matching(*again) == matches);
  }
}

TEST_CASE("the table that other languages read is this one") {
  std::ifstream in(NDB_FILTER_CASES);
  const auto table = boost::json::parse(std::string(std::istreambuf_iterator<char>(in), {})).as_object();
  const auto& documents = table.at("documents").as_array();
  REQUIRE(documents.size() == kDocuments.size());
  for (std::size_t i = 0; i < kDocuments.size(); ++i)
    CHECK((documents[i].is_null() ? std::string() : std::string(documents[i].as_string())) == kDocuments[i]);
  const auto& rows = table.at("cases").as_array();
  const auto expected = cases();
  REQUIRE(rows.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(std::string(rows[i].at("filter").as_string()) == expected[i].json);
    CHECK(boost::json::value_to<std::vector<std::size_t>>(rows[i].at("matches")) == expected[i].matches);
  }
}

TEST_CASE("a long list of values is searched as exactly as a short one") {
  std::vector<FilterScalar> values{nullptr, true, "x", 0.5, UINT64_MAX};
  for (int i = 0; i < 1000; ++i) values.emplace_back(i * 3);
  const filter::CompiledFilter compiled(Filter::in_("n", values));
  const auto matches = [&](const std::string& value) {
    return compiled.matches(payload::encode("{\"n\":" + value + "}").value());
  };
  for (int i = 0; i < 3000; ++i) REQUIRE(matches(std::to_string(i)) == (i % 3 == 0));
  for (const char* yes : {"null", "true", "\"x\"", "0.5", "18446744073709551615", "300.0", "[1,2,3]"}) CHECK(matches(yes));
  for (const char* no : {"false", "\"y\"", "300.5", "-3", "{}", "[]", "[[3]]", "1e300"}) CHECK_FALSE(matches(no));
}

TEST_CASE("damaged payloads match like documents without fields, or not, but never crash") {
  auto bytes = payload::encode(R"({"a":[{"b":1},{"b":[1,2,3]}],"c":"text"})").value();
  const filter::CompiledFilter compiled(
      *Filter::from_json(R"({"$or":[{"a.b":4},{"c":{"$gt":"u"}},{"a":{"$in":[1,"x"]}},{"c.d":{"$exists":true}}]})"));
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (unsigned value = 0; value < 256; ++value) {
      const auto kept = bytes[at];
      bytes[at] = static_cast<std::byte>(value);
      static_cast<void>(compiled.matches(bytes));
      bytes[at] = kept;
    }
  CHECK_FALSE(compiled.matches(bytes));
}

TEST_CASE("matches_all sees through empty groups") {
  CHECK(Filter().matches_all());
  CHECK(Filter::and_({}).matches_all());
  CHECK((Filter() && Filter()).matches_all());
  CHECK_FALSE((Filter() && Filter::exists("a")).matches_all());
  CHECK_FALSE(Filter::not_(Filter()).matches_all());
}
