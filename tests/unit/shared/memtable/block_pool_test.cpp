#include "shared/memtable/block_pool.hpp"

#include <cstdint>
#include <vector>

#include "tests/support/catch.hpp"

namespace ndb::memtable {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST_CASE("a block that was given back serves again, and only for what is as large") {
  BlockPool pool;
  const auto in_use = pool.take(8 * kMiB);
  auto first = pool.take(3 * kMiB);
  std::byte* const place = first.get();
  CHECK(reinterpret_cast<std::uintptr_t>(place) % BlockPool::kAlignment == 0);
  first.reset();
  CHECK(pool.kept_bytes() == 3 * kMiB);
  const auto other = pool.take(2 * kMiB);
  CHECK(other.get() != place);
  const auto again = pool.take(3 * kMiB);
  CHECK(again.get() == place);
  CHECK(pool.kept_bytes() == 0);
}

TEST_CASE("no more is kept than is in use, nothing once nothing is, and never more than the most") {
  BlockPool pool;
  std::vector<BlockPool::Block> blocks;
  for (int i = 0; i < 30; ++i) blocks.push_back(pool.take(3 * kMiB));
  while (blocks.size() > 15) blocks.pop_back();
  CHECK(pool.kept_bytes() <= BlockPool::kMostKept);
  CHECK(pool.kept_bytes() > BlockPool::kMostKept - 3 * kMiB);
  while (blocks.size() > 2) blocks.pop_back();
  CHECK(pool.kept_bytes() == 6 * kMiB);
  blocks.clear();
  CHECK(pool.kept_bytes() == 0);
}

TEST_CASE("small blocks are not kept") {
  BlockPool pool;
  const auto in_use = pool.take(8 * kMiB);
  pool.take(BlockPool::kWorthKeeping - 1).reset();
  CHECK(pool.kept_bytes() == 0);
  pool.take(BlockPool::kWorthKeeping).reset();
  CHECK(pool.kept_bytes() == BlockPool::kWorthKeeping);
}

}  // namespace
}  // namespace ndb::memtable
