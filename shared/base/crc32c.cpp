#include "shared/base/crc32c.hpp"

#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ndb::base {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78U;  // reflected

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
    tables[0][i] = crc;
  }
  for (std::size_t t = 1; t < 8; ++t)
    for (std::size_t i = 0; i < 256; ++i)
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFFU];
  return tables;
}
constexpr auto kTables = make_tables();

std::uint32_t crc_tables(std::uint32_t crc, const std::byte* p, std::size_t n) noexcept {
  for (; n >= 8; n -= 8, p += 8) {
    const std::uint64_t word = load<std::uint64_t>(p) ^ crc;
    crc = kTables[7][word & 0xFF] ^ kTables[6][(word >> 8) & 0xFF] ^ kTables[5][(word >> 16) & 0xFF] ^
          kTables[4][(word >> 24) & 0xFF] ^ kTables[3][(word >> 32) & 0xFF] ^ kTables[2][(word >> 40) & 0xFF] ^
          kTables[1][(word >> 48) & 0xFF] ^ kTables[0][word >> 56];
  }
  for (; n > 0; --n, ++p) crc = (crc >> 8) ^ kTables[0][(crc ^ std::to_integer<std::uint32_t>(*p)) & 0xFFU];
  return crc;
}

#if defined(__x86_64__)
// Shifting a checksum over `kLane` zero bytes is linear, so four tables of 256 entries do it. It lets three independent
// lanes run at once: one crc32 instruction has a latency of three cycles and a throughput of one.
constexpr std::size_t kLane = 1024;

constexpr std::uint32_t shift_over_lane(std::uint32_t crc) {
  for (std::size_t i = 0; i < kLane; ++i) crc = (crc >> 8) ^ kTables[0][crc & 0xFFU];
  return crc;
}

struct ShiftTables {
  std::array<std::array<std::uint32_t, 256>, 4> table{};
  ShiftTables() {
    std::array<std::uint32_t, 32> of_bit{};
    for (std::size_t bit = 0; bit < 32; ++bit) of_bit[bit] = shift_over_lane(1U << bit);
    for (std::size_t byte = 0; byte < 4; ++byte)
      for (std::size_t value = 0; value < 256; ++value)
        for (std::size_t bit = 0; bit < 8; ++bit)
          if ((value >> bit & 1U) != 0) table[byte][value] ^= of_bit[byte * 8 + bit];
  }
  [[nodiscard]] std::uint32_t operator()(std::uint64_t crc) const noexcept {
    return table[0][crc & 0xFF] ^ table[1][(crc >> 8) & 0xFF] ^ table[2][(crc >> 16) & 0xFF] ^
           table[3][(crc >> 24) & 0xFF];
  }
};

__attribute__((target("sse4.2"))) std::uint32_t crc_sse42(std::uint32_t seed, const std::byte* p, std::size_t n) noexcept {
  static const ShiftTables shift;
  std::uint64_t crc = seed;
  for (; n >= 3 * kLane; n -= 3 * kLane, p += 3 * kLane) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < kLane; i += 8) {
      crc = _mm_crc32_u64(crc, load<std::uint64_t>(p + i));
      second = _mm_crc32_u64(second, load<std::uint64_t>(p + kLane + i));
      third = _mm_crc32_u64(third, load<std::uint64_t>(p + 2 * kLane + i));
    }
    crc = shift(shift(crc) ^ second) ^ third;
  }
  for (; n >= 8; n -= 8, p += 8) crc = _mm_crc32_u64(crc, load<std::uint64_t>(p));
  auto narrow = static_cast<std::uint32_t>(crc);
  for (; n > 0; --n, ++p) narrow = _mm_crc32_u8(narrow, std::to_integer<std::uint8_t>(*p));
  return narrow;
}
#endif

}  // namespace

std::uint32_t crc32c(ByteSpan bytes, std::uint32_t seed) noexcept {
#if defined(__x86_64__)
  static const bool hardware = __builtin_cpu_supports("sse4.2") != 0;
  if (hardware) return ~crc_sse42(~seed, bytes.data(), bytes.size());
#endif
  return ~crc_tables(~seed, bytes.data(), bytes.size());
}

}  // namespace ndb::base
