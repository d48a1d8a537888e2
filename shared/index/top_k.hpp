// Keeps the k best candidates of a stream, with a rule for ties.
//
// Threads: one owner; one collector per search and segment.
// Invariants: after any sequence of push() the collector holds the k smallest elements by (key, tie rule) of what was
// pushed, in whatever order it came. Keys are never NaN.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "ndb/types.hpp"

namespace ndb::index {

/// A row and its distance key (see distance_key.hpp).
struct Candidate {
  float key = 0.0F;
  Row row = 0;

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

/// Ties: `Less(a, b)`, a strict weak order of rows, is asked only when two keys are equal. Where matches tie by id it
/// compares the ids of the rows.
template <class Less = std::less<Row>>
class TopK {
 public:
  /// k ≥ 1. bound: candidates with a key above it are not wanted.
  explicit TopK(std::size_t k, Less less = {}, float bound = std::numeric_limits<float>::max())
      : k_(k), less_(std::move(less)), bound_(bound) {
    heap_.reserve(std::min<std::size_t>(k, 1024));
  }

  /// Candidates with a key above it need not be pushed.
  [[nodiscard]] float bound() const noexcept { return bound_; }

  void push(float key, Row row) {
    if (key > bound_) return;
    const Candidate candidate{key, row};
    if (heap_.size() == k_) {
      if (!better(candidate, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), order());
      heap_.pop_back();
    }
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end(), order());
    if (heap_.size() == k_) bound_ = heap_.front().key;
  }

  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

  /// The candidates, best first; the collector is empty afterwards.
  [[nodiscard]] std::vector<Candidate> take() {
    std::sort_heap(heap_.begin(), heap_.end(), order());
    bound_ = std::numeric_limits<float>::max();
    return std::exchange(heap_, {});
  }

 private:
  [[nodiscard]] bool better(const Candidate& a, const Candidate& b) const {
    return a.key < b.key || (a.key == b.key && less_(a.row, b.row));
  }
  [[nodiscard]] auto order() const {
    return [this](const Candidate& a, const Candidate& b) { return better(a, b); };
  }

  std::size_t k_;
  Less less_;
  float bound_ = std::numeric_limits<float>::max();
  std::vector<Candidate> heap_;  // max-heap: the worst kept candidate is at the front
};

}  // namespace ndb::index
