// What ndb bench measures in a collection of its own: taking rows in, searching them, and how soon another process sees a write.
//
// Threads: each function is called from one thread; searches run in as many as the plan says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/export/document_stream.hpp"
#include "cli/progress.hpp"
#include "ndb/ndb.hpp"

namespace ndb::cli {

struct BenchPlan {
  std::uint64_t max_rows = 0;       ///< 0: all
  std::uint32_t queries = 1'000;    ///< held out, at most; or read from a file
  std::uint32_t top_k = 10, passes = 3, threads = 1, inserts = 500, batch_rows = 0;
  std::vector<std::uint32_t> efs{10, 16, 24, 32, 48, 64, 96, 128, 200, 400};
  std::vector<double> recalls{0.9, 0.95, 0.99};
  Filter filter;
};

struct IngestFigures {
  std::uint64_t rows = 0, skipped = 0;  ///< skipped: what no collection would take, such as a zero vector under cosine
  std::uint64_t vector_bytes = 0;
  double insert_seconds = 0;            ///< spent in inserting, not in reading the source
  double flush_seconds = 0;             ///< after the last row, until everything is in segments
  double index_seconds = 0;             ///< after that, until everything is merged and has its graph
};

/// One point of the curve.
struct SearchFigures {
  std::optional<std::uint32_t> ef;
  std::optional<double> wanted_recall;  ///< instead of ef; neither: exact
  double recall = 0, queries_per_second = 0;
  double p50_us = 0, p99_us = 0;        ///< of one search

  [[nodiscard]] std::string how() const;
};

struct FreshnessFigures {
  std::uint32_t inserts = 0;
  double p50_ms = 0, p99_ms = 0, max_ms = 0;
};

using Queries = std::vector<std::vector<float>>;
using Matches = std::vector<std::vector<Match>>;
using Report = std::function<void(const Done&)>;

/// The value below which `share` of them lie; 0 of none.
[[nodiscard]] double quantile(std::vector<double> values, double share);

/// Inserts the rows in batches, writes them to segments and builds the graph. If `queries` is empty, a random sample of the rows is held out to
/// be the queries: a tenth of them at most.
[[nodiscard]] Result<IngestFigures> load_rows(DocumentStream& rows, Collection& collection, const BenchPlan& plan, Queries& queries, const Report& report);

/// The true nearest of each query, by comparing with every row.
[[nodiscard]] Result<Matches> exact_matches(const Collection& collection, const BenchPlan& plan, const Queries& queries, const Report& report);

/// The share of the true matches that were found; what is as near as the last true one counts as well: where rows are alike, any of them will do.
[[nodiscard]] double recall_of(const Matches& found, const Matches& truth, Distance distance);

/// Each ef and each wanted recall, and exactly. Passes over all queries take turns, so that what else the machine does hits all alike; rates and
/// latencies are medians of the passes.
[[nodiscard]] Result<std::vector<SearchFigures>> measure_searches(const Collection& collection, const BenchPlan& plan, const Queries& queries, const Matches& truth,
                                                                  const Report& report);

[[nodiscard]] FreshnessFigures freshness_of(const std::vector<double>& delays_ms);

}  // namespace ndb::cli
