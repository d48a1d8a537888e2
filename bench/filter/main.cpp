// Filtered searches of a collection, by the share of rows that match: recall and rate beside exact searches, unfiltered ones at the same
// recall, and filtering after an unfiltered search. Method: bench/README.md.
#include <fmt/core.h>

#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include "bench/filter/cases.hpp"
#include "bench/filter/plot.hpp"
#include "ndb/ndb.hpp"

namespace {

using namespace ndb;
using bench::Case;

struct Options {
  std::string data, cache, out, plot, only, distance = "euclidean";
  std::uint32_t ef = 64, k = 10;
  std::size_t queries = 300, exact_queries = 40, clusters = 100;
  unsigned passes = 3, threads = 1;
  std::vector<std::uint32_t> efs{10, 12, 14, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256, 400};
};

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

// Of the whole process: an exact search may use several threads.
double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

using Answers = std::vector<std::vector<std::uint32_t>>;

std::vector<std::uint32_t> rows_of(const SearchResult& result) {
  std::vector<std::uint32_t> rows;
  for (const auto& match : result.matches) {
    std::uint32_t row = 0;
    std::from_chars(match.id.data(), match.id.data() + match.id.size(), row);
    rows.push_back(row);
  }
  return rows;
}

double recall_of(const Answers& truth, const Answers& found) {
  std::size_t hits = 0, wanted = 0;
  for (std::size_t q = 0; q < found.size(); ++q) {
    wanted += truth[q].size();
    for (const auto row : found[q]) hits += static_cast<std::size_t>(std::ranges::count(truth[q], row));
  }
  return wanted == 0 ? 1.0 : static_cast<double>(hits) / static_cast<double>(wanted);
}

struct Measured {
  double recall = 0.0, rate = 0.0;
  void take_best(double other) { rate = std::max(rate, other); }
};

struct Line {
  const Case* asked = nullptr;
  std::uint64_t matched = 0;
  std::string plan;
  Measured filtered, post;
  double exact_rate = 0.0, unfiltered_rate = 0.0;
  SearchPlan explained;
  [[nodiscard]] double ratio() const { return filtered.rate / std::max(exact_rate, unfiltered_rate); }
};

class Bench {
 public:
  Bench(const Options& options, const bench::DataSet& data)
      : options_(options), data_(data), attributes_(bench::make_attributes(data.base, options.clusters)), cases_(bench::make_cases(attributes_)) {
    queries_ = std::min(options.queries, data.queries.rows);
    open();
  }

  void run() {
    unfiltered_truth_ = answers(queries_, base(0).approximate(false));
    measure_unfiltered();
    for (const auto& one : cases_) {
      if (!options_.only.empty() && (one.kind + " " + one.name) != options_.only) continue;
      lines_.push_back(measure(one));
      print(lines_.back());
    }
  }

  void write(const std::string& path) const {
    std::ofstream out(path);
    out << "attributes,filter,rows_matched,plan,ef,recall,qps,exact_qps,unfiltered_qps_at_that_recall,ratio,post_recall,post_qps\n";
    for (const auto& line : lines_)
      out << fmt::format("{},\"{}\",{},{},{},{:.4f},{:.0f},{:.0f},{:.0f},{:.2f},{:.4f},{:.0f}\n", line.asked->kind, line.asked->name, line.matched,
                         line.plan, options_.ef, line.filtered.recall, line.filtered.rate, line.exact_rate, line.unfiltered_rate, line.ratio(),
                         line.post.recall, line.post.rate);
  }

  void plot(const std::string& path) const {
    std::vector<bench::ShareCurve> curves;
    for (const std::string kind : {"random", "clusters"}) {
      bench::ShareCurve filtered{"nDB, " + kind, {}}, post{"filtered afterwards, " + kind, {}};
      for (const auto& line : lines_) {
        if (line.asked->kind != kind) continue;
        const double percent = std::stod(line.asked->name);
        filtered.points.push_back({percent, line.filtered.rate, line.filtered.recall});
        post.points.push_back({percent, line.post.rate, line.post.recall});
      }
      curves.push_back(std::move(filtered));
      curves.push_back(std::move(post));
    }
    bench::ShareCurve exact{"exact, random", {}};
    for (const auto& line : lines_)
      if (line.asked->kind == "random") exact.points.push_back({std::stod(line.asked->name), line.exact_rate, 1.0});
    curves.push_back(std::move(exact));
    std::ofstream(path) << bench::share_plot(
        fmt::format("filtered searches, top 10, ef {}, {}", options_.ef, std::filesystem::path(options_.data).filename().string()), curves);
  }

