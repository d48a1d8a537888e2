// Searching one part for one query: picks the plan (exact, graph, filtered graph) and runs it. Private to reader/.
// Threads: any; scratch is per thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <vector>

#include "ndb/search.hpp"
#include "reader/part.hpp"
#include "shared/index/hnsw_search.hpp"

namespace ndb::reader {

/// The k-th best key of what is found so far, shared by the parts of a search: what is worse need not be compared exactly.
/// Threads: any.
class SharedBound {
 public:
  explicit SharedBound(std::size_t k) : k_(k) {}

  /// Relaxed: a bound that is a little old costs time, nothing else.
  [[nodiscard]] float get() const noexcept { return bound_.load(std::memory_order_relaxed); }
  void offer(const std::vector<index::Candidate>& found) {
    const std::scoped_lock lock(mutex_);
    for (const auto& candidate : found) {
      keys_.push_back(candidate.key);
      std::ranges::push_heap(keys_);
      if (keys_.size() <= k_) continue;
      std::ranges::pop_heap(keys_);
      keys_.pop_back();
    }
    if (keys_.size() == k_) bound_.store(keys_.front(), std::memory_order_relaxed);
  }

 private:
  const std::size_t k_;
  std::atomic<float> bound_ = std::numeric_limits<float>::max();
  std::mutex mutex_;
  std::vector<float> keys_;  // guarded by mutex_; the k best, a max-heap
};

struct PartQuery {
  const index::PreparedQuery& query;
  const filter::CompiledFilter& filter;
  std::uint32_t top_k;
  std::uint32_t ef;
  bool approximate;
  std::optional<double> recall;  ///< instead of ef, below 1
  SharedBound* shared_bound = nullptr;

  [[nodiscard]] float bound() const noexcept {
    return shared_bound != nullptr ? shared_bound->get() : std::numeric_limits<float>::max();
  }
};

enum class Plan : std::uint8_t { none, exact, graph, filtered_graph };

struct PartResult {
  std::vector<index::Candidate> best;  ///< at most top_k, best first, ties by id
  index::SearchStats stats;
  std::uint64_t rows_matched = 0;      ///< if a filter was evaluated
  Plan plan = Plan::none;
};

/// Whether this part would be answered by its graph (so cheaply that splitting it is not worth a task).
[[nodiscard]] bool uses_graph(const Part& part, const PartQuery& query) noexcept;

/// Searches rows [begin, end) exactly, or the whole part if the plan is a graph (then begin is 0 and end its rows).
/// share: of the matches, how many this part is expected to hold, in (0, 1]; a graph is walked with as many candidates.
[[nodiscard]] PartResult search_part(const Part& part, const PartQuery& query, Row begin, Row end, double share);

}  // namespace ndb::reader
