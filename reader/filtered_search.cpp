#include "reader/filtered_search.hpp"

#include <algorithm>

#include "shared/index/cell_scan.hpp"
#include "shared/index/matching_scan.hpp"

namespace ndb::reader {
namespace {

// What plans cost, as counts of rows that are scanned by their codes, fitted to what ndb_bench_filter measured.
constexpr double kRowsToBegin = 900.0;           // the way to the first cells or candidates
constexpr double kRowsPerCandidate = 60.0;       // of a walk, for each of its ef candidates
constexpr double kRowsThroughCells = 2.1;        // of cells, for each of ef candidates if all rows match; the more, the fewer do
constexpr double kVectorRowsPerCandidate = 20.0; // of a walk, scanning vectors because there are no codes
// As few rows are compared exactly, sooner than the query is coded.
constexpr std::size_t kFewRows = 128;
// From this share of accepted rows on, a walk through all rows meets enough of them …
constexpr double kMostlyAccepted = 0.55;
// … unless fewer than this share of the rows around its start is accepted.
constexpr double kFewNearby = 0.4;
// Payloads are tested as they are met, rather than all of them before, where the filter is expected to let through this share.
constexpr double kTestedAsMet = 0.3;
constexpr std::size_t kMostSeeds = 256;
constexpr std::size_t kRowsPerSeed = 32;

bool worth_scanning(const Part& part, std::uint64_t matched, std::uint32_t ef) {
  const auto& graph = *part.segment()->view->hnsw();
  const auto rows = static_cast<double>(matched);
  if (graph.bit_codec() == nullptr) return rows <= kRowsToBegin + ef * kVectorRowsPerCandidate;
  if (graph.cells() == 0) return rows <= kRowsToBegin + ef * kRowsPerCandidate;
  return rows * rows <= kRowsToBegin * rows + ef * kRowsThroughCells * part.rows();
}

PartResult scan(const Part& part, const PartQuery& query, const attributes::RowSet& matching) {
  const auto& view = *part.segment()->view;
  PartResult result{.best = {}, .stats = {}, .plan = Plan::codes};
  Top top(query.top_k, LessById{&part}, query.bound());
  const auto rows = visible_rows(part, matching, 0, part.rows());
  // As few as are wanted anyway have to be compared all.
  if (rows.size() <= std::max(kFewRows, 2 * std::size_t{query.top_k}) ||
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

// Which rows a search may find: those whose bits are set …
class Marked {
 public:
  static constexpr bool kTestsMore = false;
  explicit Marked(std::span<const std::uint64_t> words) : words_(words.data()) {}
  [[nodiscard]] const std::uint64_t* bitmap() const noexcept { return words_; }
  bool operator()(Row row) const noexcept { return (words_[row >> 6] >> (row & 63) & 1U) != 0; }

 private:
  const std::uint64_t* words_;
};
// … or of these the ones that nothing newer hides.
class MarkedAndVisible {
 public:
  static constexpr bool kTestsMore = true;
  MarkedAndVisible(std::span<const std::uint64_t> words, const Part& part) : marked_(words), part_(&part) {}
  [[nodiscard]] const std::uint64_t* bitmap() const noexcept { return marked_.bitmap(); }
  bool operator()(Row row) const { return marked_(row) && part_->visible(row); }

 private:
  Marked marked_;
  const Part* part_;
};

// Plans that find rows by the bitmap `rows` without looking at all of them; what was done in vain is in `stats`.
template <class Accept>
class BitmapSearch {
 public:
  BitmapSearch(const Part& part, const PartQuery& query, const attributes::RowSet& rows, std::uint32_t ef, const Accept& accept,
               index::SearchStats& stats)
      : part_(part), query_(query), rows_(rows), ef_(ef), accept_(accept), stats_(stats), graph_(*part.segment()->view->hnsw()) {
    const double live = 1.0 - static_cast<double>(part.segment()->tombstones->count()) / part.rows();
    share_ = live * rows.count() / part.rows();
  }

  std::optional<PartResult> run() {
    if (share_ >= kMostlyAccepted)
      if (auto result = walk_all(share_, graph_.cells() > 0 ? kFewNearby : 0.0)) return result;
    if (graph_.cells() > 0)
      if (auto result = look_through_cells()) return result;
    return walk_accepted();
  }

 private:
  std::optional<PartResult> attempt(const index::HnswSearchParams& params) {
    auto result = walk(part_, query_, params, accept_);
    result.stats += stats_;
    if (is_enough(result, query_, rows_.count())) return result;
    stats_ = result.stats;
    return std::nullopt;
  }

  std::optional<PartResult> walk_all(double share, double least_share_nearby) {
    return attempt({.k = query_.top_k, .ef = ef_, .accepted_share = share, .least_share_nearby = least_share_nearby, .max_distances = rows_.count()});
  }

  std::optional<PartResult> look_through_cells() {
    const auto& view = *part_.segment()->view;
    PartResult result{.best = {}, .stats = stats_, .plan = Plan::cells};
    Top top(query_.top_k, LessById{&part_}, query_.bound());
    double share_nearby = 0.0;
    switch (index::search_cells(graph_, view.vectors(), query_.query, query_.top_k, ef_, accept_, thread_scratch(), top, result.stats, &share_nearby)) {
      case index::CellSearch::done: result.best = top.take(); return result;
      case index::CellSearch::better_walked: return walk_all(std::max(share_, share_nearby), 0.0);  // (at least half)
      case index::CellSearch::unable: break;
    }
    return std::nullopt;
  }

  // Few of the rows around the query match: only they become candidates.
  std::optional<PartResult> walk_accepted() {
    const auto seeds = spread_rows(part_, rows_, std::clamp<std::size_t>(rows_.count() / kRowsPerSeed, 1, kMostSeeds));
    return attempt({.k = query_.top_k, .ef = ef_, .accepted_share = share_, .max_distances = rows_.count(), .two_hop = true, .seeds = seeds});
  }

  const Part& part_;
  const PartQuery& query_;
  const attributes::RowSet& rows_;
  std::uint32_t ef_;
  const Accept& accept_;
  index::SearchStats& stats_;
  const index::HnswView& graph_;
  double share_ = 0.0;
};

}  // namespace

PartResult filtered_search(const Part& part, const PartQuery& query, const attributes::EvaluatedFilter& rows_of_filter, double share) {
  const auto& rows = rows_of_filter.rows;
  const std::uint32_t ef = ef_of(part, query, share);
  index::SearchStats walked;
  PartResult result;
  std::optional<PartResult> found;
  if (!worth_scanning(part, rows.count(), ef)) {
    const auto own_words = rows.is_bitmap() ? std::vector<std::uint64_t>{} : rows.to_words();
    const auto words = rows.is_bitmap() ? rows.words() : std::span<const std::uint64_t>(own_words);
    found = part.all_visible() ? BitmapSearch(part, query, rows, ef, Marked(words), walked).run()
                               : BitmapSearch(part, query, rows, ef, MarkedAndVisible(words, part), walked).run();
  }
  if (found) {
    result = std::move(*found);
    if (query.explain) result.rows_matched = count_visible(part, rows);
  } else {
    result = scan(part, query, rows);
    result.stats += walked;
  }
  result.rows_expected = rows_of_filter.expected;
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
  return filtered_search(part, query, *evaluate(part, query.filter, filter), share);
}

}  // namespace ndb::reader
