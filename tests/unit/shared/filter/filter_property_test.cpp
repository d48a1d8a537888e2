// Random filters over random documents, against an evaluator that shares nothing with the real one.
#include <random>

#include "ndb/filter.hpp"
#include "shared/filter/compiled_filter.hpp"
#include "shared/payload/payload.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/naive_filter.hpp"

namespace json = boost::json;
using namespace ndb;

TEST_CASE("random filters agree with a naive evaluator on random documents") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  test::FilterGenerator generate(seed);
  int matched = 0;
  constexpr int kFilters = 3000, kDocuments = 20;
  for (int i = 0; i < kFilters; ++i) {
    const json::object source = generate.filter();
    const std::string text = json::serialize(source);
    CAPTURE(text);
    const auto parsed = Filter::from_json(text);
    if (!parsed) INFO(parsed.error().message);
    REQUIRE(parsed);
    const filter::CompiledFilter compiled(*parsed);
    const filter::CompiledFilter again(Filter::from_json(parsed->to_json()).value());
    for (int k = 0; k < kDocuments; ++k) {
      const json::value document = generate.document();
      const auto bytes = payload::encode(json::serialize(document)).value();
      const bool expected = test::naive_match(source, document);
      if (compiled.matches(bytes) != expected || again.matches(bytes) != expected) {
        INFO("document: " << json::serialize(document));
        CHECK(compiled.matches(bytes) == expected);
        CHECK(again.matches(bytes) == expected);
      }
      matched += expected ? 1 : 0;
    }
  }
  // The generator is worth something only if both outcomes are common.
  CHECK(matched > kFilters * kDocuments / 10);
  CHECK(matched < kFilters * kDocuments * 9 / 10);
}
