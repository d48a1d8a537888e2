// Which rows of one segment are deleted, and since which operation. One object per segment and process, shared by all
// snapshots: marks are only ever added, each with its sequence number, so a search at an older number sees the row still.
//
// Threads: one thread marks; any number ask at the same time, without locks.
// Invariant: deleted_at_[row] is stored before the row's bit is set (release), and read after it (acquire); a search that
// loaded its sequence number after it was published sees every mark up to that number.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "ndb/types.hpp"

namespace ndb::memtable {

class Tombstones {
 public:
  explicit Tombstones(Row rows) noexcept : rows_(rows) {}

  /// Marks the row as deleted by operation `seq`; the first mark of a row stays. False if it was marked before.
  bool mark(Row row, Seq seq);
  /// The same before anybody else knows this object: the earliest mark stays, whatever the order.
  void mark_earliest(Row row, Seq seq) {
    if (!mark(row, seq) && owned_->deleted_at[row] > seq.value) owned_->deleted_at[row] = seq.value;
  }
  /// Whether a search at `at` sees the row.
  [[nodiscard]] bool visible(Row row, Seq at) const noexcept {
    const Marks* marks = marks_.load(std::memory_order_acquire);  // pairs with mark(): the arrays are initialised
    if (marks == nullptr) return true;
    if ((marks->bits[row >> 6].load(std::memory_order_acquire) >> (row & 63) & 1U) == 0) return true;
    return marks->deleted_at[row] > at.value;
  }
  /// Whether nothing was ever marked.
  [[nodiscard]] bool empty() const noexcept { return marks_.load(std::memory_order_acquire) == nullptr; }
  [[nodiscard]] Row rows() const noexcept { return rows_; }
  /// Number of marked rows.
  [[nodiscard]] Row count() const noexcept { return count_.load(std::memory_order_relaxed); }
  /// Ascending rows that were deleted by operations up to `seq`.
  [[nodiscard]] std::vector<Row> rows_deleted_up_to(Seq seq) const;
  /// Calls f(row, seq) for each mark, ascending by row.
  template <class F>
  void for_each(F f) const {
    const Marks* marks = marks_.load(std::memory_order_acquire);
    if (marks == nullptr) return;
    for (std::size_t word = 0; word <= rows_ / 64; ++word)
      for (auto bits = marks->bits[word].load(std::memory_order_acquire); bits != 0; bits &= bits - 1) {
        const Row row = static_cast<Row>(word * 64 + static_cast<unsigned>(__builtin_ctzll(bits)));
        f(row, Seq{marks->deleted_at[row]});
      }
  }

 private:
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  struct Marks {
    std::unique_ptr<std::atomic<std::uint64_t>[]> bits;
    std::unique_ptr<std::uint64_t[], Free> deleted_at;  // zero pages from calloc: only touched ones cost memory
  };

  Row rows_;
  std::atomic<Row> count_{0};
  std::atomic<const Marks*> marks_{nullptr};
  std::unique_ptr<Marks> owned_;
};

}  // namespace ndb::memtable
