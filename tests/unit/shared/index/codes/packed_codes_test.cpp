// Rows side by side say what they say one by one.
#include "shared/index/codes/packed_codes.hpp"

#include <random>
#include <set>

#include "shared/index/distance_key.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;

TEST_CASE("keys of packed rows are those of single rows, less the error") {
  const unsigned seed = 5;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean})
    for (const std::uint32_t dim : {64U, 100U, 768U, 3'000U}) {
      CAPTURE(seed, distance_name(distance), dim);
      std::vector<float> centre(dim), query(dim);
      for (auto& x : centre) x = 0.1F * normal(random);
      for (auto& x : query) x = normal(random);
      const index::BitCodec codec(centre, 0.5, distance, 77);
      const std::size_t stride = index::BitCodec::stride_bytes(dim);
      std::vector<std::vector<std::byte>> rows;
      index::AlignedBuffer<std::byte> block(stride * index::kPackedRows), sampled_block(stride * index::kPackedRows);
      for (std::uint32_t row = 0; row < index::kPackedRows; ++row) {
        std::vector<float> vector(dim);
        for (auto& x : vector) x = normal(random);
        auto& code = rows.emplace_back(stride);
        REQUIRE(codec.encode(vector.data(), code.data(), nullptr));
        if (row == 9) codec.encode_nearest(code.data());
        index::pack_code(code.data(), dim, row, block.data());
        index::pack_code(code.data(), dim, row, sampled_block.data(), index::GroupOrder::sampled);
      }
      index::BitQueryBuffer bits;
      REQUIRE(codec.prepare(query.data(), false, bits));
      index::PackedQuery packed;
      packed.prepare(bits);
      index::PackedQuery sampled;
      sampled.prepare(bits, index::GroupOrder::sampled);
      CHECK_FALSE(packed.has_sample());
      CHECK(sampled.has_sample() == (dim >= 512));
      for (const auto* kernels : simd::usable_kernels()) {
        CAPTURE(kernels->name);
        std::array<float, index::kPackedRows> keys{};
        CHECK(packed.lowest_keys(*kernels, block.data(), 2.0F, -std::numeric_limits<float>::max(), keys));
        std::array<float, index::kPackedRows> sampled_keys{};
        CHECK(sampled.lowest_keys(*kernels, sampled_block.data(), 2.0F, -std::numeric_limits<float>::max(), sampled_keys));
        CHECK(sampled_keys == keys);
        CHECK(sampled.may_reach(*kernels, sampled_block.data(), 2.0F, -std::numeric_limits<float>::max()));  // for the sake of row 9
        for (std::uint32_t row = 0; row < index::kPackedRows; ++row) {
          CAPTURE(row);
          float key = 0;
          const std::byte* const code = rows[row].data();
          kernels->bit_keys(bits.query, &code, 1, &key);
          if (row == 9) {
            CHECK(keys[row] == -std::numeric_limits<float>::infinity());
            continue;
          }
          const float expected = key - 2.0F * codec.key_error(code, bits);
          CHECK(keys[row] == Approx(expected).epsilon(1e-4).margin(1e-3 * std::abs(key)));
        }
      }
    }
}

TEST_CASE("a sample takes every group once, evenly") {
  for (const std::size_t groups : {128U, 144U, 224U, 750U * 4U}) {
    std::set<std::size_t> places, sampled;
    for (std::size_t group = 0; group < groups; ++group) {
      places.insert(index::sampled_place(group, groups));
      if (index::sampled_place(group, groups) < index::kSampledGroups) sampled.insert(group);
    }
    CHECK(places.size() == groups);
    CHECK(*places.rbegin() == groups - 1);
    REQUIRE(sampled.size() == index::kSampledGroups);
    std::size_t i = 0;
    for (const std::size_t group : sampled) CHECK(group == i++ * groups / index::kSampledGroups);
  }
}

// Near rows must pass, wherever in the vector the nearness lies: a rotation that is no power of two does not mix its first dimensions with all.
TEST_CASE("by its sample a block that holds a near row passes, and most others do not") {
  const unsigned seed = 6;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean})
    for (const std::uint32_t dim : {512U, 768U, 1'000U, 1'536U})
      for (const std::uint32_t begin : {0U, dim / 2, dim - 64}) {  // where vectors are not 0
        const std::uint32_t end = begin == dim / 2 ? dim : begin == 0 ? dim / 2 : dim;
        CAPTURE(seed, distance_name(distance), dim, begin, end);
        const auto random_vector = [&] {
          std::vector<float> vector(dim);
          for (std::uint32_t i = begin; i < end; ++i) vector[i] = normal(random);
          return vector;
        };
        const index::BitCodec codec(std::vector<float>(dim), 0.5, distance, 78);
        const std::size_t stride = index::BitCodec::stride_bytes(dim);
        constexpr int kTries = 200;
        int near_passed = 0, far_passed = 0;
        for (int i = 0; i < kTries; ++i) {
          const auto query = random_vector();
          index::BitQueryBuffer bits;
          std::vector<float> unit = query;
          if (distance == Distance::cosine) {
            const float norm = index::inverse_norm({query.data(), dim});
            for (auto& x : unit) x *= norm;
          }
          REQUIRE(codec.prepare(unit.data(), false, bits));
          index::PackedQuery packed;
          packed.prepare(bits, index::GroupOrder::sampled);
          std::vector<std::byte> code(stride);
          index::AlignedBuffer<std::byte> near_block(stride * index::kPackedRows), far_block(stride * index::kPackedRows);
          float worst = 0;
          for (std::uint32_t row = 0; row < index::kPackedRows; ++row) {
            auto vector = random_vector();
            REQUIRE(codec.encode(vector.data(), code.data(), nullptr));
            index::pack_code(code.data(), dim, row, far_block.data(), index::GroupOrder::sampled);
            if (row == 17)
              for (std::uint32_t k = 0; k < dim; ++k) vector[k] = 0.9F * query[k] + 0.4F * vector[k];
            REQUIRE(codec.encode(vector.data(), code.data(), nullptr));
            index::pack_code(code.data(), dim, row, near_block.data(), index::GroupOrder::sampled);
            const std::byte* const one = code.data();
            if (row == 17) codec.kernels().bit_keys(bits.query, &one, 1, &worst);
          }
          near_passed += packed.may_reach(codec.kernels(), near_block.data(), 2.5F, worst) ? 1 : 0;
          far_passed += packed.may_reach(codec.kernels(), far_block.data(), 2.5F, worst) ? 1 : 0;
        }
        CHECK(near_passed >= kTries * 99 / 100);
        CHECK(far_passed <= kTries / 5);
      }
}
