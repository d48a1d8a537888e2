#include "shared/memtable/block_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)
#define ASAN_UNPOISON_MEMORY_REGION(address, size)
#endif

namespace ndb::memtable {
namespace {

constexpr std::size_t kMostBlocks = BlockPool::kMostKept / BlockPool::kWorthKeeping;

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kSlabBytes = std::size_t{32} << 20;  // of address space; memory is taken as it is touched
constexpr std::size_t kPage = 4096;

constexpr std::size_t round_up(std::size_t bytes, std::size_t to) noexcept { return (bytes + to - 1) / to * to; }

}  // namespace

// Blocks of one size side by side, so that huge pages span them whatever that size is. Each is given out once. Who gives the last one back
// unmaps all; the memory of the others goes back to the system at once. Needs no lock.
struct BlockPool::Slab {
  std::byte* mapped = nullptr;
  std::size_t mapped_bytes = 0;
  std::byte* begin = nullptr;
  std::size_t block_bytes = 0;  // whole pages
  std::size_t blocks = 0, given = 0;     // under the pool's mutex
  std::atomic<std::size_t> holders = 1;  // blocks given out and not given back, and the pool while it gives out

  static Slab* make(std::size_t bytes) {
    auto slab = std::make_unique<Slab>();
    slab->block_bytes = round_up(bytes, kPage);
    slab->blocks = std::max<std::size_t>(1, kSlabBytes / slab->block_bytes);
    slab->mapped_bytes = slab->blocks * slab->block_bytes + kHugePage;
    void* const mapped = ::mmap(nullptr, slab->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    slab->mapped = static_cast<std::byte*>(mapped);
    slab->begin = slab->mapped + (round_up(reinterpret_cast<std::uintptr_t>(mapped), kHugePage) - reinterpret_cast<std::uintptr_t>(mapped));
    static_cast<void>(::madvise(slab->begin, slab->blocks * slab->block_bytes, MADV_HUGEPAGE));  // a wish
    return slab.release();
  }
  void leave() noexcept {
    if (holders.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    ::munmap(mapped, mapped_bytes);
    delete this;
  }
  void give_back(std::byte* block) noexcept {
    static_cast<void>(::madvise(block, block_bytes, MADV_DONTNEED));
    leave();
  }
};

namespace {

void free_block(std::byte* block, BlockPool::Kind kind) noexcept {
  ASAN_UNPOISON_MEMORY_REGION(block, kind.bytes);
  if (kind.slab != nullptr) kind.slab->give_back(block);
  else ::operator delete(block, std::align_val_t{BlockPool::kAlignment});
}

}  // namespace

BlockPool& BlockPool::instance() {
  static auto* const pool = new BlockPool;  // memtables may die after statics
  return *pool;
}

BlockPool::~BlockPool() {
  for (const auto& [block, kind] : kept_) free_block(block, kind);
  if (slab_ != nullptr) slab_->leave();
}

BlockPool::Block BlockPool::take(std::size_t bytes, Pages pages) {
  auto taken = take_kept(bytes);
  if (!taken && pages == Pages::huge && bytes >= kWorthMapping) taken = take_mapped(bytes);
  if (!taken) taken = Kept{static_cast<std::byte*>(::operator new(bytes, std::align_val_t{kAlignment})), {bytes, nullptr}};
  used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return {taken->block, {this, taken->kind}};
}

std::optional<BlockPool::Kept> BlockPool::take_kept(std::size_t bytes) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return std::nullopt;
  if (kept_.capacity() == 0) kept_.reserve(kMostBlocks);  // so that giving back never allocates
  const auto found = std::ranges::find(kept_, bytes, [](const Kept& kept) { return kept.kind.bytes; });
  if (found == kept_.end()) return std::nullopt;
  const Kept taken = *found;
  kept_bytes_ -= bytes;
  *found = kept_.back();
  kept_.pop_back();
  ASAN_UNPOISON_MEMORY_REGION(taken.block, bytes);
  return taken;
}

std::optional<BlockPool::Kept> BlockPool::take_mapped(std::size_t bytes) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return std::nullopt;
  if (slab_ != nullptr && slab_->block_bytes != round_up(bytes, kPage)) std::exchange(slab_, nullptr)->leave();
  if (slab_ == nullptr) slab_ = Slab::make(bytes);
  if (slab_ == nullptr) return std::nullopt;
  Slab& slab = *slab_;
  std::byte* const block = slab.begin + slab.given++ * slab.block_bytes;
  slab.holders.fetch_add(1, std::memory_order_relaxed);
  if (slab.given == slab.blocks) std::exchange(slab_, nullptr)->leave();
  return Kept{block, {bytes, &slab}};
}

void BlockPool::give_back(std::byte* block, Kind kind) noexcept {
  const std::size_t most = std::min(kMostKept, used_bytes_.fetch_sub(kind.bytes, std::memory_order_relaxed) - kind.bytes);
  if (!keep(block, kind, most)) free_block(block, kind);
  while (const auto more = take_beyond(most)) free_block(more->block, more->kind);
}

bool BlockPool::keep(std::byte* block, Kind kind, std::size_t most) noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || kind.bytes < kWorthKeeping || kept_bytes_ + kind.bytes > most || kept_.size() == kept_.capacity()) return false;
  ASAN_POISON_MEMORY_REGION(block, kind.bytes);
  kept_.push_back({block, kind});
  kept_bytes_ += kind.bytes;
  return true;
}

std::optional<BlockPool::Kept> BlockPool::take_beyond(std::size_t most) noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || kept_bytes_ <= most) return std::nullopt;
  const Kept last = kept_.back();
  kept_.pop_back();
  kept_bytes_ -= last.kind.bytes;
  return last;
}

std::size_t BlockPool::kept_bytes() const {
  const std::scoped_lock lock(mutex_);
  return kept_bytes_;
}

}  // namespace ndb::memtable
