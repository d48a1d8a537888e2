#include "shared/index/calibration.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <variant>
#include <vector>

#include "ndb/collection_config.hpp"
#include "shared/index/builder/parallel_rows.hpp"
#include "shared/index/hnsw_search.hpp"
#include "shared/index/random_bits.hpp"

namespace ndb::index {
namespace {

constexpr std::size_t kMostQueries = 200;
constexpr std::size_t kFewestQueries = 16;
constexpr std::uint64_t kRowsPerQuery = 50;             // measuring stays a small part of building
constexpr float kEnough = 0.9999F;                      // more candidates change nothing
constexpr std::uint64_t kMostComparisons = 40'000'000;  // for the exact answers: a few seconds at the most
constexpr std::size_t kQueriesAtOnce = 4;
constexpr double kMargin = 0.1;  // of what is missing to 1: a sample of 200 may be that far off

// Where a walk of two random steps ends.
Row neighbour_of(const HnswView& graph, Row row, std::uint64_t random) {
  for (int step = 0; step < 2; ++step) {
    const auto links = graph.links(row);
    const auto used = static_cast<std::size_t>(std::ranges::find(links, kNoLink) - links.begin());
    if (used == 0) break;
    const Row next = links[(random >> (step * 16)) % used];
    if (next < graph.rows()) row = next;
  }
  return row;
}

// A row moved by most of the difference of two rows nearby: as far from the rows as real queries are, and in directions in
// which the data varies there.
std::vector<float> query_near(const HnswView& graph, const VectorsView& vectors, Row row, std::uint64_t random) {
  constexpr float kShare = 0.7F;
  const float* at = vectors.vector(row);
  const float* from = vectors.vector(neighbour_of(graph, row, random));
  const float* to = vectors.vector(neighbour_of(graph, row, random >> 32));
  std::vector<float> query(vectors.dim);
  for (std::size_t i = 0; i < query.size(); ++i) query[i] = at[i] + kShare * (to[i] - from[i]);
  const bool usable = std::ranges::all_of(query, [](float value) { return std::isfinite(value); }) &&
                      std::ranges::any_of(query, [](float value) { return value != 0.0F; });
  return usable ? query : std::vector<float>(at, at + vectors.dim);
}

struct Sample {
  std::vector<PreparedQuery> queries;
  std::vector<float> worst_keys;  // of the true k nearest
};

void scan_some(const VectorsView& vectors, Sample& sample, std::size_t begin) {
  const std::size_t count = std::min(kQueriesAtOnce, sample.queries.size() - begin);
  std::vector<const PreparedQuery*> queries;
  std::vector<TopK<>> tops;
  for (std::size_t i = 0; i < count; ++i) {
    queries.push_back(&sample.queries[begin + i]);
    tops.emplace_back(kCalibratedK);
  }
  scan_batch(vectors, all_rows(vectors), std::span<const PreparedQuery* const>(queries), AcceptAll{}, std::span<TopK<>>(tops));
  for (std::size_t i = 0; i < count; ++i) sample.worst_keys[begin + i] = tops[i].take().back().key;
}

Sample make_sample(const HnswView& graph, const VectorsView& vectors, unsigned threads) {
  const std::uint64_t affordable = std::min<std::uint64_t>(kMostComparisons / vectors.rows, vectors.rows / kRowsPerQuery);
  const auto count = std::min<std::size_t>({kMostQueries, std::max<std::size_t>(affordable, kFewestQueries), vectors.rows});
  Sample sample;
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = static_cast<Row>(std::uint64_t{vectors.rows} * i / count);
    sample.queries.emplace_back(query_near(graph, vectors, row, mix_bits(i)), vectors.distance);
  }
  sample.worst_keys.resize(count);
  ParallelRows<std::monostate>(threads, {}).each((count + kQueriesAtOnce - 1) / kQueriesAtOnce, [&](std::uint64_t i, std::monostate&) {
    scan_some(vectors, sample, i * kQueriesAtOnce);
  }, 1);
  return sample;
}

}  // namespace

void measure_recall(const HnswView& graph, const VectorsView& vectors, unsigned threads,
                    std::span<float, kCalibratedEfs.size()> recall) {
  const Sample sample = make_sample(graph, vectors, threads);
  const std::size_t k = std::min<std::size_t>(kCalibratedK, vectors.rows);
  ParallelRows<SearchScratch> searching(threads, {});
  float reached = 0.0F;
  for (std::size_t e = 0; e < kCalibratedEfs.size(); ++e) {
    recall[e] = reached;
    if (reached >= kEnough) continue;
    std::atomic<std::size_t> found = 0;  // relaxed: read after the threads have joined
    searching.each(sample.queries.size(), [&](std::uint64_t q, SearchScratch& scratch) {
      TopK<> top(kCalibratedK);
      SearchStats stats;
      search(graph, vectors, sample.queries[q], {.k = kCalibratedK, .ef = kCalibratedEfs[e]}, AcceptAll{}, scratch, top, stats);
      const auto best = top.take();
      found.fetch_add(static_cast<std::size_t>(std::ranges::count_if(
                          best, [&](const Candidate& candidate) { return candidate.key <= sample.worst_keys[q]; })),
                      std::memory_order_relaxed);
    });
    reached = std::max(reached, static_cast<float>(found) / static_cast<float>(sample.queries.size() * k));
    recall[e] = std::min(reached, 1.0F);
  }
}

std::uint32_t ef_for_recall(std::span<const float> measured, double recall, std::uint32_t k) noexcept {
  recall += kMargin * (1.0 - recall);
  double ef = 0.0;
  if (measured.size() != kCalibratedEfs.size()) {
    ef = 2.0 / std::max(1.0 - recall, 1e-3);  // 0.95: 40, 0.99: 200
  } else {
    std::size_t i = 0;
    while (i < measured.size() && static_cast<double>(measured[i]) < recall) ++i;
    if (i == measured.size()) {
      ef = 2.0 * kCalibratedEfs.back();
    } else if (i == 0) {
      ef = kCalibratedEfs.front();
    } else {
      const double low = static_cast<double>(measured[i - 1]);
      const double share = (recall - low) / (static_cast<double>(measured[i]) - low);
      ef = kCalibratedEfs[i - 1] + share * (kCalibratedEfs[i] - kCalibratedEfs[i - 1]);
    }
  }
  // More matches need more candidates, at most in proportion.
  ef *= std::max(1.0, static_cast<double>(k) / kCalibratedK);
  return static_cast<std::uint32_t>(std::clamp(std::ceil(ef), 1.0, static_cast<double>(Limits::kMaxEf)));
}

}  // namespace ndb::index
