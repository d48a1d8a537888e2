#include "reader/query.hpp"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <queue>

#include "reader/part_rows.hpp"
#include "reader/part_search.hpp"
#include "shared/payload/payload.hpp"

namespace ndb::reader {
namespace {

using Clock = std::chrono::steady_clock;
using Deadline = std::optional<Clock::time_point>;

// Below this many bytes to scan, handing work to other threads costs more than it saves.
constexpr std::uint64_t kParallelBytes = 4ULL << 20;
constexpr Row kTaskRows = 16'384;

struct Task {
  const Part* part;
  Row begin, end;
  double share = 1.0;  // of the matches that the part is expected to hold
  const attributes::EvaluatedFilter* matching = nullptr;  // what the filter lets through, if that is known
};

struct Hit {
  float key;
  const Part* part;
  Row row;
};

std::unexpected<Error> timed_out() { return fail(ErrorCode::timeout, "the deadline passed while searching", "timeout_ms"); }

bool passed(const Deadline& deadline) { return deadline && Clock::now() > *deadline; }

// By part: what the filter lets through, where that is cheap to know.
using Matching = std::vector<PartRows>;

Matching match_parts(const std::vector<Part>& parts, const PartQuery& query) {
  Matching matching(parts.size());
  for (std::size_t i = 0; i < parts.size() && !query.filter.matches_all(); ++i) matching[i] = rows_by_index(parts[i], query.filter);
  return matching;
}

// The share of their rows that parts let through as far as that is known; 1 if it is nowhere.
double known_share(const std::vector<Part>& parts, const Matching& matching) {
  double rows = 0.0, let_through = 0.0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!matching[i]) continue;
    rows += static_cast<double>(parts[i].rows());
    let_through += static_cast<double>(matching[i]->rows.count());
  }
  return rows > 0.0 ? let_through / rows : 1.0;
}

// Rows that match, and so the part's weight among the others. elsewhere: known_share(), for parts that do not know.
double weight_of(const Part& part, const PartRows& matching, double elsewhere) {
  return matching ? static_cast<double>(matching->rows.count()) : elsewhere * static_cast<double>(part.rows());
}

std::vector<Task> make_tasks(const std::vector<Part>& parts, const PartQuery& query, const Matching& matching) {
  std::vector<Task> tasks;
  const double share = known_share(parts, matching);
  double all = 0.0;
  for (std::size_t i = 0; i < parts.size(); ++i) all += weight_of(parts[i], matching[i], share);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Part& part = parts[i];
    const auto* rows = matching[i].get();
    if (rows != nullptr && rows->rows.empty()) continue;
    if (uses_graph(part, query)) {
      tasks.push_back({&part, 0, part.rows(), all > 0.0 ? weight_of(part, matching[i], share) / all : 1.0, rows});
      continue;
    }
    const bool whole = uses_cells(part, query) || (rows != nullptr && rows->rows.count() <= kTaskRows);
    const Row step = whole ? part.rows() : kTaskRows;
    for (Row begin = 0; begin < part.rows(); begin += std::min(step, part.rows() - begin))
      tasks.push_back({&part, begin, begin + std::min(step, part.rows() - begin), 1.0, rows});
  }
  // What is likely to hold most of the matches first: it gives the others a bound.
  std::ranges::stable_sort(tasks, std::greater{}, [&](const Task& task) { return uses_graph(*task.part, query) ? task.share : 0.0; });
  return tasks;
}

// A walk reads about so many codes, or vectors, for each candidate that it keeps: those of its links that were not seen before.
constexpr double kCodesPerCandidate = 48, kVectorsPerCandidate = 16;
constexpr double kFewestCandidates = 8;
constexpr std::uint64_t kRowsPerRowOfNearCells = 16;  // that are not looked at, roughly

