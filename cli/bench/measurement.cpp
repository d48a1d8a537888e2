#include "cli/bench/measurement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <thread>

#include "cli/import/importer.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatchBytes = 1ULL << 20;
constexpr std::size_t kExactAtOnce = 64;                 // queries that one pass over the rows answers
constexpr std::size_t kMaxExactQueries = 50;             // of which latency is told; each compares with every row
constexpr std::chrono::seconds kMaxPass{2};              // a longer pass says nothing more
constexpr std::uint64_t kHeldOutShare = 10;              // one row in so many at most
constexpr std::uint64_t kWorthIndexing = 1'000;          // rows
constexpr std::uint64_t kSeed = 42;                      // the same rows are held out each time

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Inserts in batches, and holds a random sample of the rows back: whatever comes, each row is as likely to be in it as any other.
class Loader {
 public:
  Loader(Collection& collection, const BenchPlan& plan, std::uint32_t held_out, const Report& report)
      : collection_(collection), plan_(plan), held_out_(held_out), report_(report) {
    const std::size_t row_bytes = std::size_t{collection.config().dim} * sizeof(float);
    batch_rows_ = plan.batch_rows > 0 ? plan.batch_rows : std::clamp<std::size_t>(kBatchBytes / row_bytes, 1, 10'000);
  }

  Status run(DocumentStream& rows) {
    std::vector<Document> page;
    const std::uint64_t total = plan_.max_rows > 0 ? std::min(plan_.max_rows, rows.total()) : rows.total();
    for (;;) {
      NDB_TRY_ASSIGN(const bool more, rows.next(page));
      if (!more) break;
      for (auto& document : page) {
        if (plan_.max_rows > 0 && seen_ == plan_.max_rows) return finish();
        NDB_TRY(take(std::move(document)));
      }
      report_({.rows = seen_, .rows_total = total > 0 ? std::optional(total) : std::nullopt});
    }
    return finish();
  }

  [[nodiscard]] const IngestFigures& figures() const noexcept { return figures_; }
  [[nodiscard]] Queries queries() const {
    Queries queries;
    for (const auto& document : sample_) queries.push_back(document.vector);
    return queries;
  }

 private:
  Status take(Document document) {
    if (!check_document({.id = document.id, .vector = document.vector, .payload = document.payload}, collection_.config())) return ++figures_.skipped, Status{};
    ++seen_;
    if (sample_.size() < held_out_) return sample_.push_back(std::move(document)), Status{};
    if (held_out_ > 0)
      if (const auto at = std::uniform_int_distribution<std::uint64_t>(0, seen_ - 1)(random_); at < held_out_) std::swap(document, sample_[at]);
    batch_.push_back(std::move(document));
    return batch_.size() == batch_rows_ ? insert() : Status{};
  }

  Status insert() {
    if (batch_.empty()) return {};
    const auto start = Clock::now();
    const auto written = collection_.insert_batch(batch_);
    figures_.insert_seconds += seconds_since(start);
    if (!written) return std::unexpected(written.error());
    figures_.rows += batch_.size();
    figures_.vector_bytes += batch_.size() * collection_.config().dim * sizeof(float);
    batch_.clear();
    return {};
  }

  // Of few rows few are held out. The sample is in no order that would matter, so its end is as random as any part of it.
  Status finish() {
    const std::uint64_t keep = std::max<std::uint64_t>(1, seen_ / kHeldOutShare);
    std::shuffle(sample_.begin(), sample_.end(), random_);
    for (; sample_.size() > keep; sample_.pop_back()) {
      batch_.push_back(std::move(sample_.back()));
      if (batch_.size() == batch_rows_) NDB_TRY(insert());
    }
    return insert();
  }

  Collection& collection_;
  const BenchPlan& plan_;
  const std::uint32_t held_out_;
  const Report& report_;
  std::size_t batch_rows_ = 1;
  std::mt19937_64 random_{kSeed};
  std::uint64_t seen_ = 0;
  std::vector<Document> batch_, sample_;
  IngestFigures figures_;
};

Search search_for(const std::vector<float>& query, const BenchPlan& plan) {
  return Search{query}.top_k(plan.top_k).filter(plan.filter).with_payload(false);
}

Search search_for(const std::vector<float>& query, const BenchPlan& plan, const SearchFigures& how) {
  Search search = search_for(query, plan);
  if (how.ef) search.ef(*how.ef);
  else if (how.wanted_recall) search.recall(*how.wanted_recall);
  else search.approximate(false);
  return search;
}

struct Pass {
  double queries_per_second = 0;
  std::vector<double> latencies_us;
};

// One pass over the queries, in one thread or in several that share them out.
class Runner {
 public:
  Runner(const Collection& collection, const BenchPlan& plan, const Queries& queries) : collection_(collection), plan_(plan), queries_(queries) {}

  /// found: what each query got, if it is to be kept; then there is no end before the last.
  Result<Pass> run(const SearchFigures& how, std::size_t count, Matches* found) {
    next_ = 0;
    error_.reset();
    Pass pass;
    const auto start = Clock::now();
    const auto end = found == nullptr ? start + kMaxPass : Clock::time_point::max();
    {
      std::vector<std::jthread> others;
      for (std::uint32_t i = 1; i < plan_.threads; ++i) others.emplace_back([&] { work(how, count, end, found, pass); });
      work(how, count, end, found, pass);
    }
    if (error_) return std::unexpected(*error_);
    pass.queries_per_second = static_cast<double>(pass.latencies_us.size()) / seconds_since(start);
    return pass;
  }

