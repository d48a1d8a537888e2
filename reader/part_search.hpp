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
#include "shared/attributes/evaluated_filters.hpp"
#include "shared/index/hnsw_search.hpp"

namespace ndb::reader {

/// Ties go by id.
struct LessById {
  const Part* part;
  bool operator()(Row a, Row b) const noexcept { return part->row_id(a) < part->row_id(b); }
};
using Top = index::TopK<LessById>;

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
  bool explain = false;
  SharedBound* shared_bound = nullptr;

  [[nodiscard]] float bound() const noexcept {
    return shared_bound != nullptr ? shared_bound->get() : std::numeric_limits<float>::max();
  }
};

enum class Plan : std::uint8_t { none, exact, codes, cells, graph, filtered_graph, two_hop };

struct PartResult {
  std::vector<index::Candidate> best;  ///< at most top_k, best first, ties by id
  index::SearchStats stats;
  std::uint64_t rows_matched = 0;      ///< if a filter was evaluated; of a walk only if query.explain
  std::uint64_t rows_expected = 0;     ///< before it was
  Plan plan = Plan::none;
};

/// Whether this part would be answered by its graph (so cheaply that splitting it is not worth a task).
[[nodiscard]] bool uses_graph(const Part& part, const PartQuery& query) noexcept;

/// Whether rows without a graph would be answered by looking through the nearest cells: from row 0, in one task.
[[nodiscard]] bool uses_cells(const Part& part, const PartQuery& query) noexcept;

/// Candidates that a walk of this part keeps. It has a graph. share: as below.
[[nodiscard]] std::uint32_t ef_of(const Part& part, const PartQuery& query, double share);
/// Memory of searches on this thread.
[[nodiscard]] index::SearchScratch& thread_scratch();

/// Searches rows [begin, end) exactly, or the whole part if the plan is a graph (then begin is 0 and end its rows). matching: what the
/// filter lets through, if that is known.
/// share: of the matches, how many this part is expected to hold, in (0, 1]; a graph is walked with as many candidates.
[[nodiscard]] PartResult search_part(const Part& part, const PartQuery& query, Row begin, Row end, double share,
                                     const attributes::EvaluatedFilter* matching);

}  // namespace ndb::reader