// Roughly, as if all were read at the memory's speed.
std::uint64_t bytes_to_read(const Task& task, const PartQuery& query) {
  const std::uint64_t vector_bytes = query.query.dim() * sizeof(float);
  const std::uint64_t code_bytes = index::BitCodec::stride_bytes(static_cast<std::uint32_t>(query.query.dim()));
  if (!query.filter.matches_all() && task.matching == nullptr) return (task.end - task.begin) * vector_bytes;
  if (task.matching != nullptr && !uses_graph(*task.part, query))
    return std::min<std::uint64_t>(task.end - task.begin, task.matching->rows.count()) * vector_bytes;
  if (uses_graph(*task.part, query)) {
    const bool by_bits = task.part->segment()->view->hnsw()->bit_codec() != nullptr;
    const double candidates = std::max(kFewestCandidates, query.ef * task.share);
    return static_cast<std::uint64_t>(candidates * (by_bits ? kCodesPerCandidate * static_cast<double>(code_bytes)
                                                            : kVectorsPerCandidate * static_cast<double>(vector_bytes)));
  }
  const auto* codes = query.approximate ? task.part->codes() : nullptr;
  const Row coded = codes == nullptr ? 0 : std::clamp(codes->coded(), task.begin, task.end) - task.begin;
  if (uses_cells(*task.part, query)) return (task.end - task.begin - coded) * vector_bytes + coded / kRowsPerRowOfNearCells * code_bytes;
  return (task.end - task.begin - coded) * vector_bytes + coded * code_bytes;
}

bool worth_spreading(const std::vector<Task>& tasks, const PartQuery& query) {
  std::uint64_t bytes = 0;
  for (const auto& task : tasks) bytes += bytes_to_read(task, query);
  return tasks.size() > 1 && bytes > kParallelBytes;
}

std::vector<PartResult> run(const std::vector<Task>& tasks, const PartQuery& query, const Deadline& deadline) {
  std::vector<PartResult> results(tasks.size());
  const auto one = [&](std::size_t i) {
    if (passed(deadline)) return;
    results[i] = search_part(*tasks[i].part, query, tasks[i].begin, tasks[i].end, tasks[i].share, tasks[i].matching);
    if (query.shared_bound != nullptr) query.shared_bound->offer(results[i].best);
  };
  if (worth_spreading(tasks, query)) {
    tbb::parallel_for(std::size_t{0}, tasks.size(), one);
  } else {
    for (std::size_t i = 0; i < tasks.size(); ++i) one(i);
  }
  return results;
}

std::vector<Hit> best_hits(const std::vector<Task>& tasks, const std::vector<PartResult>& results, std::size_t top_k) {
  std::vector<Hit> hits;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    for (const auto& candidate : results[i].best) hits.push_back({candidate.key, tasks[i].part, candidate.row});
  const auto better = [](const Hit& a, const Hit& b) {
    return a.key != b.key ? a.key < b.key : a.part->row_id(a.row) < b.part->row_id(b.row);
  };
  const std::size_t wanted = std::min(top_k, hits.size());
  std::ranges::partial_sort(hits, hits.begin() + static_cast<std::ptrdiff_t>(wanted), better);
  hits.resize(wanted);
  return hits;
}

// Parts that turned out to hold more of the matches than their rows let expect, as segments that were written at one time often
// do, are searched again with as many candidates as that takes. Returns whether there were any.
bool search_fuller_parts(std::vector<Task>& tasks, const std::vector<Hit>& hits, const PartQuery& query,
                         std::vector<PartResult>& results, const Deadline& deadline) {
  bool any = false;
  for (std::size_t i = 0; i < tasks.size() && hits.size() > 1; ++i) {
    if (tasks[i].share >= 1.0 || results[i].plan == Plan::exact || results[i].plan == Plan::codes) continue;
    const auto held = static_cast<double>(std::ranges::count(hits, tasks[i].part, &Hit::part));
    const auto wanted = static_cast<double>(query.top_k);
    if (held <= wanted * tasks[i].share + 2.0 * std::sqrt(wanted * tasks[i].share) + 1.0 || passed(deadline)) continue;
    tasks[i].share = std::min(1.0, (held + 2.0) / wanted);
    auto again = search_part(*tasks[i].part, query, tasks[i].begin, tasks[i].end, tasks[i].share, tasks[i].matching);
    again.stats += results[i].stats;
    results[i] = std::move(again);
    any = true;
  }
  return any;
}

