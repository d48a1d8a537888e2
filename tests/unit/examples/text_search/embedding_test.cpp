#include "examples/text_search/embedding.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/support/catch.hpp"

using namespace ndb::text_search;

namespace {

double similarity(std::string_view left, std::string_view right) {
  const auto a = embed(left);
  const auto b = embed(right);
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

TEST_CASE("words are runs of letters and digits in lower case") {
  CHECK(words_of("The GNU (GPL) v3, 2007!") == std::vector<std::string>{"the", "gnu", "gpl", "v3", "2007"});
  CHECK(words_of("Lizenz für Bücher") == std::vector<std::string>{"lizenz", "für", "bücher"});
  CHECK(words_of(" -- ").empty());
}

TEST_CASE("every text with a word becomes a vector of length 1") {
  for (const std::string_view text : {"a", "the", "no warranty of any kind", "x y z"}) {
    CAPTURE(text);
    CHECK(std::abs(similarity(text, text) - 1.0) < 1e-5);
  }
  CHECK(std::ranges::all_of(embed("..."), [](float value) { return value == 0.0F; }));
}

TEST_CASE("related texts are nearer than unrelated ones") {
  const std::string_view query = "disclaimer of warranty";
  CHECK(similarity(query, "This program comes with absolutely no warranty; see the disclaimer") >
        2 * std::abs(similarity(query, "Bananas ripen quickly near other fruit")));
  CHECK(similarity("indexing", "indexes") > 0.3);
  CHECK(std::abs(similarity("warranty", "banana")) < 0.3);
}
