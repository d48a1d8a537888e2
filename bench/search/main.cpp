// Recall against queries per second of one thread, for nDB's graph and for hnswlib, interleaved in one run.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>

#include "bench/engine/support.hpp"
#include "bench/search/collection_target.hpp"
#include "bench/search/data_set.hpp"
#include "bench/search/hnswlib_peer.hpp"
#include "cli/bench/recall_plot.hpp"
#include "shared/base/bytes.hpp"
#include "shared/index/hnsw_build.hpp"
#include "shared/index/hnsw_search.hpp"

namespace {

using namespace ndb;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string data;
  std::string distance = "euclidean";
  std::string out;
  std::string plot;
  std::vector<double> recalls{0.9, 0.95, 0.99, 0.999};
  std::string cache;
  std::uint32_t m = 16;
  std::uint32_t ef_construction = 200;
  std::uint32_t k = 10;
  unsigned threads = 1;
  unsigned passes = 5;
  std::string quantization = "auto";
  std::size_t segments = 1;
  bool no_peer = false;
  bool view = false;
  bool exact = false;
  std::vector<std::uint32_t> efs{10, 16, 24, 32, 48, 64, 96, 128, 200, 400};
};

using SearchOne = std::function<void(std::size_t query, std::uint32_t ef, std::vector<std::uint32_t>& rows)>;

struct Contender {
  std::string name;
  SearchOne search;
};

struct Pass {
  double recall = 0.0;
  double queries_per_second = 0.0;
};

