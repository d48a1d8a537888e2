#include "shared/base/crc32c.hpp"

#include <random>
#include <vector>

#include "tests/support/catch.hpp"

using ndb::base::ByteSpan;
using ndb::base::crc32c;

namespace {
// RFC 3720, appendix B.4, bit by bit.
std::uint32_t reference(ByteSpan bytes) {
  std::uint32_t crc = ~0U;
  for (const std::byte b : bytes) {
    crc ^= std::to_integer<std::uint32_t>(b);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}
}  // namespace

TEST_CASE("crc32c gives the published check values") {
  CHECK(crc32c(ndb::base::as_bytes("123456789")) == 0xE3069283U);
  CHECK(crc32c({}) == 0U);
  CHECK(crc32c(std::vector<std::byte>(32)) == 0x8A9136AAU);
}

TEST_CASE("crc32c equals the bitwise definition at every length around its lanes, and can be continued") {
  std::mt19937 random(7);
  std::vector<std::byte> bytes(10'000);
  for (auto& b : bytes) b = static_cast<std::byte>(random());
  for (const std::size_t length : {1UL, 7UL, 8UL, 9UL, 1023UL, 3071UL, 3072UL, 3073UL, 6144UL, 9999UL}) {
    const auto part = ByteSpan(bytes).first(length);
    CHECK(crc32c(part) == reference(part));
    CHECK(crc32c(part.subspan(length / 3), crc32c(part.first(length / 3))) == reference(part));
  }
}
