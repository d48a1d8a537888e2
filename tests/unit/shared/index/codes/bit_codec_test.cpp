#include "shared/index/codes/bit_codec.hpp"

#include <cmath>

#include "shared/index/builder/code_ranking.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

struct Coded {
  BitCodec codec;
  AlignedBuffer<std::byte> rows;
  std::size_t stride;
  AlignedBuffer<std::byte> refined;
  std::size_t refined_stride;
};

Coded code_all(const TestVectors& vectors) {
  const Codec trained = Codec::train(vectors.view());
  Coded coded{BitCodec({trained.centre().begin(), trained.centre().end()}, trained.unit(), vectors.view().distance, 1), {},
              BitCodec::stride_bytes(vectors.view().dim), {}, BitCodec::refined_stride_bytes(vectors.view().dim)};
  coded.refined = AlignedBuffer<std::byte>(coded.refined_stride * vectors.rows());
  coded.rows = AlignedBuffer<std::byte>(coded.stride * vectors.rows());
  for (Row row = 0; row < vectors.rows(); ++row)
    REQUIRE(coded.codec.encode(vectors.vector(row).data(), coded.rows.data() + row * coded.stride,
                                coded.refined.data() + row * coded.refined_stride));
  return coded;
}

struct Errors {
  double bias = 0.0;      // mean of (estimate − exact) / stated error
  double spread = 0.0;    // root of the mean of its square
  double relative = 0.0;  // of the error, against the standard deviation of the exact keys
};

enum class Code { signs, refined };

struct Estimate {
  float key = 0.0F;
  float error = 0.0F;
};

Estimate estimate(const Coded& coded, const BitQueryBuffer& buffer, Row row, Code code) {
  const std::byte* signs = coded.rows.data() + row * coded.stride;
  const std::byte* refined = coded.refined.data() + row * coded.refined_stride;
  if (code == Code::refined) return {coded.codec.refined_key(refined, buffer), coded.codec.refined_error(refined, buffer)};
  Estimate estimate{.error = coded.codec.key_error(signs, buffer)};
  coded.codec.kernels().bit_keys(buffer.query, &signs, 1, &estimate.key);
  return estimate;
}

Errors errors_of(const TestVectors& vectors, const Coded& coded, Code code = Code::signs) {
  Errors errors;
  double sum = 0.0, sum2 = 0.0, error2 = 0.0, count = 0.0;
  BitQueryBuffer buffer;
  for (Row q = 0; q < 20; ++q) {
    const PreparedQuery query(vectors.vector(q), vectors.view().distance);
    REQUIRE(coded.codec.prepare(query.data(), true, buffer));
    for (Row row = 20; row < vectors.rows(); ++row) {
      const auto [key, stated] = estimate(coded, buffer, row, code);
      const double exact = coded.codec.from_exact(query.key(vectors.view(), row));
      const double error = static_cast<double>(key) - exact;
      const double deviation = error / static_cast<double>(stated);
      errors.bias += deviation;
      errors.spread += deviation * deviation;
      sum += exact;
      sum2 += exact * exact;
      error2 += error * error;
      ++count;
    }
  }
  errors.bias /= count;
  errors.spread = std::sqrt(errors.spread / count);
  errors.relative = std::sqrt(error2 / count) / std::sqrt(sum2 / count - sum / count * sum / count);
  return errors;
}

TEST_CASE("codes estimate keys without bias, and know their error") {
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    for (const std::uint32_t dim : {2U, 33U, 100U, 128U, 385U, 768U, 1537U}) {
      CAPTURE(distance_name(distance), dim);
      const TestVectors vectors(dim, distance, test::clustered_values(400, dim, 5, 0.7F, 61));
      const Coded coded = code_all(vectors);
      const Errors errors = errors_of(vectors, coded);
      CHECK(std::abs(errors.bias) < 0.35);  // rows of a cluster err alike, so this is a mean of few
      CHECK(errors.spread > 0.5);
      CHECK(errors.spread < 1.6);
      if (dim >= 100) CHECK(errors.relative < 0.5);
      const Errors refined = errors_of(vectors, coded, Code::refined);
      CHECK(std::abs(refined.bias) < 0.6);
      CHECK(refined.spread < 1.8);
      CHECK(refined.relative < errors.relative / 4);
    }
  }
}

TEST_CASE("the estimate keeps its quality at every scale that float32 can square") {
  for (const float scale : {1e-15F, 1e-6F, 1.0F, 1e6F, 1e15F}) {
    CAPTURE(scale);
    const TestVectors vectors(128, Distance::euclidean, test::normal_values(128UL * 300, 62, scale));
    const Errors errors = errors_of(vectors, code_all(vectors));
    CHECK(std::abs(errors.bias) < 0.1);
    CHECK(errors.spread < 1.6);
  }
}

TEST_CASE("a sample tells data that 1-bit codes order well from data that they do not") {
  const TestVectors good(256, Distance::euclidean, test::clustered_values(3000, 256, 300, 0.4F, 63));
  const Coded coded = code_all(good);
  CHECK(candidates_for_ten(good.view(), coded.codec, coded.rows.data()) < 60.0);
  // Members of tight clusters far from each other have nearly the same code.
  const TestVectors bad(256, Distance::euclidean, test::clustered_values(3000, 256, 5, 1e-3F, 64));
  const Coded alike = code_all(bad);
  CHECK(candidates_for_ten(bad.view(), alike.codec, alike.rows.data()) > 150.0);
}

TEST_CASE("rows and queries that do not fit are refused, and constant rows are coded") {
  const TestVectors vectors(64, Distance::euclidean, test::normal_values(64UL * 10, 65, 1e-15F));
  const Coded coded = code_all(vectors);
  const std::vector<float> huge(64, 1e30F);
  std::vector<std::byte> row(coded.stride);
  BitQueryBuffer buffer;
  std::vector<std::byte> refined(coded.refined_stride);
  CHECK_FALSE(coded.codec.encode(huge.data(), row.data(), refined.data()));
  CHECK_FALSE(coded.codec.prepare(huge.data(), true, buffer));
  const std::vector<float> centre(coded.codec.centre().begin(), coded.codec.centre().end());
  CHECK(coded.codec.encode(centre.data(), row.data(), refined.data()));
  REQUIRE(coded.codec.prepare(centre.data(), true, buffer));
  const std::byte* code = row.data();
  float key = 1.0F;
  coded.codec.kernels().bit_keys(buffer.query, &code, 1, &key);
  CHECK(key == 0.0F);
  CHECK(coded.codec.refined_key(refined.data(), buffer) == 0.0F);
}

}  // namespace
