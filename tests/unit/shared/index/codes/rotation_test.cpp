#include "shared/index/codes/rotation.hpp"

#include <cmath>
#include <numeric>

#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb::index;

std::vector<float> rotated(const Rotation& rotation, std::vector<float> values) {
  values.resize(rotation.dimensions());
  rotation.apply(values.data());
  return values;
}

double product(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

TEST_CASE("a rotation keeps lengths and products") {
  for (const std::size_t dimensions : {64UL, 384UL, 896UL, 1408UL}) {
    CAPTURE(dimensions);
    const Rotation rotation(dimensions, 7);
    const auto a = test::normal_values(dimensions - 13, 1);
    const auto b = test::normal_values(dimensions - 13, 2);
    const auto x = rotated(rotation, a);
    const auto y = rotated(rotation, b);
    CHECK(std::abs(product(x, x) - product(a, a)) < 1e-4 * product(a, a));
    CHECK(std::abs(product(x, y) - product(a, b)) < 1e-4 * product(a, a));
  }
}

TEST_CASE("a rotation spreads a single dimension over all") {
  for (const std::size_t dimensions : {384UL, 896UL}) {
    for (const std::size_t only : {0UL, 100UL, 383UL}) {
      CAPTURE(dimensions, only);
      std::vector<float> values(dimensions);
      values[only] = 1.0F;
      const auto x = rotated(Rotation(dimensions, 7), values);
      const float most = 8.0F / std::sqrt(static_cast<float>(dimensions));
      std::size_t small = 0;
      for (const float value : x) {
        CHECK(std::abs(value) < most);
        small += std::abs(value) < 0.02F / std::sqrt(static_cast<float>(dimensions)) ? 1 : 0;
      }
      CHECK(small < dimensions / 8);
    }
  }
}

TEST_CASE("the same seed gives the same rotation, another one another") {
  const auto values = test::normal_values(384, 3);
  CHECK(rotated(Rotation(384, 7), values) == rotated(Rotation(384, 7), values));
  CHECK(rotated(Rotation(384, 7), values) != rotated(Rotation(384, 8), values));
}

}  // namespace
