#include "shared/base/bytes.hpp"

#include "tests/support/catch.hpp"

using namespace ndb::base;

TEST_CASE("a ByteReader never reads past the end") {
  std::vector<std::byte> bytes;
  append<std::uint32_t>(bytes, 0x01020304U);
  append<std::uint16_t>(bytes, 7);
  ByteReader reader(bytes);
  CHECK(reader.read<std::uint32_t>() == 0x01020304U);
  CHECK_FALSE(reader.read<std::uint32_t>().has_value());
  CHECK(reader.read<std::uint16_t>() == 7);
  CHECK(reader.remaining() == 0);
  CHECK_FALSE(reader.read_bytes(1).has_value());
}

TEST_CASE("round_up goes to the next multiple") {
  CHECK(round_up(0, 64) == 0);
  CHECK(round_up(1, 64) == 64);
  CHECK(round_up(64, 64) == 64);
}
