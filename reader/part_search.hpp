// Searching one part for one query: picks the plan (exact, graph, filtered graph) and runs it. Private to reader/.
// Threads: any; scratch is per thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ndb/search.hpp"
#include "reader/part.hpp"
#include "shared/index/hnsw_search.hpp"

namespace ndb::reader {

struct PartQuery {
  const index::PreparedQuery& query;
  const filter::CompiledFilter& filter;
  std::uint32_t top_k;
  std::uint32_t ef;
  bool approximate;
  std::optional<double> recall;  ///< instead of ef, below 1
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
