#include "reader/filtered_search.hpp"

#include <algorithm>

#include "shared/index/matching_scan.hpp"

namespace ndb::reader {
namespace {

// What plans cost, as counts of rows that are scanned by their codes (about 10 ns each at 768 dimensions). Estimated from the costs of the
// steps, not yet fitted to measurements: ndb_bench_filter shows where they are off.
constexpr double kRowsPerCandidate = 60.0;       // of a walk, for each of its ef candidates
constexpr double kCandidatesToStart = 30.0;      // the way to the query, as candidates
constexpr double kVectorRowsPerCandidate = 20.0; // the same, scanning vectors because there are no codes
// From this share of accepted rows on, a walk through all rows meets enough of them.
constexpr double kMostlyAccepted = 0.5;
// Payloads are tested as they are met, rather than all of them before, where the filter is expected to let through this share.
constexpr double kTestedAsMet = 0.3;
constexpr std::size_t kMostSeeds = 256;
constexpr std::size_t kRowsPerSeed = 32;

bool worth_scanning(const Part& part, std::uint64_t matched, std::uint32_t ef) {
  const bool coded = part.segment()->view->hnsw()->bit_codec() != nullptr;
  return static_cast<double>(matched) <= (ef + kCandidatesToStart) * (coded ? kRowsPerCandidate : kVectorRowsPerCandidate);
}

PartResult scan(const Part& part, const PartQuery& query, const attributes::RowSet& matching) {
  const auto& view = *part.segment()->view;
  PartResult result{.best = {}, .stats = {}, .plan = Plan::codes};
  Top top(query.top_k, LessById{&part}, query.bound());
  const auto rows = visible_rows(part, matching, 0, part.rows());
  // As few as are wanted anyway have to be compared all.
  if (rows.size() <= 2 * std::size_t{query.top_k} ||
      !index::scan_rows_by_codes(*view.hnsw(), view.vectors(), query.query, rows, query.top_k, thread_scratch(), top, result.stats)) {
    result.plan = Plan::exact;
    result.stats.distances = index::scan_rows(view.vectors(), rows, query.query, top);
  }
  result.rows_matched = rows.size();
  result.best = top.take();
  return result;
}

template <class Accept>
PartResult walk(const Part& part, const PartQuery& query, const index::HnswSearchParams& params, const Accept& accept) {
  const auto& view = *part.segment()->view;
  PartResult result{.best = {}, .stats = {}, .plan = params.two_hop ? Plan::two_hop : Plan::filtered_graph};
  Top top(query.top_k, LessById{&part}, query.bound());
  index::search(*view.hnsw(), view.vectors(), query.query, params, accept, thread_scratch(), top, result.stats);
  result.best = top.take();
  return result;
}

bool is_enough(const PartResult& result, const PartQuery& query, std::uint64_t matched) {
  return !result.stats.gave_up && result.stats.found >= std::min<std::uint64_t>(query.top_k, matched);
}

// Walks by the bitmap `words`; what was walked in vain is in `stats`.
template <class Accept>
std::optional<PartResult> walk_rows(const Part& part, const PartQuery& query, const attributes::RowSet& rows, std::uint32_t ef,
                                    const Accept& accept, index::SearchStats& stats) {
  const double live = 1.0 - static_cast<double>(part.segment()->tombstones->count()) / part.rows();
  index::HnswSearchParams params{.k = query.top_k, .ef = ef, .accepted_share = live * rows.count() / part.rows(), .max_distances = rows.count()};
  const auto attempt = [&]() -> std::optional<PartResult> {
    auto result = walk(part, query, params, accept);
    result.stats += stats;
    if (is_enough(result, query, rows.count())) return result;
    stats = result.stats;
    return std::nullopt;
  };
  if (params.accepted_share >= kMostlyAccepted)
    if (auto result = attempt()) return result;
  // Few of the rows around the query match.
  const auto seeds = spread_rows(part, rows, std::clamp<std::size_t>(rows.count() / kRowsPerSeed, 1, kMostSeeds));
  params.two_hop = true;
  params.seeds = seeds;
  return attempt();
}

}  // namespace

PartResult filtered_search(const Part& part, const PartQuery& query, const PartRows& matching, double share) {
  const auto& rows = matching.rows;
  const std::uint32_t ef = ef_of(part, query, share);
  index::SearchStats walked;
  PartResult result;
  std::optional<PartResult> found;
  if (!worth_scanning(part, rows.count(), ef)) {
    const auto own_words = rows.is_bitmap() ? std::vector<std::uint64_t>{} : rows.to_words();
    const auto words = rows.is_bitmap() ? rows.words() : std::span<const std::uint64_t>(own_words);
    const auto matches = [words](Row row) { return (words[row >> 6] >> (row & 63) & 1U) != 0; };
    found = part.all_visible()
                ? walk_rows(part, query, rows, ef, matches, walked)
                : walk_rows(part, query, rows, ef, [&](Row row) { return matches(row) && part.visible(row); }, walked);
  }
  if (found) {
    result = std::move(*found);
    if (query.explain) result.rows_matched = count_visible(part, rows);
  } else {
    result = scan(part, query, rows);
    result.stats += walked;
  }
  result.rows_expected = matching.expected;
  return result;
}

PartResult filtered_search_by_payload(const Part& part, const PartQuery& query, double share) {
  const auto filter = filter_rows(part, query.filter);
  const auto expected = static_cast<std::uint64_t>(filter.estimate() + 0.5);
  if (filter.estimate() >= kTestedAsMet * part.rows()) {
    const double live = 1.0 - static_cast<double>(part.segment()->tombstones->count()) / part.rows();
    const index::HnswSearchParams params{.k = query.top_k, .ef = ef_of(part, query, share),
                                         .accepted_share = live * filter.estimate() / part.rows(), .max_distances = part.rows() / 8};
    auto result = walk(part, query, params, [&](Row row) { return part.visible(row) && query.filter.matches(part.payload(row)); });
    result.rows_expected = expected;
    if (is_enough(result, query, query.top_k)) return result;
  }
  return filtered_search(part, query, {.rows = filter.evaluate(), .expected = expected}, share);
}

}  // namespace ndb::reader
