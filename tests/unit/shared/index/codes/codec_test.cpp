#include "shared/index/codes/codec.hpp"

#include <cmath>

#include "shared/index/builder/code_ranking.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

std::vector<std::byte> code_all(const TestVectors& vectors, const Codec& codec) {
  const std::size_t stride = Codec::stride_bytes(vectors.view().dim);
  std::vector<std::byte> codes(stride * vectors.rows() + 64);
  for (Row row = 0; row < vectors.rows(); ++row) REQUIRE(codec.encode(vectors.vector(row).data(), codes.data() + row * stride));
  return codes;
}

TEST_CASE("code keys estimate the exact ones within two percent of their spread") {
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    CAPTURE(distance_name(distance));
    const std::uint32_t dim = 100;
    const TestVectors vectors(dim, distance, test::clustered_values(200, dim, 5, 0.5F, 31));
    const Codec codec = Codec::train(vectors.view());
    const auto codes = code_all(vectors, codec);
    const std::size_t stride = Codec::stride_bytes(dim);
    const double unit2 = codec.unit() * codec.unit();
    for (Row row = 1; row < vectors.rows(); ++row) {
      const double exact = test::naive_value(vectors.vector(0), vectors.vector(row), distance);
      const double wanted = distance == Distance::cosine ? 2.0 * (1.0 + exact) : exact;
      const double got = static_cast<double>(codec.key(codes.data(), codes.data() + row * stride)) * unit2;
      CHECK(std::abs(got - wanted) < 0.02 * unit2);
    }
  }
}

TEST_CASE("equal vectors have the smallest Euclidean code key, zero up to rounding") {
  const TestVectors vectors(64, Distance::euclidean, test::normal_values(64UL * 50, 33, 1e10F));
  const Codec codec = Codec::train(vectors.view());
  const auto codes = code_all(vectors, codec);
  const std::size_t stride = Codec::stride_bytes(64);
  for (Row row = 0; row < vectors.rows(); ++row)
    CHECK(std::abs(codec.key(codes.data() + row * stride, codes.data() + row * stride)) < 1e-4F);
}

TEST_CASE("codes rank well-behaved data at any scale") {
  for (const float scale : {1e-20F, 1e-6F, 1.0F, 1e6F, 1e20F}) {
    CAPTURE(scale);
    auto values = test::normal_values(64UL * 1000, 35, scale);
    const TestVectors vectors(64, Distance::euclidean, values);
    const Codec codec = Codec::train(vectors.view());
    const auto codes = code_all(vectors, codec);
    CHECK(codes_rank_well(vectors.view(), codec, codes.data()));
  }
}

TEST_CASE("codes that cannot tell neighbours apart are found out") {
  // Tight clusters far from each other: all members of a cluster have nearly the same code.
  const TestVectors vectors(64, Distance::euclidean, test::clustered_values(2000, 64, 10, 1e-4F, 36));
  const Codec codec = Codec::train(vectors.view());
  const auto codes = code_all(vectors, codec);
  CHECK_FALSE(codes_rank_well(vectors.view(), codec, codes.data()));
}

TEST_CASE("rows whose scale does not fit are refused") {
  std::vector<float> values = test::normal_values(32UL * 10, 37, 1e-20F);
  const TestVectors vectors(32, Distance::euclidean, values);
  const Codec codec = Codec::train(vectors.view());
  const std::vector<float> huge(32, 1e30F);
  std::vector<std::byte> code(Codec::stride_bytes(32));
  CHECK_FALSE(codec.encode(huge.data(), code.data()));
}

}  // namespace
