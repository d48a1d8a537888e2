#include "shared/index/builder/equal_rows.hpp"

#include <random>

#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;

TEST_CASE("equal rows are grouped under the first of them") {
  const unsigned seed = 23;
  std::mt19937 random(seed);
  CAPTURE(seed);
  std::vector<float> values;
  for (int row = 0; row < 300; ++row) {
    const auto kind = static_cast<float>(random() % 50);
    values.insert(values.end(), {kind, -kind, 1.0F});
  }
  const test::TestVectors vectors(3, Distance::euclidean, values);
  const EqualRows equal = find_equal_rows(vectors.view());
  std::size_t grouped = 0;
  for (Row row = 0; row < vectors.rows(); ++row) {
    Row want = 0;
    while (!std::ranges::equal(vectors.vector(want), vectors.vector(row))) ++want;
    CHECK(equal.first[row] == want);
    grouped += want != row ? 1 : 0;
  }
  CHECK(equal.members.size() == grouped);
  for (std::size_t group = 0; group < equal.rows.size(); ++group)
    for (std::uint32_t i = equal.offsets[group]; i < equal.offsets[group + 1]; ++i)
      CHECK(equal.first[equal.members[i]] == equal.rows[group]);
}

TEST_CASE("different rows make no groups") {
  const test::TestVectors vectors(4, Distance::dot, test::normal_values(400, 1));
  const EqualRows equal = find_equal_rows(vectors.view());
  CHECK(equal.rows.empty());
  CHECK(equal.offsets == std::vector<std::uint32_t>{0});
}

}  // namespace
