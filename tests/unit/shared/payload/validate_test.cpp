#include <limits>

#include "shared/payload/payload.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;

TEST_CASE("ids are 1 to 512 bytes of UTF-8 without NUL") {
  for (const std::string& good : {std::string("a"), std::string(512, 'x'), std::string("日本/ä \n"), std::string("../..")})
    CHECK(payload::validate_id(good));
  for (const std::string& bad : {std::string(), std::string(513, 'x'), std::string("\xff"), std::string("a\xc3"),
                                std::string("a\0b", 3), std::string("\xed\xa0\x80")}) {
    const auto status = payload::validate_id(bad, "documents[2].id");
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::invalid_argument);
    CHECK(status.error().field == "documents[2].id");
  }
}

TEST_CASE("a vector needs exactly dim finite elements") {
  const std::vector<float> good{1, 0, -2};
  CHECK(payload::validate_vector(good, 3, Distance::cosine));
  const auto wrong = payload::validate_vector(good, 4, Distance::dot, "documents[0].vector");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().field == "documents[0].vector");
  CHECK(wrong.error().message == "documents[0].vector has 3 elements; the collection has dim 4");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    const auto status = payload::validate_vector(std::vector<float>{1, 2, bad}, 3, Distance::euclidean);
    REQUIRE_FALSE(status);
    CHECK(status.error().field == "vector[2]");
  }
}

TEST_CASE("a zero vector is refused under cosine only") {
  const std::vector<float> zero{0, -0.0F, 0};
  CHECK(payload::validate_vector(zero, 3, Distance::cosine).error().field == "vector");
  CHECK(payload::validate_vector(zero, 3, Distance::dot));
  CHECK(payload::validate_vector(zero, 3, Distance::euclidean));
  CHECK(payload::validate_vector(std::vector<float>{0, 1e-45F, 0}, 3, Distance::cosine));
}
