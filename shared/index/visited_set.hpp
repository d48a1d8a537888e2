// Which nodes a walk has met: one bit a node, small enough for L1 or L2, cleared by undoing what was set.
//
// Threads: one owner.
// Invariant: all words but the first touched_count_ of touched_ are zero, so reset() costs what the walk cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ndb::index {

class VisitedSet {
 public:
  /// Empties the set and makes room for nodes < `nodes`.
  void reset(std::size_t nodes) {
    for (std::size_t i = 0; i < touched_count_; ++i) words_[touched_[i]] = 0;
    touched_count_ = 0;
    if (words_.size() * 64 >= nodes) return;
    const std::size_t words = (nodes + 63) / 64;
    touched_.resize(words + 1);  // one is written in advance; first, for what words_ holds is believed
    words_.resize(words);
  }

  /// Adds a node; false if it was there. Without branches: whether a node was met is as good as random.
  bool insert(std::uint32_t node) noexcept {
    const std::uint32_t at = node >> 6;
    const std::uint64_t before = words_[at];
    const std::uint64_t bit = std::uint64_t{1} << (node & 63);
    touched_[touched_count_] = at;
    touched_count_ += before == 0 ? 1U : 0U;
    words_[at] = before | bit;
    return (before & bit) == 0;
  }

  [[nodiscard]] bool contains(std::uint32_t node) const noexcept { return (words_[node >> 6] >> (node & 63) & 1U) != 0; }

 private:
  std::vector<std::uint64_t> words_;
  std::vector<std::uint32_t> touched_;
  std::size_t touched_count_ = 0;
};

}  // namespace ndb::index
