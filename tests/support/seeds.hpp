// Seeds of random tests: NDB_TEST_SEED replays one, NDB_TEST_SEEDS sets how many are tried (long runs), NDB_TEST_FIRST_SEED where they
// begin (1 if it is not set; long runs draw it). Sanitizers, which take ten times as long, get a quarter of the seeds: what they look for
// hardly depends on the seed.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace ndb::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

[[nodiscard]] inline std::vector<std::uint64_t> seeds(std::uint64_t by_default) {
  if (const char* one = std::getenv("NDB_TEST_SEED")) return {std::strtoull(one, nullptr, 10)};
  std::uint64_t count = kSanitized ? (by_default + 3) / 4 : by_default;
  if (const char* many = std::getenv("NDB_TEST_SEEDS")) count = std::strtoull(many, nullptr, 10);
  std::uint64_t first = 1;
  if (const char* from = std::getenv("NDB_TEST_FIRST_SEED")) first = std::strtoull(from, nullptr, 10);
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t i = 0; i < count; ++i) seeds.push_back(first + i);
  return seeds;
}

}  // namespace ndb::test
