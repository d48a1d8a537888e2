#include "shared/index/distance_key.hpp"

#include <cmath>
#include <limits>

#include "tests/support/catch.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;

TEST_CASE("keys keep the order of values of any size") {
  float previous = -std::numeric_limits<float>::infinity();
  for (const double value : {-1e300, -1e80, -1e40, -1.0001e38, -1e38, -1.0, -1e-35, -1e-60, 0.0, 1e-90, 1e-60, 1e-40, 9e-31,
                             1.1e-30, 1.0, 9.9e37, 1.0001e38, 1e39, 1e80, 1e300}) {
    CAPTURE(value);
    const float key = key_from_double(value);
    CHECK(std::isfinite(key));
    CHECK(key > previous);
    previous = key;
  }
}

TEST_CASE("keys give their value back to four digits, plain ones exactly") {
  for (const double value : {1e-90, 3e-50, 1e-31, 1e38 * 1.5, 7e41, 1e81}) {
    CAPTURE(value);
    CHECK(std::abs(double_from_key(key_from_double(value)) / value - 1.0) < 2e-4);
    CHECK(std::abs(double_from_key(key_from_double(-value)) / -value - 1.0) < 2e-4);
  }
  CHECK(double_from_key(key_from_double(0.25)) == 0.25);
  CHECK(key_from_double(0.0) == 0.0F);
}

TEST_CASE("whatever a key is computed from, it is finite") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {infinity, -infinity, std::nan(""), 1e308, -1e308}) CHECK(std::isfinite(key_from_double(value)));
  CHECK(key_from_double(std::nan("")) == std::numeric_limits<float>::max());
}

TEST_CASE("scores are what users see: distance, product, similarity") {
  CHECK(score_from_key(9.0F, Distance::euclidean) == 3.0F);
  CHECK(score_from_key(-9.0F, Distance::dot) == 9.0F);
  CHECK(score_from_key(-0.5F, Distance::cosine) == 0.5F);
  CHECK(score_from_key(-1.0000001F, Distance::cosine) == 1.0F);
  CHECK(score_from_key(1.0000001F, Distance::cosine) == -1.0F);
  CHECK_FALSE(std::signbit(score_from_key(0.0F, Distance::dot)));
  CHECK_FALSE(std::signbit(score_from_key(0.0F, Distance::cosine)));
}

TEST_CASE("scores of huge and tiny vectors are finite and right to four digits") {
  CHECK(score_from_key(key_from_double(1e60), Distance::euclidean) == Approx(1e30).epsilon(1e-4));
  CHECK(score_from_key(key_from_double(1e-60), Distance::euclidean) == Approx(1e-30).epsilon(1e-4));
  CHECK(score_from_key(key_from_double(-1e60), Distance::dot) == std::numeric_limits<float>::max());
  CHECK(score_from_key(std::numeric_limits<float>::max(), Distance::euclidean) == std::numeric_limits<float>::max());
}

}  // namespace
