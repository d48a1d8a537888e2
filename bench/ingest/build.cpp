// How fast graphs are built, for nDB and hnswlib with the same m, ef_construction and threads, and how good they are.
#include <fmt/core.h>

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "bench/search/data_set.hpp"
#include "bench/search/hnswlib_peer.hpp"
#include "shared/index/hnsw_build.hpp"
#include "shared/index/hnsw_search.hpp"

namespace {

using namespace ndb;

struct Options {
  std::string data;
  std::string distance = "euclidean";
  std::string quantization = "auto";
  std::uint32_t m = 16;
  std::uint32_t ef_construction = 200;
  std::uint32_t k = 10;
  unsigned threads = 2;
  unsigned rounds = 1;
  bool no_peer = false;
  std::vector<std::uint32_t> efs{16, 32, 64, 128};
};

// Of all threads of this process: turns that others get do not count.
struct Times {
  double cpu = 0.0;
  double wall = 0.0;

  static Times now() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
    return {seconds(used.ru_utime) + seconds(used.ru_stime),
            std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count()};
  }
  Times operator-(const Times& start) const { return {cpu - start.cpu, wall - start.wall}; }
};

struct Built {
  Times took;
  std::vector<double> recalls;
};

template <class Search>
std::vector<double> recalls(const bench::DataSet& data, const Options& options, Search&& search) {
  std::vector<double> recalls;
  for (const std::uint32_t ef : options.efs) {
    std::vector<std::vector<std::uint32_t>> found(data.queries.rows);
    for (std::size_t q = 0; q < data.queries.rows; ++q) search(data.queries.row(q), ef, found[q]);
    recalls.push_back(bench::recall_of(data, found, options.k));
  }
  return recalls;
}

Built build_ndb(const bench::DataSet& data, Distance distance, const Options& options) {
  std::vector<float> inverse_norms(data.base.rows);
  for (std::size_t row = 0; row < data.base.rows; ++row)
    inverse_norms[row] = index::inverse_norm({data.base.row(row), data.base.dim});
  const index::VectorsView vectors{.data = reinterpret_cast<const std::byte*>(data.base.values.data()),
                                   .stride_bytes = data.base.dim * sizeof(float),
                                   .rows = static_cast<Row>(data.base.rows),
                                   .dim = static_cast<std::uint32_t>(data.base.dim),
                                   .distance = distance,
                                   .inverse_norms = inverse_norms.data()};
  index::HnswBuildParams params;
  params.m = options.m;
  params.ef_construction = options.ef_construction;
  params.threads = options.threads;
  params.quantization = quantization_from_name(options.quantization).value_or(Quantization::automatic);
  const Times start = Times::now();
  const auto bytes = index::build_hnsw(vectors, params);
  const Times took = Times::now() - start;
  if (!bytes) throw std::runtime_error(bytes.error().message);
  const auto graph = index::HnswView::open(*bytes).value();
  index::SearchScratch scratch;
  return {took, recalls(data, options, [&](const float* vector, std::uint32_t ef, std::vector<std::uint32_t>& rows) {
            const index::PreparedQuery query({vector, data.queries.dim}, distance);
            index::TopK<> top(options.k);
            index::SearchStats stats;
            index::search(graph, vectors, query, {.k = options.k, .ef = ef}, index::AcceptAll{}, scratch, top, stats);
            for (const auto& candidate : top.take()) rows.push_back(candidate.row);
          })};
}

Built build_hnswlib(const bench::DataSet& data, Distance distance, const Options& options) {
  const Times start = Times::now();
  bench::HnswlibPeer peer(data.base, distance, options.m, options.ef_construction, options.threads, "");
  const Times took = Times::now() - start;
  return {took, recalls(data, options, [&](const float* vector, std::uint32_t ef, std::vector<std::uint32_t>& rows) {
            peer.search(vector, options.k, ef, rows);
          })};
}

void print(const char* name, const Built& built, const bench::DataSet& data, const Options& options) {
  fmt::print("{:<8} {:>7.2f} s CPU, {:>7.2f} s, {:>7.0f} rows per CPU second", name, built.took.cpu, built.took.wall,
             static_cast<double>(data.base.rows) / built.took.cpu);
  for (std::size_t i = 0; i < options.efs.size(); ++i) fmt::print("  ef {}: {:.4f}", options.efs[i], built.recalls[i]);
  fmt::print("\n");
  std::fflush(stdout);
}

int run(const Options& options) {
  const auto data = bench::load_data_set(options.data);
  if (!data) throw std::runtime_error(data.error().message);
  const Distance distance = distance_from_name(options.distance).value();
  std::vector<double> ratios;
  for (unsigned round = 0; round < options.rounds; ++round) {
    const Built ours = build_ndb(*data, distance, options);
    print("ndb", ours, *data, options);
    if (options.no_peer) continue;
    const Built theirs = build_hnswlib(*data, distance, options);
    print("hnswlib", theirs, *data, options);
    ratios.push_back(theirs.took.cpu / ours.took.cpu);
    fmt::print("ratio    {:.2f} in CPU, {:.2f} in time\n", ratios.back(), theirs.took.wall / ours.took.wall);
  }
  std::ranges::sort(ratios);
  if (ratios.size() > 1) fmt::print("median   {:.2f} in CPU\n", ratios[ratios.size() / 2]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Build rate and recall@k of graphs: nDB and hnswlib in turn");
  app.add_option("--data", options.data, "folder with base.npy, query.npy, groundtruth.ivecs")->required();
  app.add_option("--distance", options.distance)->check(CLI::IsMember({"cosine", "dot", "euclidean"}));
  app.add_option("--m", options.m);
  app.add_option("--ef-construction", options.ef_construction);
  app.add_option("--k", options.k);
  app.add_option("--threads", options.threads);
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--ef", options.efs, "at which recall is measured")->delimiter(',');
  app.add_option("--quantization", options.quantization)->check(CLI::IsMember({"auto", "none", "sq8", "rabitq"}));
  app.add_flag("--no-peer", options.no_peer, "without hnswlib");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ndb_bench_build: {}\n", error.what());
    return 1;
  }
}