 private:
  void work(const SearchFigures& how, std::size_t count, Clock::time_point end, Matches* found, Pass& pass) {
    std::vector<double> latencies;
    for (std::size_t q = next_++; q < count && Clock::now() < end; q = next_++) {
      const Search search = search_for(queries_[q], plan_, how);
      const auto start = Clock::now();
      auto result = collection_.search(search);
      latencies.push_back(seconds_since(start) * 1e6);
      if (!result) {
        const std::scoped_lock lock(mutex_);
        error_ = result.error();
        break;
      }
      if (found != nullptr) (*found)[q] = std::move(result->matches);
    }
    const std::scoped_lock lock(mutex_);
    pass.latencies_us.insert(pass.latencies_us.end(), latencies.begin(), latencies.end());
  }

  const Collection& collection_;
  const BenchPlan& plan_;
  const Queries& queries_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // for pass and error_
  std::optional<Error> error_;
};

std::vector<SearchFigures> points_of(const BenchPlan& plan) {
  std::vector<SearchFigures> points;
  for (const auto ef : plan.efs)
    if (ef >= plan.top_k) points.push_back({.ef = ef, .wanted_recall = {}});
  for (const auto recall : plan.recalls) points.push_back({.ef = {}, .wanted_recall = recall});
  points.emplace_back();
  return points;
}

}  // namespace

std::string SearchFigures::how() const {
  if (ef) return fmt::format("ef {}", *ef);
  return wanted_recall ? fmt::format("recall {:g}", *wanted_recall) : "exact";
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

Result<IngestFigures> load_rows(DocumentStream& rows, Collection& collection, const BenchPlan& plan, Queries& queries, const Report& report) {
  Loader loader(collection, plan, queries.empty() ? plan.queries : 0, report);
  NDB_TRY(loader.run(rows));
  IngestFigures figures = loader.figures();
  if (figures.rows == 0) return fail(ErrorCode::invalid_argument, "there are no rows to measure with");
  if (queries.empty()) queries = loader.queries();
  auto start = Clock::now();
  NDB_TRY(collection.flush());
  figures.flush_seconds = seconds_since(start);
  start = Clock::now();
  NDB_TRY(collection.compact());
  NDB_TRY_ASSIGN(const auto index, collection.index_stats());
  if (index.unindexed_rows >= kWorthIndexing) NDB_TRY(collection.rebuild_index());
  figures.index_seconds = seconds_since(start);
  return figures;
}

Result<Matches> exact_matches(const Collection& collection, const BenchPlan& plan, const Queries& queries, const Report& report) {
  Matches truth;
  while (truth.size() < queries.size()) {
    std::vector<Search> searches;
    for (std::size_t q = truth.size(); q < std::min(queries.size(), truth.size() + kExactAtOnce); ++q)
      searches.push_back(search_for(queries[q], plan).approximate(false));
    NDB_TRY_ASSIGN(auto results, collection.search_batch(searches));
    for (auto& result : results) truth.push_back(std::move(result.matches));
    report({.rows = truth.size(), .rows_total = queries.size()});
  }
  return truth;
}

double recall_of(const Matches& found, const Matches& truth, Distance distance) {
  std::size_t hits = 0, all = 0;
  for (std::size_t q = 0; q < truth.size(); ++q) {
    if (truth[q].empty()) continue;
    const float last = truth[q].back().score;
    const auto good = [&](const Match& match) {
      const bool near = distance == Distance::euclidean ? match.score <= last : match.score >= last;
      return near || std::ranges::find(truth[q], match.id, &Match::id) != truth[q].end();
    };
    hits += std::min(truth[q].size(), static_cast<std::size_t>(std::ranges::count_if(found[q], good)));
    all += truth[q].size();
  }
  return all == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(all);
}

Result<std::vector<SearchFigures>> measure_searches(const Collection& collection, const BenchPlan& plan, const Queries& queries, const Matches& truth,
                                                    const Report& report) {
  auto points = points_of(plan);
  std::vector<std::vector<double>> rates(points.size()), p50s(points.size()), p99s(points.size());
  Runner runner(collection, plan, queries);
  std::uint64_t done = 0;
  for (std::uint32_t pass = 0; pass <= plan.passes; ++pass) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      const bool exact = !points[i].ef && !points[i].wanted_recall;
      Matches found(queries.size());
      // The first pass tells the recall and warms up; that of exact searches is known.
      const std::size_t count = exact ? std::min(queries.size(), kMaxExactQueries) : queries.size();
      NDB_TRY_ASSIGN(const auto result, runner.run(points[i], count, pass == 0 && !exact ? &found : nullptr));
      if (pass == 0) points[i].recall = exact ? 1.0 : recall_of(found, truth, collection.config().distance);
      report({.rows = ++done, .rows_total = points.size() * (plan.passes + 1)});
      if (pass == 0) continue;
      rates[i].push_back(result.queries_per_second);
      p50s[i].push_back(quantile(result.latencies_us, 0.5));
      p99s[i].push_back(quantile(result.latencies_us, 0.99));
    }
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i].queries_per_second = quantile(rates[i], 0.5);
    points[i].p50_us = quantile(p50s[i], 0.5);
    points[i].p99_us = quantile(p99s[i], 0.5);
  }
  return points;
}

FreshnessFigures freshness_of(const std::vector<double>& delays_ms) {
  return {.inserts = static_cast<std::uint32_t>(delays_ms.size()), .p50_ms = quantile(delays_ms, 0.5), .p99_ms = quantile(delays_ms, 0.99),
          .max_ms = delays_ms.empty() ? 0 : *std::ranges::max_element(delays_ms)};
}

}  // namespace ndb::cli