struct Line {
  std::string name;
  std::uint32_t ef = 0;
  double recall = 0.0;
  double best_qps = 0.0;
  double median_qps = 0.0;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Pass measure(const bench::DataSet& data, const SearchOne& search, std::uint32_t ef, std::uint32_t k) {
  std::vector<std::vector<std::uint32_t>> found(data.queries.rows);
  const double start = bench::thread_cpu_seconds();
  for (std::size_t q = 0; q < data.queries.rows; ++q) search(q, ef, found[q]);
  const double seconds = bench::thread_cpu_seconds() - start;
  return {bench::recall_of(data, found, k), static_cast<double>(data.queries.rows) / seconds};
}

// A pass of each contender in turn, so that noise of the machine hits all of them alike.
std::vector<Line> sweep(const bench::DataSet& data, const std::vector<Contender>& contenders, const Options& options) {
  std::vector<Line> lines;
  for (const std::uint32_t ef : options.efs) {
    std::vector<std::vector<double>> qps(contenders.size());
    std::vector<double> recall(contenders.size());
    for (unsigned pass = 0; pass <= options.passes; ++pass) {
      for (std::size_t c = 0; c < contenders.size(); ++c) {
        const Pass result = measure(data, contenders[c].search, ef, options.k);
        recall[c] = result.recall;
        if (pass > 0) qps[c].push_back(result.queries_per_second);  // the first warms up
      }
    }
    for (std::size_t c = 0; c < contenders.size(); ++c) {
      std::ranges::sort(qps[c]);
      lines.push_back({contenders[c].name, ef, recall[c], qps[c].back(), qps[c][qps[c].size() / 2]});
      fmt::print("{:<10} ef {:>4}  recall@{} {:.4f}  qps best {:>8.0f}  median {:>8.0f}\n", contenders[c].name, ef, options.k,
                 recall[c], lines.back().best_qps, lines.back().median_qps);
    }
    std::fflush(stdout);
  }
  return lines;
}

void write_lines(const std::string& path, const std::vector<Line>& lines, const Options& options) {
  std::ofstream out(path);
  out << "library,distance,m,ef_construction,k,ef,recall,qps_best,qps_median\n";
  for (const Line& line : lines)
    out << fmt::format("{},{},{},{},{},{},{:.5f},{:.1f},{:.1f}\n", line.name, options.distance, options.m,
                       options.ef_construction, options.k, line.ef, line.recall, line.best_qps, line.median_qps);
}

void draw_lines(const std::string& path, const std::vector<Line>& lines, const Options& options) {
  std::vector<cli::Curve> curves;
  for (const Line& line : lines) {
    auto curve = std::ranges::find(curves, line.name, &cli::Curve::name);
    if (curve == curves.end()) curve = curves.insert(curves.end(), {line.name, {}});
    curve->points.push_back({line.recall, line.best_qps});
  }
  std::ofstream(path) << cli::recall_plot(
      fmt::format("recall@{} against queries per second of one thread, {}, {}", options.k, options.distance,
                  std::filesystem::path(options.data).filename().string()),
      curves);
}

// What a search that names a recall gets.
void measure_wanted_recall(const bench::CollectionTarget& collection, const bench::DataSet& data, const Options& options) {
  for (const double wanted : options.recalls) {
    std::vector<std::vector<std::uint32_t>> found(data.queries.rows);
    const double start = bench::thread_cpu_seconds();
    for (std::size_t q = 0; q < data.queries.rows; ++q) collection.search_recall(data.queries.row(q), options.k, wanted, found[q]);
    const double seconds = bench::thread_cpu_seconds() - start;
    fmt::print("ndb        recall {:<6} wanted: {:.4f} at {:.0f} qps\n", wanted, bench::recall_of(data, found, options.k),
               static_cast<double>(data.queries.rows) / seconds);
  }
}

index::VectorsView view_of(const bench::Matrix& base, Distance distance, const std::vector<float>& inverse_norms) {
  return {.data = reinterpret_cast<const std::byte*>(base.values.data()),
          .stride_bytes = base.dim * sizeof(float),
          .rows = static_cast<Row>(base.rows),
          .dim = static_cast<std::uint32_t>(base.dim),
          .distance = distance,
          .inverse_norms = inverse_norms.data()};
}

std::vector<std::byte> build_or_load(const index::VectorsView& vectors, const Options& options) {
  const std::string file = options.cache.empty() ? "" : options.cache + "/ndb-" + options.quantization + ".hnsw";
  if (std::ifstream in(file, std::ios::binary); !file.empty() && in) {
    const std::string text(std::istreambuf_iterator<char>(in), {});
    const auto bytes = base::as_bytes(text);
    return {bytes.begin(), bytes.end()};
  }
  index::HnswBuildParams params;
  params.m = options.m;
  params.ef_construction = options.ef_construction;
  params.threads = options.threads;
  params.quantization = quantization_from_name(options.quantization).value_or(Quantization::automatic);
  const auto start = Clock::now();
  auto built = index::build_hnsw(vectors, params);
  if (!built) throw std::runtime_error(built.error().message);
  fmt::print("ndb        built in {:.1f} s, {} MB\n", seconds_since(start), built->size() / 1'000'000);
  if (!file.empty()) std::ofstream(file, std::ios::binary) << base::as_text(*built);
  return std::move(*built);
}

// Queries per second of the exact scan, one by one and batched.
void measure_exact(const index::VectorsView& vectors, const bench::DataSet& data, std::uint32_t k) {
  constexpr std::size_t kQueries = 64;
  std::vector<index::PreparedQuery> queries;
  for (std::size_t q = 0; q < std::min(kQueries, data.queries.rows); ++q)
    queries.emplace_back(std::span(data.queries.row(q), data.queries.dim), vectors.distance);
  std::vector<const index::PreparedQuery*> pointers;
  std::vector<index::TopK<>> tops;
  for (const auto& query : queries) {
    pointers.push_back(&query);
    tops.emplace_back(k);
  }
  auto start = Clock::now();
  for (std::size_t q = 0; q < queries.size(); ++q) index::scan(vectors, all_rows(vectors), queries[q], index::AcceptAll{}, tops[q]);
  fmt::print("exact      {:.0f} qps", static_cast<double>(queries.size()) / seconds_since(start));
  start = Clock::now();
  index::scan_batch(vectors, all_rows(vectors), std::span<const index::PreparedQuery* const>(pointers), index::AcceptAll{},
                    std::span(tops));
  fmt::print(", batched {:.0f} qps\n", static_cast<double>(queries.size()) / seconds_since(start));
}

void describe(const bench::CollectionTarget& collection, const bench::DataSet& data, const Options& options) {
  const auto stats = collection.stats();
  fmt::print("ndb        {} documents in {} segments, {} MB of vectors, {} MB of graphs; written and indexed in {:.1f} s\n",
             stats.documents, stats.segments.size(), data.base.values.size() * sizeof(float) / 1'000'000,
             stats.index.bytes / 1'000'000, collection.build_seconds());
  for (const std::uint32_t ef : options.efs) {
    std::uint64_t hops = 0, estimated = 0, exact = 0, bytes = 0;
    for (std::size_t q = 0; q < data.queries.rows; ++q) {
      const auto plan = collection.explain(data.queries.row(q), options.k, ef);
      hops += plan.hops;
      estimated += plan.estimated_distances;
      exact += plan.distances;
      bytes += plan.bytes_touched;
    }
    const auto mean = [&](std::uint64_t sum) { return static_cast<double>(sum) / static_cast<double>(data.queries.rows); };
    fmt::print("ndb        ef {:>4}  per query: {:.0f} hops, {:.0f} estimated and {:.0f} exact distances, {:.0f} KB\n", ef, mean(hops),
               mean(estimated), mean(exact), mean(bytes) / 1000.0);
  }
}

int run(const Options& options) {
  auto data = bench::load_data_set(options.data);
  if (!data) throw std::runtime_error(data.error().message);
  const Distance distance = distance_from_name(options.distance).value();
  std::vector<float> inverse_norms(data->base.rows);
  for (std::size_t row = 0; row < data->base.rows; ++row)
    inverse_norms[row] = index::inverse_norm({data->base.row(row), data->base.dim});
  const auto vectors = view_of(data->base, distance, inverse_norms);
  if (options.exact) measure_exact(vectors, *data, options.k);

  std::vector<Contender> contenders;
  const bench::CollectionTarget collection(
      options.cache + fmt::format("/ndb-{}-{}", options.quantization, options.segments), data->base,
      {.config = {.dim = vectors.dim,
                  .distance = distance,
                  .hnsw = {.m = options.m, .ef_construction = options.ef_construction,
                           .quantization = quantization_from_name(options.quantization).value()}},
       .index_threads = options.threads,
       .segments = options.segments});
  describe(collection, *data, options);
  contenders.push_back({"ndb", [&](std::size_t q, std::uint32_t ef, std::vector<std::uint32_t>& rows) {
    collection.search(data->queries.row(q), options.k, ef, rows);
  }});
  std::vector<std::byte> bytes;
  std::optional<index::HnswView> graph;
  index::SearchScratch scratch;
  index::SearchStats stats;
  if (options.view) {
    bytes = build_or_load(vectors, options);
    graph = index::HnswView::open(bytes).value();
    contenders.push_back({"view", [&](std::size_t q, std::uint32_t ef, std::vector<std::uint32_t>& rows) {
      const index::PreparedQuery query({data->queries.row(q), data->queries.dim}, distance);
      index::TopK<> top(options.k);
      index::search(*graph, vectors, query, {.k = options.k, .ef = ef}, index::AcceptAll{}, scratch, top, stats);
      rows.clear();
      for (const auto& candidate : top.take()) rows.push_back(candidate.row);
    }});
  }
  std::optional<bench::HnswlibPeer> peer;
  if (!options.no_peer) {
    peer.emplace(data->base, distance, options.m, options.ef_construction, options.threads,
                 options.cache.empty() ? "" : options.cache + "/hnswlib.bin");
    fmt::print("hnswlib    built in {:.1f} s\n", peer->build_seconds());
    contenders.push_back({"hnswlib", [&](std::size_t q, std::uint32_t ef, std::vector<std::uint32_t>& rows) {
      peer->search(data->queries.row(q), options.k, ef, rows);
    }});
  }
  const auto lines = sweep(*data, contenders, options);
  measure_wanted_recall(collection, *data, options);
  if (!options.out.empty()) write_lines(options.out, lines, options);
  if (!options.plot.empty()) draw_lines(options.plot, lines, options);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Recall against queries per second of one thread: nDB and hnswlib, pass by pass");
  app.add_option("--data", options.data, "folder with base.npy, query.npy, groundtruth.ivecs")->required();
  app.add_option("--distance", options.distance)->check(CLI::IsMember({"cosine", "dot", "euclidean"}));
  app.add_option("--m", options.m);
  app.add_option("--ef-construction", options.ef_construction);
  app.add_option("--k", options.k);
  app.add_option("--threads", options.threads, "for building; searching uses one");
  app.add_option("--passes", options.passes)->check(CLI::PositiveNumber);
  app.add_option("--ef", options.efs, "list of ef to sweep")->delimiter(',');
  app.add_option("--out", options.out, "CSV file");
  app.add_option("--plot", options.plot, "SVG file");
  app.add_option("--recall", options.recalls, "recalls that searches name instead of ef")->delimiter(',');
  app.add_option("--cache", options.cache, "folder that keeps collections and graphs between runs")->required();
  app.add_option("--segments", options.segments, "how many segments nDB's collection is split into")->check(CLI::PositiveNumber);
  app.add_flag("--view", options.view, "also nDB's graph alone, in this process's memory");
  app.add_option("--quantization", options.quantization, "what is walked on")->check(CLI::IsMember({"auto", "none", "sq8", "rabitq"}));
  app.add_flag("--no-peer", options.no_peer, "without hnswlib");
  app.add_flag("--exact", options.exact, "also measure the exact scan");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ndb_bench_search: {}\n", error.what());
    return 1;
  }
}
