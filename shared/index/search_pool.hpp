// The candidates of a graph walk: a short sorted array of fixed capacity, nearest first, each marked once it is expanded.
// At usual sizes (tens to hundreds) moving a few entries up costs less than a heap's unpredictable branches.
//
// Threads: one owner.
// Invariants: entries are sorted by key; every entry before `cursor_` is expanded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace ndb::index {

class SearchPool {
 public:
  /// Empties the pool and sets how many candidates it keeps (≥ 1). Only the `reach` nearest of them are handed out.
  void reset(std::size_t capacity, std::size_t reach = std::numeric_limits<std::size_t>::max()) {
    capacity_ = capacity;
    reach_ = reach;
    size_ = 0;
    cursor_ = 0;
    if (entries_.size() < capacity + 1) entries_.resize(capacity + 1);
  }

  /// Adds a node < 2^31 that was not added before; the farthest entry falls out of a full pool.
  void insert(float key, std::uint32_t node) noexcept {
    if (size_ == capacity_ && !(key < entries_[size_ - 1].key)) return;
    if (size_ < capacity_) ++size_;
    std::size_t at = size_ - 1;  // from the end, by hand: few are moved, and a call takes longer
    for (; at > 0 && key < entries_[at - 1].key; --at) entries_[at] = entries_[at - 1];
    entries_[at] = {key, node};
    cursor_ = std::min(cursor_, at);
  }

  [[nodiscard]] bool has_next() const noexcept { return cursor_ < size_ && cursor_ < reach_; }
  /// The nearest node that is not expanded; has_next() must hold.
  [[nodiscard]] std::uint32_t peek() const noexcept { return entries_[cursor_].node; }
  /// Marks the nearest unexpanded node and returns it.
  std::uint32_t take_next() noexcept {
    const std::uint32_t node = entries_[cursor_].node;
    entries_[cursor_].node |= kExpanded;
    while (cursor_ < size_ && (entries_[cursor_].node & kExpanded) != 0) ++cursor_;
    return node;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }
  [[nodiscard]] float key(std::size_t i) const noexcept { return entries_[i].key; }
  [[nodiscard]] std::uint32_t node(std::size_t i) const noexcept { return entries_[i].node & ~kExpanded; }
  /// Key of the farthest entry; the pool must not be empty.
  [[nodiscard]] float worst_key() const noexcept { return entries_[size_ - 1].key; }

 private:
  static constexpr std::uint32_t kExpanded = 1U << 31;
  struct Entry {
    float key = 0.0F;
    std::uint32_t node = 0;
  };

  std::vector<Entry> entries_;
  std::size_t capacity_ = 0;
  std::size_t reach_ = 0;
  std::size_t size_ = 0;
  std::size_t cursor_ = 0;
};

}  // namespace ndb::index
