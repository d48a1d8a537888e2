// Which nodes a walk has met: one bit a node, small enough for L1 or L2, cleared by undoing what was set.
//
// Threads: one owner.
// Invariant: all words but the first touched_count_ of touched_ are zero, so reset() costs what the walk cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
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

  /// Adds a node; false if it was there.
  bool insert(std::uint32_t node) noexcept {
    std::uint32_t out = 0;
    return insert_new({&node, 1}, &out) == 1;
  }

  /// Adds nodes, copies those that were not there to `out` [nodes.size()], and returns how many. Without branches: whether a node was met is as good
  /// as random.
  std::size_t insert_new(std::span<const std::uint32_t> nodes, std::uint32_t* out) noexcept {
    std::uint64_t* const words = words_.data();  // copies: what is written could be these, as far as the compiler knows
    std::uint32_t* const touched = touched_.data();
    std::size_t touched_count = touched_count_, count = 0;
    for (const std::uint32_t node : nodes) {
      const std::uint32_t at = node >> 6;
      const std::uint64_t before = words[at];
      touched[touched_count] = at;
      touched_count += (~before & (before - 1)) >> 63;  // 1 where it was 0, which GCC would make a branch of
      words[at] = before | std::uint64_t{1} << (node & 63);
      out[count] = node;
      count += ~before >> (node & 63) & 1U;
    }
    touched_count_ = touched_count;
    return count;
  }

  [[nodiscard]] bool contains(std::uint32_t node) const noexcept { return (words_[node >> 6] >> (node & 63) & 1U) != 0; }

 private:
  std::vector<std::uint64_t> words_;
  std::vector<std::uint32_t> touched_;
  std::size_t touched_count_ = 0;
};

}  // namespace ndb::index
