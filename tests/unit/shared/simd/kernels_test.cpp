#include "shared/simd/kernels.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using ndb::simd::Kernels;

enum class Kind { normal, denormal, huge, integers };

std::vector<float> random_floats(std::mt19937& random, std::size_t count, Kind kind) {
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int> pixel(-255, 255);
  std::vector<float> values(count);
  for (float& value : values) {
    value = kind == Kind::integers ? static_cast<float>(pixel(random)) : normal(random);
    if (kind == Kind::denormal) value *= 1e-39F;
    if (kind == Kind::huge) value *= 1e17F;
  }
  return values;
}

struct Exact {
  double dot = 0.0;
  double l2 = 0.0;
  double magnitude_dot = 0.0;  // of what is added up: bounds the rounding
};

Exact exact(const float* a, const float* b, std::size_t dim) {
  Exact sum;
  for (std::size_t i = 0; i < dim; ++i) {
    const double x = a[i];
    const double y = b[i];
    sum.dot += x * y;
    sum.l2 += (x - y) * (x - y);
    sum.magnitude_dot += std::abs(x * y);
  }
  return sum;
}

bool close(float got, double want, double magnitude) {
  return std::abs(static_cast<double>(got) - want) <= 1e-5 * magnitude + 1e-44 * 1024;
}

void check_floats(const Kernels& table, const float* a, const float* b, std::size_t dim) {
  const Exact want = exact(a, b, dim);
  CHECK(close(table.dot(a, b, dim), want.dot, want.magnitude_dot));
  CHECK(close(table.l2(a, b, dim), want.l2, want.l2));
}

TEST_CASE("every kernel table agrees with double arithmetic at every length and alignment") {
  const unsigned seed = 20240607;
  std::mt19937 random(seed);
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    for (const Kind kind : {Kind::normal, Kind::denormal, Kind::huge, Kind::integers}) {
      for (std::size_t dim = 1; dim <= 130; ++dim) {
        CAPTURE(seed, table->name, static_cast<int>(kind), dim);
        const std::size_t shift = dim % 5;
        const auto a = random_floats(random, dim + shift, kind);
        const auto b = random_floats(random, dim, kind);
        check_floats(*table, a.data() + shift, b.data(), dim);
      }
      for (const std::size_t dim : {768UL, 784UL, 1536UL, 4097UL}) {
        CAPTURE(seed, table->name, static_cast<int>(kind), dim);
        const auto a = random_floats(random, dim, kind);
        const auto b = random_floats(random, dim, kind);
        check_floats(*table, a.data(), b.data(), dim);
      }
    }
  }
}

TEST_CASE("four queries at once give exactly the bits of four single calls") {
  const unsigned seed = 7;
  std::mt19937 random(seed);
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    for (std::size_t dim = 1; dim <= 300; dim += dim < 130 ? 1 : 17) {
      CAPTURE(seed, table->name, dim);
      std::vector<std::vector<float>> queries;
      for (int q = 0; q < 4; ++q) queries.push_back(random_floats(random, dim, Kind::normal));
      const float* pointers[4] = {queries[0].data(), queries[1].data(), queries[2].data(), queries[3].data()};
      const auto row = random_floats(random, dim, Kind::normal);
      float dots[4];
      float l2s[4];
      table->dot4(pointers, row.data(), dim, dots);
      table->l2_4(pointers, row.data(), dim, l2s);
      for (std::size_t q = 0; q < 4; ++q) {
        const float dot = table->dot(pointers[q], row.data(), dim);
        const float l2 = table->l2(pointers[q], row.data(), dim);
        CHECK(std::memcmp(&dots[q], &dot, sizeof dot) == 0);
        CHECK(std::memcmp(&l2s[q], &l2, sizeof l2) == 0);
      }
    }
  }
}

TEST_CASE("the distance of a vector to itself is exactly zero") {
  std::mt19937 random(3);
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    const auto a = random_floats(random, 333, Kind::huge);
    const auto b = a;
    CHECK(table->l2(a.data(), b.data(), a.size()) == 0.0F);
  }
}

TEST_CASE("int8 dot products are exact and ignore what stands behind the last element") {
  const unsigned seed = 11;
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> code(-127, 127);
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    for (std::size_t dim = 1; dim <= 260; ++dim) {
      CAPTURE(seed, table->name, dim);
      const std::size_t padded = (dim + 63) / 64 * 64;
      std::vector<std::int8_t> a(padded);
      std::vector<std::int8_t> b(padded);
      std::int32_t want = 0;
      for (std::size_t i = 0; i < padded; ++i) {
        a[i] = static_cast<std::int8_t>(code(random));
        b[i] = static_cast<std::int8_t>(code(random));
        if (i < dim) want += a[i] * b[i];
      }
      CHECK(table->dot_i8(a.data(), b.data(), dim) == want);
    }
  }
}

TEST_CASE("int8 dot products do not saturate at the extremes") {
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    CAPTURE(table->name);
    const std::vector<std::int8_t> most(65'536, 127);
    const std::vector<std::int8_t> least(65'536, -127);
    CHECK(table->dot_i8(most.data(), most.data(), most.size()) == 65'536 * 127 * 127);
    CHECK(table->dot_i8(least.data(), least.data(), least.size()) == 65'536 * 127 * 127);
    CHECK(table->dot_i8(most.data(), least.data(), least.size()) == -65'536 * 127 * 127);
  }
}

TEST_CASE("the chosen table is one of the usable ones") {
  const auto usable = ndb::simd::usable_kernels();
  CHECK(std::string(usable.front()->name) == "scalar");
  bool found = false;
  for (const Kernels* table : usable) found = found || table == &ndb::simd::kernels();
  CHECK(found);
}

}  // namespace

TEST_CASE("the lowest of many is the first of the lowest, whatever is not a number") {
  std::mt19937_64 random(78);
  constexpr float kFar = std::numeric_limits<float>::infinity();
  for (const auto* table : ndb::simd::usable_kernels())
    for (const std::size_t count : {8UL, 16UL, 24UL, 32UL, 80UL, 264UL})
      for (int round = 0; round < 200; ++round) {
        CAPTURE(table->name, count, round);
        std::vector<float> values(count);
        for (float& value : values) {
          const auto kind = random() % 8;
          value = kind == 0 ? std::nanf("") : kind == 1 ? kFar : kind == 2 ? -0.0F : static_cast<float>(random() % 40) - 5.0F;
        }
        if (round == 1) values.assign(count, kFar);
        if (round == 2) values.assign(count, std::nanf(""));
        if (round == 3) values.assign(count, -kFar);
        float least = kFar;
        std::size_t expected = 0;
        for (std::size_t i = 0; i < count; ++i)
          if (values[i] < least) {
            least = values[i];
            expected = i;
          }
        const std::size_t place = table->lowest(values.data(), count);
        REQUIRE(place < count);
        if (least < kFar) REQUIRE(place == expected);
      }
}
