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

  /// The same for many nodes at once, which moves the entries behind them only once.
  void insert_all(std::span<const float> keys, std::span<const std::uint32_t> nodes) {
    constexpr float kFar = std::numeric_limits<float>::infinity();
    if (new_.size() < keys.size()) new_.resize(keys.size());
    new_count_ = 0;
    if (full()) {
      // Without branches: whether a node is near enough is as good as random.
      for (std::size_t i = 0; i < keys.size(); ++i) {
        new_[new_count_] = {keys[i], nodes[i]};
        new_count_ += keys[i] < entries_[size_ - 1].key ? 1U : 0U;
      }
    } else {
      for (std::size_t i = 0; i < keys.size(); ++i)
        new_[new_count_++] = {keys[i] < kFar ? keys[i] : kFar, nodes[i]};  // infinite, or not a number
    }
    if (new_count_ == 0) return;
    if (new_count_ == 1) return insert(new_[0].key, new_[0].node);
    sort_new();
    merge_new();
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

  // Few are new at a time. Equal keys keep the order in which they came.
  void sort_new() noexcept {
    for (std::size_t i = 1; i < new_count_; ++i) {
      const Entry entry = new_[i];
      std::size_t at = i;
      for (; at > 0 && entry.key < new_[at - 1].key; --at) new_[at] = new_[at - 1];
      new_[at] = entry;
    }
  }

  // Both are sorted; equal keys keep the order in which they came. The farthest fall out.
  void merge_new() noexcept {
    const std::size_t all = size_ + new_count_;
    const std::size_t size = std::min(capacity_, all);
    std::size_t old = size_, added = new_count_;  // what is left of each
    const auto new_is_farther = [&] { return added > 0 && (old == 0 || entries_[old - 1].key <= new_[added - 1].key); };
    for (std::size_t excess = all - size; excess > 0; --excess) new_is_farther() ? --added : --old;
    for (std::size_t to = size; added > 0; --to) entries_[to - 1] = new_is_farther() ? new_[--added] : entries_[--old];
    size_ = size;
    cursor_ = std::min(cursor_, old);
  }

  std::vector<Entry> entries_;
  std::vector<Entry> new_;  // new_count_ of them
  std::size_t new_count_ = 0;
  std::size_t capacity_ = 0;
  std::size_t reach_ = 0;
  std::size_t size_ = 0;
  std::size_t cursor_ = 0;
};

}  // namespace ndb::index
