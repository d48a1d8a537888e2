// Seeds of random tests: NDB_TEST_SEED replays one, NDB_TEST_SEEDS sets how many are tried (long runs), NDB_TEST_FIRST_SEED where they
// begin (1 if it is not set; long runs draw it).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace ndb::test {

[[nodiscard]] inline std::vector<std::uint64_t> seeds(std::uint64_t by_default) {
  if (const char* one = std::getenv("NDB_TEST_SEED")) return {std::strtoull(one, nullptr, 10)};
  std::uint64_t count = by_default;
  if (const char* many = std::getenv("NDB_TEST_SEEDS")) count = std::strtoull(many, nullptr, 10);
  std::uint64_t first = 1;
  if (const char* from = std::getenv("NDB_TEST_FIRST_SEED")) first = std::strtoull(from, nullptr, 10);
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t i = 0; i < count; ++i) seeds.push_back(first + i);
  return seeds;
}

}  // namespace ndb::test
