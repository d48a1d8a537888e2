// What a search costs over rows that have no graph yet, in memory and flushed, by how many there are; beside the exact scan and beside the graph.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "bench/engine/support.hpp"
#include "bench/search/data_set.hpp"

namespace {

using namespace ndb;
using namespace ndb::bench;

struct Cost {
  double median_us = 0;
  double distances = 0;
  std::vector<std::vector<std::string>> ids;
};

Cost search_all(const DataSet& data, const Collection& docs, bool approximate, std::uint32_t ef, std::size_t queries) {
  Cost cost;
  std::vector<double> times;
  for (std::size_t q = 0; q < queries; ++q) {
    const Search search = Search{std::span(data.queries.row(q), data.queries.dim)}.approximate(approximate).ef(ef).with_payload(false).explain(true);
    const double start = thread_cpu_seconds();
    const auto result = must(docs.search(search));
    times.push_back(1e6 * (thread_cpu_seconds() - start));
    cost.distances += static_cast<double>(result.plan->distances) / static_cast<double>(queries);
    auto& ids = cost.ids.emplace_back();
    for (const auto& match : result) ids.push_back(match.id);
  }
  cost.median_us = percentile(times, .5);
  return cost;
}

double recall(const Cost& found, const Cost& exact) {
  std::size_t same = 0, all = 0;
  for (std::size_t q = 0; q < exact.ids.size(); ++q)
    for (const auto& id : exact.ids[q]) ++all, same += std::ranges::count(found.ids[q], id) > 0 ? 1U : 0U;
  return static_cast<double>(same) / static_cast<double>(all);
}

}  // namespace

int main(int argc, char** argv) {
  std::string data_folder, folder, distance = "cosine";
  std::vector<std::size_t> fills{1'000, 2'000, 5'000, 10'000, 20'000};
  std::uint32_t ef = 64;
  std::size_t queries = 200;
  int warm_up = 5;
  CLI::App app("Searches over rows without a graph.");
  app.add_option("--data", data_folder, "folder with base and queries")->required();
  app.add_option("--folder", folder, "where the collection is made (removed first)")->required();
  app.add_option("--distance", distance);
  app.add_option("--rows", fills)->delimiter(',');
  app.add_option("--ef", ef);
  app.add_option("--queries", queries);
  app.add_option("--warm-up", warm_up, "passes before the one that counts: they make the codes");
  CLI11_PARSE(app, argc, argv);
  ::setenv("TBB_NUM_THREADS", "1", 1);
  const auto data = must(load_data_set(data_folder));
  queries = std::min(queries, data.queries.rows);
  std::filesystem::remove_all(folder);
  auto db = must(Database::open(folder, {.memtable_bytes = 4ULL << 30, .index_min_rows = 2'000'000'000}));
  auto docs = must(db.create_collection("docs", {.dim = static_cast<std::uint32_t>(data.base.dim), .distance = *distance_from_name(distance)}));
  fmt::print("where,rows,codes_us,recall,compared,exact_us\n");
  const auto report = [&](const char* where, std::size_t rows) {
    const auto exact = search_all(data, docs, false, ef, std::min<std::size_t>(queries, 50));
    for (int i = 0; i < warm_up; ++i) search_all(data, docs, true, ef, queries);  // makes what codes are missing
    const auto coded = search_all(data, docs, true, ef, queries);
    fmt::print("{},{},{:.0f},{:.4f},{:.0f},{:.0f}\n", where, rows, coded.median_us, recall(coded, exact), coded.distances, exact.median_us);
  };
  std::size_t rows = 0;
  for (const std::size_t fill : fills) {
    std::vector<Document> batch;
    for (; rows < fill; ++rows) batch.push_back({.id = std::to_string(rows), .vector = {data.base.row(rows), data.base.row(rows) + data.base.dim}, .payload = {}});
    must(docs.insert_batch(batch));
    report("memtable", rows);
  }
  must(docs.flush());
  report("segment", rows);
  must(docs.rebuild_index());
  report("graph", rows);
}
