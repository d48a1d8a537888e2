// What is left of a collection whose rows were all replaced, in random order, several times over: recall, speed and disk beside a fresh build of
// the same rows. Searches take turns, so that what else the machine does hits both alike.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>

#include "bench/engine/support.hpp"
#include "bench/search/data_set.hpp"

namespace {

using namespace ndb;
using namespace ndb::bench;

struct ChurnOptions {
  std::string data, folder;
  std::string distance = "cosine";
  std::uint32_t times = 5, ef = 64, k = 10, passes = 5, batch = 500;
  std::uint64_t memtable_mb = 64;
};

// Files and folders come and go meanwhile.
std::uint64_t disk_bytes(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    const auto size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

Document document(const DataSet& data, std::size_t row) {
  return {.id = std::to_string(row), .vector = {data.base.row(row), data.base.row(row) + data.base.dim}, .payload = "{}"};
}

void insert_in_order(const DataSet& data, Collection& docs, const std::vector<std::size_t>& order, std::uint32_t at_once) {
  std::vector<Document> batch;
  for (const std::size_t row : order) {
    batch.push_back(document(data, row));
    if (batch.size() < at_once) continue;
    must(docs.insert_batch(batch));
    batch.clear();
  }
  if (!batch.empty()) must(docs.insert_batch(batch));
}

struct Pass {
  double seconds = 0;
  double recall = 0;
};

Pass search_all(const DataSet& data, const Collection& docs, const ChurnOptions& options) {
  std::vector<std::vector<std::uint32_t>> found(data.queries.rows);
  const double start = thread_cpu_seconds();
  for (std::size_t q = 0; q < data.queries.rows; ++q) {
    const auto result = must(docs.search(Search{std::span(data.queries.row(q), data.queries.dim)}.top_k(options.k).ef(options.ef).with_payload(false)));
    for (const auto& match : result) found[q].push_back(static_cast<std::uint32_t>(std::stoul(match.id)));
  }
  return {thread_cpu_seconds() - start, recall_of(data, found, options.k)};
}

void compare(const char* when, const DataSet& data, const Collection& churned, const Collection& fresh, const ChurnOptions& options) {
  std::vector<double> ratios;
  Pass of_churned, of_fresh;
  search_all(data, churned, options), search_all(data, fresh, options);
  for (std::uint32_t pass = 0; pass < options.passes; ++pass) {
    of_fresh = search_all(data, fresh, options);
    of_churned = search_all(data, churned, options);
    ratios.push_back(of_fresh.seconds / of_churned.seconds);
  }
  const auto stats = must(churned.stats());
  fmt::print("{},{},{:.4f},{:.4f},{:.3f},{}\n", when, stats.segments.size(), of_churned.recall, of_fresh.recall, percentile(ratios, .5), stats.deleted);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  ChurnOptions options;
  CLI::App app("Replaces every row of a collection in random order, several times, beside a fresh build.");
  app.add_option("--data", options.data, "folder with base, queries and ground truth")->required();
  app.add_option("--folder", options.folder, "where both collections are made (removed first)")->required();
  app.add_option("--distance", options.distance);
  app.add_option("--times", options.times);
  app.add_option("--ef", options.ef);
  app.add_option("--passes", options.passes);
  app.add_option("--memtable-mb", options.memtable_mb);
  CLI11_PARSE(app, argc, argv);
  const auto data = must(load_data_set(options.data));
  const CollectionConfig config{.dim = static_cast<std::uint32_t>(data.base.dim), .distance = *distance_from_name(options.distance)};
  DatabaseOptions database;
  database.memtable_bytes = options.memtable_mb << 20;
  database.gc_grace = std::chrono::seconds(1);  // no reader on another host to wait for
  std::vector<std::size_t> order(data.base.rows);
  std::iota(order.begin(), order.end(), std::size_t{0});

  const std::filesystem::path folder(options.folder);
  std::filesystem::remove_all(folder);
  auto fresh_options = database;
  fresh_options.index_min_rows = 2'000'000'000;  // built once, over all rows
  auto fresh_db = must(Database::open(folder / "fresh", fresh_options));
  auto fresh = must(fresh_db.create_collection("docs", config));
  insert_in_order(data, fresh, order, options.batch);
  must(fresh.compact());
  must(fresh.rebuild_index());

  auto churned_db = must(Database::open(folder / "churned", database));
  auto churned = must(churned_db.create_collection("docs", config));
  insert_in_order(data, churned, order, options.batch);
  must(churned.compact());
  fmt::print("when,segments,recall,recall_fresh,qps_of_fresh,deleted\n");
  compare("loaded", data, churned, fresh, options);
  std::mt19937_64 random(7);
  double most_disk = 0;
  const double live = static_cast<double>(data.base.values.size() * sizeof(float));
  for (std::uint32_t time = 1; time <= options.times; ++time) {
    std::ranges::shuffle(order, random);
    for (std::size_t begin = 0; begin < order.size();) {  // looks at the disk now and then
      const auto end = std::min(order.size(), begin + order.size() / 20 + 1);
      insert_in_order(data, churned, {order.begin() + static_cast<std::ptrdiff_t>(begin), order.begin() + static_cast<std::ptrdiff_t>(end)}, options.batch);
      begin = end;
      most_disk = std::max(most_disk, static_cast<double>(disk_bytes(folder / "churned")));
    }
    compare(fmt::format("replaced {} times", time).c_str(), data, churned, fresh, options);
  }
  must(churned.compact());
  compare("compacted", data, churned, fresh, options);
  const double fresh_disk = static_cast<double>(disk_bytes(folder / "fresh"));
  for (int i = 0; i < 600 && static_cast<double>(disk_bytes(folder / "churned")) > 1.1 * fresh_disk; ++i) ::usleep(100'000);
  const double at_end = static_cast<double>(disk_bytes(folder / "churned"));
  fmt::print("disk: most {:.2f} x the vectors, {:.2f} x a fresh collection; at the end {:.2f} x and {:.2f} x\n", most_disk / live,
             most_disk / fresh_disk, at_end / live, at_end / fresh_disk);
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  fmt::print("CPU of it all: {} s\n", used.ru_utime.tv_sec + used.ru_stime.tv_sec);
}
