// What ndb bench measured, for people, for machines, as CSV and as a picture. Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "cli/bench/measurement.hpp"
#include "ndb/stats.hpp"

namespace ndb::cli {

struct BenchReport {
  std::string source;         ///< "vectors.npy"
  BenchPlan plan;
  CollectionStats stats;      ///< of the measured collection, all indexed
  std::size_t queries = 0;
  bool held_out = false;      ///< the queries are rows that were left out; otherwise they come from a file
  IngestFigures ingest;
  std::vector<SearchFigures> searches;
  FreshnessFigures freshness;
};

[[nodiscard]] std::string bench_text(const BenchReport& report);
[[nodiscard]] std::string bench_json(const BenchReport& report);
/// The searches, a line each, under a heading.
[[nodiscard]] std::string bench_csv(const BenchReport& report);
/// The curve as SVG.
[[nodiscard]] std::string bench_plot(const BenchReport& report);

}  // namespace ndb::cli