SearchPlan describe(const std::vector<PartResult>& results) {
  SearchPlan plan;
  static constexpr std::array kNames{"", "exact", "codes", "cells", "graph", "filtered_graph", "two_hop"};
  std::array<bool, kNames.size()> used{};
  for (const auto& result : results) {
    used[static_cast<std::size_t>(result.plan)] = true;
    plan.rows_matched += result.rows_matched;
    plan.rows_estimated += result.rows_expected;
    plan.distances += result.stats.distances;
    plan.estimated_distances += result.stats.estimated_distances;
    plan.hops += result.stats.hops;
    plan.bytes_touched += result.stats.bytes_touched;
  }
  for (std::size_t i = 1; i < kNames.size(); ++i)
    if (used[i]) plan.plan += (plan.plan.empty() ? "" : "+") + std::string(kNames[i]);
  return plan;
}

std::unexpected<Error> too_large() {
  return fail(ErrorCode::invalid_argument,
              fmt::format("the matches are larger than {} MiB; ask for fewer, or without payloads or vectors", kMaxAnswerBytes >> 20),
              "top_k");
}

Result<std::vector<Match>> make_matches(const std::vector<Hit>& hits, const Search& search, Distance distance,
                                        AnswerBudget& budget) {
  // All places at once, then all contents: one after another each would wait for memory twice.
  for (const auto& hit : hits) hit.part->prefetch_places(hit.row, search.with_payload());
  for (const auto& hit : hits) hit.part->prefetch_contents(hit.row, search.with_payload());
  std::vector<Match> matches;
  matches.reserve(hits.size());
  for (const auto& hit : hits) {
    Match match{.id = std::string(hit.part->row_id(hit.row)), .score = index::score_from_key(hit.key, distance)};
    if (search.with_payload()) {
      NDB_TRY_ASSIGN(match.payload, payload::decode(hit.part->payload(hit.row)));
    }
    if (search.with_vector()) {
      const auto vector = hit.part->vector(hit.row);
      match.vector.assign(vector.begin(), vector.end());
    }
    if (!budget.take(match.id.size() + match.payload.size() + match.vector.size() * sizeof(float))) return too_large();
    matches.push_back(std::move(match));
  }
  return matches;
}

Status check_number(std::uint64_t value, std::uint64_t low, std::uint64_t high, std::string_view prefix,
                    std::string_view field) {
  if (value >= low && value <= high) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("{} is {}; it must be from {} to {}", field, value, low, high),
              fmt::format("{}{}", prefix, field));
}

}  // namespace

Status validate_search(const Search& search, const CollectionConfig& config, std::string_view prefix) {
  NDB_TRY(payload::validate_vector(search.query(), config.dim, config.distance, std::string(prefix) + "vector"));
  NDB_TRY(check_number(search.top_k(), 1, Limits::kMaxTopK, prefix, "top_k"));
  if (search.ef()) NDB_TRY(check_number(*search.ef(), 1, Limits::kMaxEf, prefix, "ef"));
  if (search.recall() && !(*search.recall() > 0.0 && *search.recall() <= 1.0))
    return fail(ErrorCode::invalid_argument, fmt::format("recall is {}; it must be above 0 and at most 1", *search.recall()),
                fmt::format("{}recall", prefix));
  if (search.recall() && search.ef())
    return fail(ErrorCode::invalid_argument, "ef and recall both say how far to look; give one", fmt::format("{}recall", prefix));
  return search.filter().validate(std::string(prefix) + "filter");
}

