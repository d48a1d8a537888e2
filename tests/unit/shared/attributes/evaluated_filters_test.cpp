#include "shared/attributes/evaluated_filters.hpp"

#include "ndb/filter.hpp"
#include "shared/filter/compiled_filter.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;
using attributes::EvaluatedFilter;
using attributes::EvaluatedFilters;
using attributes::RowSet;

namespace {

std::shared_ptr<const EvaluatedFilter> with_rows(std::vector<Row> rows) {
  return std::make_shared<const EvaluatedFilter>(RowSet::of_list(std::move(rows), 1'000), 7);
}

std::string key_of(const Filter& filter) { return filter::CompiledFilter(filter).key(); }

}  // namespace

TEST_CASE("the filters that were asked for last are kept") {
  EvaluatedFilters filters;
  CHECK(filters.find("a") == nullptr);
  const auto first = with_rows({1, 5});
  filters.keep("a", first);
  CHECK(filters.find("a") == first);
  filters.keep("a", with_rows({2}));
  CHECK(filters.find("a") == first);
  for (std::size_t i = 1; i < EvaluatedFilters::kMost; ++i) filters.keep("filler " + std::to_string(i), with_rows({3}));
  CHECK(filters.find("a") == first);  // and so it is the youngest now
  filters.keep("one more", with_rows({4}));
  CHECK(filters.find("filler 1") == nullptr);
  CHECK(filters.find("a") == first);
  CHECK(filters.find("one more") != nullptr);
}

TEST_CASE("rows that a mapped file holds are not kept") {
  const std::vector<Row> mapped{1, 2, 3};
  const std::vector<std::uint64_t> words(16, 1);
  EvaluatedFilters filters;
  filters.keep("list", std::make_shared<const EvaluatedFilter>(RowSet::borrow_list(mapped, 1'000), 3));
  filters.keep("bits", std::make_shared<const EvaluatedFilter>(RowSet::borrow_bits(words, 16, 1'000), 16));
  CHECK(filters.find("list") == nullptr);
  CHECK(filters.find("bits") == nullptr);
}

TEST_CASE("keys are equal for equal filters only") {
  const std::vector<Filter> different{
      Filter::eq("a", "b"),
      Filter::eq("ab", ""),
      Filter::eq("a", 1),
      Filter::eq("a", 1.0),
      Filter::eq("a", true),
      Filter::ne("a", 1),
      Filter::lt("a", 1),
      Filter::exists("a"),
      Filter::exists("a", false),
      Filter::in_("a", {1, 2}),
      Filter::in_("a", {12}),
      Filter::in_("a", {"1", "2"}),
      Filter::in_("a", {"12"}),
      Filter::eq("a", 1) && Filter::eq("b", 1),
      Filter::eq("a", 1) || Filter::eq("b", 1),
      (Filter::eq("a", 1) || Filter::eq("b", 1)) && Filter::eq("c", 1),
      Filter::eq("a", 1) || (Filter::eq("b", 1) && Filter::eq("c", 1)),
      !Filter::eq("a", 1),
  };
  for (std::size_t i = 0; i < different.size(); ++i) {
    CHECK(!key_of(different[i]).empty());
    CHECK(key_of(different[i]) == key_of(different[i]));
    for (std::size_t j = 0; j < i; ++j) {
      INFO(i << " and " << j);
      CHECK(key_of(different[i]) != key_of(different[j]));
    }
  }
}

TEST_CASE("the key of a long filter is empty") {
  std::vector<FilterScalar> values;
  for (int i = 0; i < 1'000; ++i) values.emplace_back(i);
  CHECK(key_of(Filter::in_("a", values)).empty());
}
