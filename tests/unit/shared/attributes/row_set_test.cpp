#include "shared/attributes/row_set.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <set>

#include "shared/attributes/attribute_format.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/seeds.hpp"

using namespace ndb;
using attributes::RowSet;
using attributes::RowUnion;

namespace {

std::vector<Row> random_rows(std::mt19937_64& random, Row universe) {
  std::set<Row> rows;
  const Row count = random() % 3 == 0 ? static_cast<Row>(random() % universe) : static_cast<Row>(random() % 20);
  for (Row i = 0; i < count; ++i) rows.insert(static_cast<Row>(random() % universe));
  return {rows.begin(), rows.end()};
}

// The same rows in one of the forms that a set can have.
RowSet in_some_form(std::mt19937_64& random, const std::vector<Row>& rows, Row universe) {
  if (random() % 2 == 0) return RowSet::of_list(rows, universe);
  RowUnion adding(universe);
  adding.add_list(rows);
  RowSet set = adding.take();
  return random() % 2 == 0 ? RowSet::of_bits(set.to_words(), universe) : std::move(set);
}

}  // namespace

TEST_CASE("sets in every form agree with std::set algorithms") {
  for (const auto seed : test::seeds(200)) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const Row universe = 1 + static_cast<Row>(random() % 3'000);
    const auto left = random_rows(random, universe), right = random_rows(random, universe);
    const RowSet a = in_some_form(random, left, universe), b = in_some_form(random, right, universe);
    REQUIRE(a.to_list() == left);
    REQUIRE(a.count() == left.size());
    REQUIRE(a.copy().to_list() == left);
    REQUIRE(RowSet::of_bits(a.to_words(), universe).to_list() == left);
    std::vector<Row> expected;
    std::ranges::set_intersection(left, right, std::back_inserter(expected));
    REQUIRE(RowSet::intersection(a, b).to_list() == expected);
    expected.clear();
    std::ranges::set_difference(left, right, std::back_inserter(expected));
    REQUIRE(RowSet::difference(a, b).to_list() == expected);
    expected.clear();
    std::ranges::set_union(left, right, std::back_inserter(expected));
    RowUnion both(universe);
    both.add(a);
    both.add(b);
    REQUIRE(both.take().to_list() == expected);
    for (Row row = 0; row < universe; row += 7) REQUIRE(a.contains(row) == std::ranges::binary_search(left, row));
    REQUIRE(a.filtered([](Row row) { return row % 3 == 0; }).count() ==
            static_cast<Row>(std::ranges::count_if(left, [](Row row) { return row % 3 == 0; })));
  }
}

TEST_CASE("all and none of a universe of any size") {
  for (const Row universe : {1U, 63U, 64U, 65U, 1'000U}) {
    CAPTURE(universe);
    CHECK(RowSet::all(universe).count() == universe);
    CHECK(RowSet::all(universe).to_list().back() == universe - 1);
    CHECK(RowSet::all(universe).is_all());
    CHECK(RowSet(universe).empty());
    CHECK(RowSet::difference(RowSet::all(universe), RowSet(universe)).count() == universe);
    CHECK(RowSet::difference(RowSet::all(universe), RowSet::all(universe)).empty());
  }
}

TEST_CASE("rows that a list should not have are left out of a union") {
  RowUnion adding(10);
  const std::vector<Row> rows = {3, 9, 10, 4'000'000'000};
  adding.add_list(rows);
  CHECK(adding.take().to_list() == std::vector<Row>{3, 9});
}
