// Which nodes a walk has met: one bit a node, small enough for L1 or L2, cleared by undoing what was set.
//
// Threads: one owner.
// Invariant: all bits outside `touched_` words are zero, so clear() costs what the walk cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ndb::index {

class VisitedSet {
 public:
  /// Empties the set and makes room for nodes < `nodes`.
  void reset(std::size_t nodes) {
    for (const std::uint32_t word : touched_) words_[word] = 0;
    touched_.clear();
    if (words_.size() * 64 < nodes) words_.resize((nodes + 63) / 64);
  }

  /// Adds a node; false if it was there.
  bool insert(std::uint32_t node) {
    std::uint64_t& word = words_[node >> 6];
    const std::uint64_t bit = std::uint64_t{1} << (node & 63);
    if ((word & bit) != 0) return false;
    if (word == 0) touched_.push_back(node >> 6);
    word |= bit;
    return true;
  }

  [[nodiscard]] bool contains(std::uint32_t node) const noexcept { return (words_[node >> 6] >> (node & 63) & 1U) != 0; }

 private:
  std::vector<std::uint64_t> words_;
  std::vector<std::uint32_t> touched_;
};

}  // namespace ndb::index
