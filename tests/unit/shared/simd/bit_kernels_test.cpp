// The kernels of 1-bit codes against plain arithmetic.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "shared/simd/kernels.hpp"
#include "tests/support/catch.hpp"

namespace {

using ndb::simd::BitQuery;
using ndb::simd::Kernels;

struct BitRows {
  std::size_t words;
  std::vector<std::uint64_t> storage;  // [rows] of words + 2 (four floats)
  std::vector<const std::byte*> pointers;
};

BitRows random_rows(std::mt19937_64& random, std::size_t words, std::size_t rows, bool all_ones = false) {
  BitRows made{words, {}, {}};
  std::normal_distribution<float> normal;
  for (std::size_t row = 0; row < rows; ++row) {
    int ones = 0;
    for (std::size_t i = 0; i < words; ++i) {
      made.storage.push_back(all_ones ? ~std::uint64_t{0} : random());
      ones += std::popcount(made.storage.back());
    }
    const float tail[4] = {normal(random), normal(random), static_cast<float>(ones), 0.0F};
    std::uint64_t packed[2];
    std::memcpy(packed, tail, sizeof tail);
    made.storage.insert(made.storage.end(), packed, packed + 2);
  }
  for (std::size_t row = 0; row < rows; ++row)
    made.pointers.push_back(reinterpret_cast<const std::byte*>(made.storage.data() + row * (words + 2)));
  return made;
}

// Values spread over planes.
std::vector<std::uint64_t> spread(const std::vector<std::uint32_t>& values, std::size_t plane_count, std::size_t plane_words) {
  std::vector<std::uint64_t> planes(plane_count * plane_words);
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t plane = 0; plane < plane_count; ++plane)
      planes[plane * plane_words + i / 64] |= std::uint64_t{values[i] >> plane & 1U} << (i % 64);
  return planes;
}

// The same as a query has them: each plane once more, shifted.
std::vector<std::uint64_t> planes_of_query(const std::vector<std::uint32_t>& values, std::size_t plane_count, std::size_t plane_words) {
  auto planes = spread(values, plane_count, plane_words);
  for (std::size_t i = 0; i < plane_count * plane_words; ++i) planes.push_back(planes[i] >> 4);
  return planes;
}

double naive_key(const BitQuery& query, const std::vector<std::uint32_t>& values, const std::byte* row) {
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, row + i / 64 * 8, 8);
    if ((word >> (i % 64) & 1U) != 0) sum += values[i];
  }
  float tail[4];
  std::memcpy(tail, row + query.words * 8, sizeof tail);
  return static_cast<double>(query.base) + static_cast<double>(tail[0]) +
         static_cast<double>(tail[1]) * (static_cast<double>(query.offset) +
                                         static_cast<double>(query.per_one) * static_cast<double>(tail[2]) +
                                         static_cast<double>(query.per_sum) * sum);
}

TEST_CASE("sums of packed rows are exact for every length, the largest values included") {
  const unsigned seed = 43;
  std::mt19937_64 random(seed);
  for (const Kernels* table : ndb::simd::usable_kernels())
    for (const std::size_t groups : {32UL, 96UL, 224UL, 512UL, 1024UL, 1056UL, 16416UL})
      for (const bool largest : {false, true}) {
        CAPTURE(seed, table->name, groups, largest);
        std::vector<std::uint8_t> tables(groups * 16);
        std::vector<std::byte> block(groups * 16);
        for (auto& entry : tables) entry = largest ? 60 : static_cast<std::uint8_t>(random() % 61);
        for (auto& byte : block) byte = static_cast<std::byte>(random());
        std::vector<std::uint32_t> expected(32), sums(32, 7);
        for (std::size_t row = 0; row < 32; ++row)
          for (std::size_t group = 0; group < groups; ++group) {
            const auto pair = std::to_integer<unsigned>(block[group * 16 + row % 16]);
            expected[row] += tables[group * 16 + (row < 16 ? pair % 16 : pair / 16)];
          }
        table->packed_sums(tables.data(), block.data(), groups, sums.data());
        CHECK(sums == expected);
      }
}