 private:
  void open() {
    const std::filesystem::path folder = options_.cache;
    if (!std::filesystem::exists(folder / "filter")) build(folder);
    database_.emplace(value_of(Database::open(folder, {.read_only = true})));
    docs_.emplace(value_of(database_->get_collection("filter")));
    const auto stats = value_of(docs_->stats());
    fmt::print("{} documents in {} segments\n", stats.documents, stats.segments.size());
    for (const auto& one : cases_) {
      std::uint64_t matched = 0;
      for (std::size_t row = 0; row < data_.base.rows; ++row) matched += one.matches(row) ? 1U : 0U;
      if (value_of(docs_->count(one.filter)) != matched) throw std::runtime_error("the count of " + one.name + " is wrong");
    }
  }

  void build(const std::filesystem::path& folder) {
    DatabaseOptions options;
    options.index_threads = options_.threads;
    options.memtable_bytes = ~std::uint64_t{0} >> 1;
    auto database = value_of(Database::open(folder, options));
    auto docs = value_of(database.create_collection(
        "filter", {.dim = static_cast<std::uint32_t>(data_.base.dim), .distance = distance_from_name(options_.distance).value()}));
    for (std::size_t from = 0; from < data_.base.rows; from += 1'000) {
      std::vector<Document> batch;
      for (std::size_t row = from; row < std::min(data_.base.rows, from + 1'000); ++row)
        batch.push_back({std::to_string(row), {data_.base.row(row), data_.base.row(row) + data_.base.dim}, bench::payload_of(attributes_, row)});
      static_cast<void>(value_of(docs.insert_batch(std::span<const Document>(batch))));
    }
    static_cast<void>(value_of(docs.flush()));
    static_cast<void>(value_of(docs.rebuild_index()));
    if (const auto closed = database.close(); !closed) throw std::runtime_error(closed.error().message);
  }

  [[nodiscard]] Search base(std::size_t query) const {
    return Search(std::span(data_.queries.row(query), data_.queries.dim)).top_k(options_.k).with_payload(false);
  }
  [[nodiscard]] Search with_query(const Search& like, std::size_t query) const {
    Search fresh = base(query).top_k(like.top_k()).approximate(like.approximate()).filter(like.filter()).explain(like.explain());
    return like.ef() ? fresh.ef(*like.ef()) : fresh;
  }

  [[nodiscard]] Answers answers(std::size_t queries, const Search& like, double* rate = nullptr) const {
    Answers found(queries);
    std::vector<Search> searches;
    for (std::size_t q = 0; q < queries; ++q) searches.push_back(with_query(like, q));
    const double start = cpu_seconds();
    std::vector<SearchResult> results;
    results.reserve(queries);
    for (const auto& search : searches) results.push_back(value_of(docs_->search(search)));
    if (rate != nullptr) *rate = static_cast<double>(queries) / (cpu_seconds() - start);
    for (std::size_t q = 0; q < queries; ++q) found[q] = rows_of(results[q]);
    return found;
  }

  [[nodiscard]] double rate(std::size_t queries, const Search& like) const {
    double result = 0.0;
    static_cast<void>(answers(queries, like, &result));
    return result;
  }

  void measure_unfiltered() {
    for (const auto ef : options_.efs) {
      Measured one;
      one.recall = recall_of(unfiltered_truth_, answers(queries_, base(0).ef(ef), &one.rate));
      one.take_best(rate(queries_, base(0).ef(ef)));
      unfiltered_.push_back(one);
      fmt::print("unfiltered ef {:>3}  recall {:.4f}  {:>7.0f} qps\n", ef, one.recall, one.rate);
    }
  }

  // The two efs of the unfiltered sweep that this recall lies between.
  [[nodiscard]] std::pair<std::size_t, std::size_t> around(double recall) const {
    std::size_t high = 0;
    while (high + 1 < unfiltered_.size() && unfiltered_[high].recall < recall) ++high;
    return {high == 0 ? 0 : high - 1, high};
  }

  // The rate of unfiltered searches at this recall, from rates at two efs.
  [[nodiscard]] double between(double recall, std::size_t low, std::size_t high, double low_rate, double high_rate) const {
    const double from = unfiltered_[low].recall, to = unfiltered_[high].recall;
    if (recall >= to || to <= from) return high_rate;
    if (recall <= from) return low_rate;
    const double share = (recall - from) / (to - from);
    return std::exp(std::log(low_rate) + share * (std::log(high_rate) - std::log(low_rate)));
  }

  Line measure(const Case& one) {
    Line line;
    line.asked = &one;
    const Search filtered = base(0).filter(one.filter).ef(options_.ef);
    const auto truth = answers(queries_, base(0).filter(one.filter).approximate(false));
    line.filtered.recall = recall_of(truth, answers(queries_, filtered));
    line.explained = *value_of(docs_->search(with_query(Search(filtered).explain(true), 0))).plan;
    line.matched = value_of(docs_->count(one.filter));
    line.plan = line.explained.plan;
    const auto [low, high] = around(line.filtered.recall);
    double low_rate = 0.0, high_rate = 0.0;
    // In turns, so that what else the machine does hits all alike; the best of each counts.
    for (unsigned pass = 0; pass < options_.passes; ++pass) {
      line.filtered.take_best(rate(queries_, filtered));
      low_rate = std::max(low_rate, rate(queries_, base(0).ef(options_.efs[low])));
      high_rate = std::max(high_rate, rate(queries_, base(0).ef(options_.efs[high])));
      const std::size_t exact_queries = line.matched < 5'000 ? queries_ : std::min(options_.exact_queries, queries_);
      line.exact_rate = std::max(line.exact_rate, rate(exact_queries, base(0).filter(one.filter).approximate(false)));
    }
    line.unfiltered_rate = between(line.filtered.recall, low, high, low_rate, high_rate);
    measure_afterwards(one, truth, line);
    return line;
  }

  // An unfiltered search for as many more matches as should hold enough that pass, which are then looked through.
  void measure_afterwards(const Case& one, const Answers& truth, Line& line) const {
    const double share = std::max(static_cast<double>(line.matched) / static_cast<double>(data_.base.rows), 1e-9);
    const auto k = static_cast<std::uint32_t>(std::min(10'000.0, std::ceil(1.5 * options_.k / share)));
    const std::size_t queries = std::min(k > 500 ? options_.exact_queries : queries_, queries_);
    auto found = answers(queries, base(0).top_k(k).ef(std::max(options_.ef, k)), &line.post.rate);
    for (auto& rows : found) {
      std::erase_if(rows, [&](std::uint32_t row) { return !one.matches(row); });
      if (rows.size() > options_.k) rows.resize(options_.k);
    }
    line.post.recall = recall_of(truth, found);
  }

  static void print(const Line& line) {
    fmt::print("{:<9} {:<22} {:>7} rows  {:<15} recall {:.4f} {:>7.0f} qps | exact {:>6.0f}, unfiltered {:>6.0f}: ratio {:.2f} | afterwards {:.3f} "
               "{:>6.0f} | est {} exact {} hops {}\n",
               line.asked->kind, line.asked->name, line.matched, line.plan, line.filtered.recall, line.filtered.rate, line.exact_rate,
               line.unfiltered_rate, line.ratio(), line.post.recall, line.post.rate, line.explained.estimated_distances, line.explained.distances,
               line.explained.hops);
    std::fflush(stdout);
  }

  const Options& options_;
  const bench::DataSet& data_;
  bench::Attributes attributes_;
  std::vector<Case> cases_;
  std::optional<Database> database_;
  std::optional<Collection> docs_;
  std::size_t queries_ = 0;
  Answers unfiltered_truth_;
  std::vector<Measured> unfiltered_;
  std::vector<Line> lines_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Filtered searches by the share of rows that match");
  app.add_option("--data", options.data, "folder with base.npy, query.npy, groundtruth.ivecs")->required();
  app.add_option("--cache", options.cache, "folder that keeps the collection between runs")->required();
  app.add_option("--distance", options.distance)->check(CLI::IsMember({"cosine", "dot", "euclidean"}));
  app.add_option("--ef", options.ef, "of the filtered searches");
  app.add_option("--queries", options.queries);
  app.add_option("--clusters", options.clusters);
  app.add_option("--passes", options.passes)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads, "for building");
  app.add_option("--only", options.only, "one case, as \"clusters 10\"");
  app.add_option("--out", options.out, "CSV file");
  app.add_option("--plot", options.plot, "SVG file");
  CLI11_PARSE(app, argc, argv);
  try {
    const auto data = value_of(bench::load_data_set(options.data));
    Bench bench(options, data);
    bench.run();
    if (!options.out.empty()) bench.write(options.out);
    if (!options.plot.empty()) bench.plot(options.plot);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "ndb_bench_filter: {}\n", error.what());
    return 1;
  }
}
