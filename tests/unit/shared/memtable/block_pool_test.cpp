#include "shared/memtable/block_pool.hpp"

#include <cstdint>
#include <cstring>
#include <set>
#include <utility>
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

TEST_CASE("blocks on huge pages are like others, and those of both kinds serve each other") {
  for (const std::size_t bytes : {BlockPool::kWorthMapping - 1, BlockPool::kWorthMapping, 3 * kMiB + 64}) {
    BlockPool pool;
    const auto in_use = pool.take(8 * kMiB);
    auto block = pool.take(bytes, BlockPool::Pages::huge);
    CHECK(reinterpret_cast<std::uintptr_t>(block.get()) % BlockPool::kAlignment == 0);
    std::memset(block.get(), 1, bytes);
    std::byte* const place = block.get();
    block.reset();
    CHECK(pool.kept_bytes() == bytes);
    block = pool.take(bytes, BlockPool::Pages::small);
    CHECK(block.get() == place);
    std::memset(block.get(), 2, bytes);
    CHECK(pool.kept_bytes() == 0);
    const auto other = pool.take(bytes, BlockPool::Pages::huge);
    CHECK(other.get() != place);
    std::memset(other.get(), 3, bytes);
    CHECK(block.get()[bytes - 1] == std::byte{2});
  }
}

TEST_CASE("blocks on huge pages may live as long as they like, of any sizes by turns") {
  BlockPool pool;
  std::vector<std::pair<BlockPool::Block, std::size_t>> blocks;
  for (std::size_t i = 0; i < 60; ++i) {  // several slabs
    const std::size_t bytes = (i / 25 % 2 == 0 ? 3 : 5) * kMiB + 64;
    blocks.emplace_back(pool.take(bytes, BlockPool::Pages::huge), bytes);
    blocks.back().first.get()[0] = blocks.back().first.get()[bytes - 1] = static_cast<std::byte>(i);
  }
  std::set<std::byte*> places;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& [block, bytes] = blocks[i];
    CHECK(block.get()[0] == static_cast<std::byte>(i));
    CHECK(block.get()[bytes - 1] == static_cast<std::byte>(i));
    places.insert(block.get());
  }
  CHECK(places.size() == blocks.size());
  for (std::size_t i = 0; i < blocks.size(); i += 2) blocks[i].first.reset();
  for (std::size_t i = 1; i < blocks.size(); i += 2) CHECK(blocks[i].first.get()[0] == static_cast<std::byte>(i));
  blocks.clear();
  CHECK(pool.kept_bytes() == 0);
}

}  // namespace
}  // namespace ndb::memtable