TEST_CASE("keys of 1-bit codes agree with plain arithmetic for every length, and do not depend on their batch") {
  const unsigned seed = 41;
  std::mt19937_64 random(seed);
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    for (const std::size_t planes_and_words : {30006UL, 30014UL, 30022UL, 30062UL, 31030UL, 40006UL, 40014UL, 40022UL, 40030UL, 40062UL, 41030UL}) {
      const std::size_t plane_count = planes_and_words / 10'000, words = planes_and_words % 10'000;
      const std::uint32_t most = (1U << plane_count) - 1;
      const bool largest = words == 14 || words == 62;
      CAPTURE(seed, table->name, plane_count, words, largest);
      const std::size_t plane_words = (words + 7) / 8 * 8;
      std::vector<std::uint32_t> values(words * 64);
      for (auto& value : values) value = largest ? most : static_cast<std::uint32_t>(random() % (most + 1));
      const auto planes = planes_of_query(values, plane_count, plane_words);
      const BitQuery query{.planes = planes.data(), .plane_count = plane_count, .words = words, .plane_words = plane_words, .base = 3.5F,
                           .offset = -1.25F, .per_one = 0.5F, .per_sum = -0.125F};
      const auto rows = random_rows(random, words, 35, largest);
      std::vector<float> keys(35);
      table->bit_keys(query, rows.pointers.data(), 35, keys.data());
      for (const std::size_t count : {33UL, 34UL}) {
        std::vector<float> some(count + 1, -7.0F);
        table->bit_keys(query, rows.pointers.data(), count, some.data());
        CHECK(std::memcmp(some.data(), keys.data(), count * sizeof(float)) == 0);
        CHECK(some.back() == -7.0F);
      }
      for (std::size_t row = 0; row < 35; ++row) {
        const double want = naive_key(query, values, rows.pointers[row]);
        CHECK(std::abs(static_cast<double>(keys[row]) - want) <= 1e-5 * static_cast<double>(words) * 64.0);
        float alone = 0.0F;
        table->bit_keys(query, &rows.pointers[row], 1, &alone);
        CHECK(std::memcmp(&alone, &keys[row], sizeof alone) == 0);
      }
    }
  }
}

TEST_CASE("products of 4-bit values with int8 are exact, also at the extremes") {
  const unsigned seed = 44;
  std::mt19937 random(seed);
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    for (const std::size_t count : {128UL, 384UL, 896UL, 65'536UL + 128}) {
      CAPTURE(seed, table->name, count);
      std::vector<std::byte> halves(count / 2);
      std::vector<std::int8_t> values(count);
      std::int32_t want = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const auto half = static_cast<int>(random() % 16);
        values[i] = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
        halves[i / 128 * 64 + i % 64] |= static_cast<std::byte>(half << (i % 128 < 64 ? 0 : 4));
        want += half * values[i];
      }
      CHECK(table->dot_u4i8(halves.data(), values.data(), count) == want);
      const std::vector<std::byte> most(count / 2, std::byte{0xFF});
      for (const int extreme : {127, -127}) {
        const std::vector<std::int8_t> all(count, static_cast<std::int8_t>(extreme));
        CHECK(table->dot_u4i8(most.data(), all.data(), count) == static_cast<std::int32_t>(count) * 15 * extreme);
      }
    }
  }
}

TEST_CASE("the Walsh-Hadamard transform multiplies with the matrix of signs and is its own inverse, scaled") {
  std::mt19937 random(42);
  std::normal_distribution<float> normal;
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    for (std::size_t count = 1; count <= 2048; count *= 2) {
      CAPTURE(table->name, count);
      std::vector<float> values(count), signs(count), ones(count, 1.0F);
      for (float& value : values) value = normal(random);
      for (float& sign : signs) sign = random() % 2 == 0 ? 1.0F : -1.0F;
      auto transformed = values;
      table->hadamard(transformed.data(), signs.data(), count);
      for (std::size_t i = 0; i < count; i += count / 16 + 1) {
        double want = 0.0;
        for (std::size_t j = 0; j < count; ++j)
          want += (std::popcount(i & j) % 2 == 0 ? 1.0 : -1.0) * static_cast<double>(values[j] * signs[j]);
        CHECK(std::abs(static_cast<double>(transformed[i]) - want) < 1e-3);
      }
      table->hadamard(transformed.data(), ones.data(), count);
      for (std::size_t i = 0; i < count; ++i)
        CHECK(std::abs(transformed[i] / static_cast<float>(count) - values[i] * signs[i]) < 1e-4F);
    }
  }
}

