#include "shared/memtable/block_pool.hpp"

#include <algorithm>
#include <new>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)
#define ASAN_UNPOISON_MEMORY_REGION(address, size)
#endif

namespace ndb::memtable {
namespace {

constexpr std::size_t kMostBlocks = BlockPool::kMostKept / BlockPool::kWorthKeeping;

void free_block(std::byte* block, std::size_t bytes) noexcept {
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
  static_cast<void>(bytes);
  ::operator delete(block, std::align_val_t{BlockPool::kAlignment});
}

}  // namespace

BlockPool& BlockPool::instance() {
  static auto* const pool = new BlockPool;  // memtables may die after statics
  return *pool;
}

BlockPool::~BlockPool() {
  for (const auto& [block, bytes] : kept_) free_block(block, bytes);
}

BlockPool::Block BlockPool::take(std::size_t bytes) {
  std::byte* block = take_kept(bytes);
  if (block == nullptr) block = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{kAlignment}));
  used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return {block, {this, bytes}};
}

std::byte* BlockPool::take_kept(std::size_t bytes) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return nullptr;
  if (kept_.capacity() == 0) kept_.reserve(kMostBlocks);  // so that giving back never allocates
  const auto found = std::ranges::find(kept_, bytes, &Kept::bytes);
  if (found == kept_.end()) return nullptr;
  std::byte* const block = found->block;
  kept_bytes_ -= bytes;
  *found = kept_.back();
  kept_.pop_back();
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
  return block;
}

void BlockPool::give_back(std::byte* block, std::size_t bytes) noexcept {
  const std::size_t most = std::min(kMostKept, used_bytes_.fetch_sub(bytes, std::memory_order_relaxed) - bytes);
  if (!keep(block, bytes, most)) free_block(block, bytes);
  while (const auto more = take_beyond(most)) free_block(more->block, more->bytes);
}

bool BlockPool::keep(std::byte* block, std::size_t bytes, std::size_t most) noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || bytes < kWorthKeeping || kept_bytes_ + bytes > most || kept_.size() == kept_.capacity()) return false;
  ASAN_POISON_MEMORY_REGION(block, bytes);
  kept_.push_back({block, bytes});
  kept_bytes_ += bytes;
  return true;
}

std::optional<BlockPool::Kept> BlockPool::take_beyond(std::size_t most) noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || kept_bytes_ <= most) return std::nullopt;
  const Kept last = kept_.back();
  kept_.pop_back();
  kept_bytes_ -= last.bytes;
  return last;
}

std::size_t BlockPool::kept_bytes() const {
  const std::scoped_lock lock(mutex_);
  return kept_bytes_;
}

}  // namespace ndb::memtable
