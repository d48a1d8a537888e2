// Rows side by side say what they say one by one.
#include "shared/index/codes/packed_codes.hpp"

#include <random>

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
      index::AlignedBuffer<std::byte> block(stride * index::kPackedRows);
      for (std::uint32_t row = 0; row < index::kPackedRows; ++row) {
        std::vector<float> vector(dim);
        for (auto& x : vector) x = normal(random);
        auto& code = rows.emplace_back(stride);
        REQUIRE(codec.encode(vector.data(), code.data(), nullptr));
        if (row == 9) codec.encode_nearest(code.data());
        index::pack_code(code.data(), dim, row, block.data());
      }
      index::BitQueryBuffer bits;
      REQUIRE(codec.prepare(query.data(), false, bits));
      index::PackedQuery packed;
      packed.prepare(bits);
      for (const auto* kernels : simd::usable_kernels()) {
        CAPTURE(kernels->name);
        std::array<float, index::kPackedRows> keys{};
        CHECK(packed.lowest_keys(*kernels, block.data(), 2.0F, -std::numeric_limits<float>::max(), keys));
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