TEST_CASE("floats are rounded to the nearest int8, and their sum and the largest are exact") {
  std::mt19937 random(45);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    for (const std::size_t count : {64UL, 384UL, 896UL, 4096UL}) {
      for (const float largest : {1.0F, -1.0F, 0.0F}) {
        CAPTURE(table->name, count, largest);
        std::vector<float> values(count);
        for (float& value : values) value = largest == 0.0F ? -0.0F : uniform(random) * 0.999F;
        const std::size_t at = random() % count;
        values[at] = largest;
        CHECK(table->largest(values.data(), count) == std::abs(largest));
        std::vector<std::int8_t> rounded(count, 99);
        const std::int32_t sum = table->round_i8(values.data(), count, 127.0F, rounded.data());
        std::int32_t want_sum = 0;
        bool nearest = true;
        for (std::size_t i = 0; i < count; ++i) {
          want_sum += rounded[i];
          nearest = nearest && std::abs(static_cast<float>(rounded[i]) - values[i] * 127.0F) < 0.5001F;
        }
        CHECK(nearest);
        CHECK(sum == want_sum);
        CHECK(static_cast<float>(rounded[at]) == 127.0F * largest);
      }
    }
  }
}

TEST_CASE("planes hold the rounded values bit by bit, the largest for what is beyond them, and zeros behind") {
  std::mt19937 random(43);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  for (const Kernels* table : ndb::simd::usable_kernels()) {
    for (const std::size_t count : {64UL, 384UL, 896UL, 1408UL}) {
      const std::size_t plane_count = count == 384 ? 4 : 3;
      CAPTURE(table->name, count, plane_count);
      std::vector<float> values(count);
      for (float& value : values) value = uniform(random);
      values[7] = -1.0F;
      values[11] = 1.0F;
      const std::size_t plane_words = (count / 64 + 7) / 8 * 8;
      std::vector<std::uint64_t> planes(plane_count * plane_words, ~std::uint64_t{0});
      const float most = plane_count == 3 ? 7.0F : 15.0F, inverse_step = most * 1.07F;
      const std::uint64_t sum = table->bit_planes(values.data(), count, -0.5F, inverse_step, planes.data(), plane_count, plane_words);  // what is beyond −0.5 and 0.43 is clamped
      std::vector<std::uint32_t> want;
      std::uint64_t want_sum = 0;
      for (const float value : values) {
        want.push_back(static_cast<std::uint32_t>(std::clamp((value + 0.5F) * inverse_step + 0.5F, 0.0F, most)));
        want_sum += want.back();
      }
      CHECK(sum == want_sum);
      CHECK(planes == spread(want, plane_count, plane_words));
    }
  }
}

}  // namespace

TEST_CASE("marked rows are those whose bits are set, in their order, and what is beyond the bitmap is named") {
  std::mt19937_64 random(77);
  for (const auto* table : ndb::simd::usable_kernels())
    for (const std::uint32_t bits : {0U, 1U, 63U, 64U, 1'000U, 200'001U})
      for (const std::size_t count : {0UL, 1UL, 7UL, 8UL, 15UL, 16UL, 17UL, 100UL, 333UL})
        for (const bool some_beyond : {false, true}) {
          CAPTURE(table->name, bits, count, some_beyond);
          std::vector<std::uint64_t> bitmap((bits + 63) / 64);
          for (auto& word : bitmap) word = random();
          std::vector<std::uint32_t> rows, expected;
          bool beyond_expected = false;
          for (std::size_t i = 0; i < count; ++i) {
            const bool beyond = bits == 0 || (some_beyond && random() % 5 == 0);
            const auto row = beyond ? (random() % 2 == 0 ? bits + static_cast<std::uint32_t>(random() % 3) : ~static_cast<std::uint32_t>(random() % 2))
                                    : static_cast<std::uint32_t>(random() % bits);
            rows.push_back(row);
            beyond_expected |= beyond;
            if (!beyond && (bitmap[row / 64] >> (row % 64) & 1U) != 0) expected.push_back(row);
          }
          std::vector<std::uint32_t> out(count + 16);
          bool beyond = false;
          out.resize(table->marked_rows(rows.data(), count, bitmap.data(), bits, out.data(), beyond));
          CHECK(out == expected);
          CHECK(beyond == beyond_expected);
        }
}
