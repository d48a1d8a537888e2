// Filters by the index: the same rows as by payloads and as by the naive evaluator, whatever is indexed.
#include <fmt/format.h>

#include <random>

#include "tests/support/naive_filter.hpp"
#include "tests/support/seeds.hpp"
#include "tests/unit/shared/attributes/index_bench.hpp"

using namespace ndb;
using attributes::FilterRows;
using test::IndexBench;

namespace {

// Documents whose fields have rare and frequent values: both forms of row sets, and groups of every size.
std::vector<std::string> shop(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> documents;
  for (std::size_t i = 0; i < count; ++i) {
    const auto tags = random() % 4 == 0 ? std::string("[]") : fmt::format(R"(["t{}","t{}"])", random() % 60, random() % 4);
    documents.push_back(fmt::format(R"({{"price":{:.2f},"stock":{},"kind":"k{}","rare":"r{}","tags":{},"seller":{{"id":{}}}}})",
                                    static_cast<double>(random() % 100'000) / 100, random() % 50, random() % 3, random() % 900, tags,
                                    random() % 2'000));
    if (random() % 10 == 0) documents.back() = "";
  }
  return documents;
}

Filter random_condition(std::mt19937_64& random) {
  const auto low = static_cast<double>(random() % 1'000);
  switch (random() % 10) {
    case 0: return Filter::eq("kind", "k" + std::to_string(random() % 4));
    case 1: return Filter::gte("price", low) && Filter::lt("price", low + static_cast<double>(random() % 500));
    case 2: return Filter::lte("stock", random() % 60);
    case 3: return Filter::in_("rare", {"r1", "r2", "r" + std::to_string(random() % 900), 4});
    case 4: return Filter::ne("tags", "t" + std::to_string(random() % 5));
    case 5: return Filter::not_in("tags", {"t1", "t30"});
    case 6: return Filter::exists("tags", random() % 2 == 0);
    case 7: return Filter::gt("seller.id", random() % 2'200);
    case 8: return Filter::gt("rare", "r" + std::to_string(random() % 900));
    default: return Filter::eq("nowhere", 1);
  }
}

Filter random_filter(std::mt19937_64& random, int depth) {
  if (depth == 0 || random() % 3 == 0) return random_condition(random);
  std::vector<Filter> children;
  for (std::size_t i = 0, count = 1 + random() % 3; i < count; ++i) children.push_back(random_filter(random, depth - 1));
  switch (random() % 3) {
    case 0: return Filter::and_(children);
    case 1: return Filter::or_(children);
    default: return Filter::not_(children.front());
  }
}

}  // namespace

TEST_CASE("random filters over random documents give the rows of a naive evaluator") {
  for (const auto seed : test::seeds(12)) {
    CAPTURE(seed);
    test::FilterGenerator generate(seed);
    std::vector<test::json::value> documents;
    std::vector<std::string> texts;
    for (int i = 0; i < 150; ++i) {
      documents.emplace_back(generate.document());
      texts.push_back(test::json::serialize(documents.back()));
    }
    // All fields; some; none but the names.
    const attributes::FieldChoice choices[] = {{}, {.only = {}, .never = {"a", "b.c"}}, {.only = {"c"}, .never = {}}};
    const IndexBench bench(texts, choices[seed % 3]);
    REQUIRE(bench.view().verify());
    for (int i = 0; i < 150; ++i) {
      const auto source = generate.filter();
      const auto text = test::json::serialize(source);
      CAPTURE(text);
      std::vector<Row> expected;
      for (Row row = 0; row < documents.size(); ++row)
        if (test::naive_match(source, documents[row])) expected.push_back(row);
      REQUIRE(bench.found(test::must(Filter::from_json(text))) == expected);
    }
    REQUIRE(bench.view().damage());
  }
}

TEST_CASE("conditions on frequent, rare and many values give the rows that a scan of the payloads gives") {
  for (const auto seed : test::seeds(4)) {
    CAPTURE(seed);
    const auto documents = shop(4'000, seed);
    const attributes::FieldChoice choices[] = {{}, {.only = {}, .never = {"price", "tags"}}};
    const IndexBench bench(documents, choices[seed % 2]);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 150; ++i) {
      const Filter filter = random_filter(random, 3);
      CAPTURE(filter.to_json());
      REQUIRE(bench.found(filter) == bench.scanned(filter));
    }
  }
}

TEST_CASE("estimates are exact for one value, within bounds for ranges, and near where conditions are independent") {
  const auto documents = shop(5'000, 3);
  const IndexBench bench(documents);
  const auto estimate = [&](const Filter& filter, bool indexed = true) {
    const filter::CompiledFilter compiled(filter);
    return FilterRows(compiled, indexed ? &bench.view() : nullptr, bench.rows(), [&](Row row) { return bench.payload(row); }).estimate();
  };
  const auto actual = [&](const Filter& filter) { return static_cast<double>(bench.scanned(filter).size()); };
  for (const auto& filter : {Filter::eq("kind", "k1"), Filter::eq("rare", "r7"), Filter::exists("price"), Filter::lt("price", 250),
                             Filter::ne("kind", "k2"), Filter::gte("stock", 10), Filter::in_("kind", {"k0", "k2"})}) {
    CAPTURE(filter.to_json());
    CHECK(estimate(filter) == Approx(actual(filter)));
  }
  CHECK(estimate(Filter::gte("tags", "t2")) >= actual(Filter::gte("tags", "t2")));  // some have two such tags
  const auto both = Filter::eq("kind", "k1") && Filter::lt("price", 500);
  CHECK(estimate(both) == Approx(actual(both)).epsilon(0.25));
  const auto either = Filter::eq("kind", "k1") || Filter::lt("price", 500);
  CHECK(estimate(either) == Approx(actual(either)).epsilon(0.25));
  CHECK(estimate(!both) == Approx(actual(!both)).epsilon(0.25));
  CHECK(estimate(Filter()) == 5'000);
  // Without the index a sample says whether it is most, or hardly any.
  CHECK(estimate(Filter::exists("price"), false) > 3'500);
  CHECK(estimate(Filter::eq("rare", "r7"), false) < 1'000);
}

TEST_CASE("payloads are read only where the index does not say it all") {
  const auto documents = shop(1'000, 5);
  const IndexBench bench(documents, {.only = {}, .never = {"price"}});
  const auto reads = [&](const Filter& filter) {
    std::size_t count = 0;
    const filter::CompiledFilter compiled(filter);
    const FilterRows rows(compiled, &bench.view(), bench.rows(), [&](Row row) {
      ++count;
      return bench.payload(row);
    });
    const std::size_t sampled = count;
    CHECK(rows.evaluate().to_list() == bench.scanned(filter));
    return count - sampled;
  };
  CHECK(reads(Filter::eq("kind", "k1") && Filter::gt("stock", 7)) == 0);
  CHECK(reads(Filter::exists("price")) == 0);
  CHECK(reads(Filter::lt("price", 10)) == 1'000);
  const auto rare = Filter::eq("rare", "r7");
  CHECK(reads(Filter::lt("price", 500) && rare) == bench.scanned(rare).size());
  CHECK(reads(Filter::lt("price", 500) || !rare) == bench.scanned(rare).size());
}
