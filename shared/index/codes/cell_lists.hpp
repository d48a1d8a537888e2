// Lists of rows, one for each cell, that grow at their ends while others read them. Rows lie 14 to a cache line, so that a list is read without
// waiting for memory at each row.
//
// Threads: one adds; any number read at the same time, without locks.
// Invariants: a list never loses or changes a row; what a reader sees of it is a beginning of it.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "ndb/types.hpp"
#include "shared/simd/kernels.hpp"

namespace ndb::index {

class CellLists {
 public:
  explicit CellLists(std::uint32_t cells) : lists_(std::make_unique<List[]>(cells)) {}

  void add(std::uint32_t cell, Row row) {
    List& list = lists_[cell];
    const std::uint32_t count = list.count.load(std::memory_order_relaxed);
    std::uint32_t place = list.newest.load(std::memory_order_relaxed);
    if (count % kRowsInBlock == 0) {
      const std::uint32_t before = place;
      place = blocks_++;
      auto& slab = slabs_[place / kBlocksInSlab];
      if (slab == nullptr) slab = std::make_unique<Block[]>(kBlocksInSlab);
      block(place).before = before;
      block(place).first = count;
      list.newest.store(place, std::memory_order_release);  // pairs with for_each()
    }
    block(place).rows[count % kRowsInBlock] = row;
    list.count.store(count + 1, std::memory_order_release);  // pairs with for_each(): the row and its block are there
  }

  /// Starts loading the end of a list.
  void prefetch(std::uint32_t cell) const noexcept {
    const std::uint32_t newest = lists_[cell].newest.load(std::memory_order_acquire);
    if (newest != kNone) simd::prefetch(&block(newest), sizeof(Block));
  }

  /// Calls f(row) for the rows of a list, in no order.
  template <class F>
  void for_each(std::uint32_t cell, F&& f) const {
    const List& list = lists_[cell];
    const std::uint32_t count = list.count.load(std::memory_order_acquire);
    // The newest block may be one that was begun since; such a one has no row that counts.
    for (std::uint32_t place = list.newest.load(std::memory_order_acquire); place != kNone;) {
      const Block& rows = block(place);
      place = rows.before;
      if (place != kNone) simd::prefetch(&block(place), sizeof(Block));
      if (rows.first >= count) continue;
      const std::uint32_t here = std::min(kRowsInBlock, count - rows.first);
      for (std::uint32_t i = 0; i < here; ++i) f(rows.rows[i]);
    }
  }

 private:
  static constexpr std::uint32_t kRowsInBlock = 14, kBlocksInSlab = 1024, kMostSlabs = 512, kNone = ~std::uint32_t{0};
  struct alignas(64) Block {
    std::uint32_t before = kNone;
    std::uint32_t first = 0;  // how many rows the blocks before hold
    std::array<Row, kRowsInBlock> rows{};
  };
  struct List {
    std::atomic<std::uint32_t> count{0};
    std::atomic<std::uint32_t> newest{kNone};
  };

  [[nodiscard]] Block& block(std::uint32_t place) noexcept { return slabs_[place / kBlocksInSlab][place % kBlocksInSlab]; }
  [[nodiscard]] const Block& block(std::uint32_t place) const noexcept { return slabs_[place / kBlocksInSlab][place % kBlocksInSlab]; }

  std::unique_ptr<List[]> lists_;
  std::array<std::unique_ptr<Block[]>, kMostSlabs> slabs_{};  // written before a list names a block of theirs
  std::uint32_t blocks_ = 0;                                   // the adding thread's
};

}  // namespace ndb::index
