// Seeds of random tests: NDB_TEST_SEED replays one, NDB_TEST_SEEDS sets how many are tried (long runs).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace ndb::test {

[[nodiscard]] inline std::vector<std::uint64_t> seeds(std::uint64_t by_default) {
  if (const char* one = std::getenv("NDB_TEST_SEED")) return {std::strtoull(one, nullptr, 10)};
  std::uint64_t count = by_default;
  if (const char* many = std::getenv("NDB_TEST_SEEDS")) count = std::strtoull(many, nullptr, 10);
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t i = 1; i <= count; ++i) seeds.push_back(i);
  return seeds;
}

}  // namespace ndb::test