Result<SearchResult> execute(const live::View& view, const Search& search, Deadline deadline, AnswerBudget* shared_budget) {
  AnswerBudget own_budget;
  const auto started = Clock::now();
  const live::Snapshot& snapshot = *view.snapshot;
  const auto& config = snapshot.manifest->config;
  const Seq seq = view.seq;
  const auto parts = parts_of(snapshot, seq);
  const index::PreparedQuery prepared(search.query(), config.distance);
  const filter::CompiledFilter filter(search.filter());
  PartQuery query{prepared, filter, search.top_k(), std::max(search.top_k(), search.ef().value_or(config.hnsw.ef_search)),
                        search.approximate() && search.recall().value_or(0.0) < 1.0, search.recall(), search.explain()};
  const auto matching = match_parts(parts, query);
  auto tasks = make_tasks(parts, query, matching);
  SharedBound shared_bound(search.top_k());
  if (tasks.size() > 1) query.shared_bound = &shared_bound;
  auto results = run(tasks, query, deadline);
  auto hits = best_hits(tasks, results, search.top_k());
  if (search_fuller_parts(tasks, hits, query, results, deadline)) hits = best_hits(tasks, results, search.top_k());
  if (passed(deadline)) return timed_out();
  auto matches = make_matches(hits, search, config.distance, shared_budget != nullptr ? *shared_budget : own_budget);
  NDB_TRY(snapshot.damage());
  if (!matches) return std::unexpected(matches.error());
  if (std::ranges::any_of(results, [](const PartResult& r) { return r.stats.damaged; }))
    return fail(ErrorCode::corruption, "a graph holds impossible links; `ndb verify` names the file");
  SearchResult result{.matches = std::move(*matches), .seq = seq, .manifest_version = snapshot.manifest->version,
                      .took_us = 0, .plan = {}};
  if (search.explain()) result.plan = describe(results);
  result.took_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started).count());
  return result;
}

Result<std::vector<SearchResult>> execute_batch(const live::View& view, std::span<const Search> searches,
                                                Deadline deadline) {
  std::vector<Result<SearchResult>> results(searches.size(), SearchResult{});
  AnswerBudget budget;
  tbb::parallel_for(std::size_t{0}, searches.size(),
                    [&](std::size_t i) { results[i] = budget.used_up() ? too_large() : execute(view, searches[i], deadline, &budget); });
  std::vector<SearchResult> all;
  for (auto& result : results) {
    if (!result) return std::unexpected(result.error());
    all.push_back(std::move(*result));
  }
  return all;
}

Result<Document> get_document(const live::View& view, std::string_view id) {
  const live::Snapshot& snapshot = *view.snapshot;
  const auto place = snapshot.find(id, view.seq);
  NDB_TRY(snapshot.damage());
  if (!place) return fail(ErrorCode::not_found, fmt::format("no document '{}'", id), "id");
  const auto vector = place->vector();
  auto decoded = payload::decode(place->payload());
  NDB_TRY(snapshot.damage());
  if (!decoded) return std::unexpected(decoded.error());
  return Document{.id = std::string(id), .vector = {vector.begin(), vector.end()}, .payload = std::move(*decoded)};
}

Result<std::uint64_t> count(const live::View& view, const Filter& filter) {
  const filter::CompiledFilter compiled(filter);
  std::uint64_t total = 0;
  for (const auto& part : parts_of(*view.snapshot, view.seq)) {
    if (const auto known = rows_by_index(part, compiled)) total += count_visible(part, known->rows);
    else for_each_match(part, compiled, [&](Row) { ++total; });
  }
  NDB_TRY(view.snapshot->damage());
  return total;
}

Result<std::vector<std::string>> matching_ids(const live::View& view, const Filter& filter,
                                              std::optional<std::string_view> after, std::optional<std::size_t> limit) {
  const filter::CompiledFilter compiled(filter);
  const std::size_t most = limit.value_or(~std::size_t{0});
  std::priority_queue<std::string> smallest;  // the `most` smallest ids so far, the largest of them on top
  for (const auto& part : parts_of(*view.snapshot, view.seq))
    for_each_match(part, compiled, [&](Row row) {
      const auto id = part.row_id(row);
      if ((after && id <= *after) || (smallest.size() == most && id >= smallest.top())) return;
      smallest.emplace(id);
      if (smallest.size() > most) smallest.pop();
    });
  NDB_TRY(view.snapshot->damage());
  std::vector<std::string> ids(smallest.size());
  for (auto place = ids.rbegin(); place != ids.rend(); ++place) {
    *place = smallest.top();
    smallest.pop();
  }
  return ids;
}

}  // namespace ndb::reader
