// What searches cost where a collection is larger than the memory that is left for its files: run in a control group with a limit. The
// files' pages are dropped first, so that they are read, and counted, by this process.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "bench/search/collection_target.hpp"
#include "bench/search/data_set.hpp"

namespace {

using namespace ndb::bench;
using Clock = std::chrono::steady_clock;

struct BeyondOptions {
  std::filesystem::path data, folder;
  std::uint32_t k = 10, ef = 32;
  double seconds = 20.0;
};

void drop_cached(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

std::uint64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  for (std::string name; io >> name;) {
    std::uint64_t value = 0;
    io >> value;
    if (name == "read_bytes:") return value;
  }
  return 0;
}

long major_faults() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_majflt;
}

void search_uncached(const BeyondOptions& options) {
  auto loaded = load_queries(options.data);
  if (!loaded) throw std::runtime_error(loaded.error().message);
  DataSet& data = *loaded;
  drop_cached(options.folder);
  Matrix none;
  none.dim = data.queries.dim;
  const CollectionTarget collection(options.folder, none, {});
  std::mt19937 random(1);
  std::vector<std::uint32_t> order(data.queries.rows);
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::vector<std::vector<std::uint32_t>> found(data.queries.rows);
  std::vector<double> times;  // after one pass over all queries
  for (std::uint32_t q = 0; q < order.size(); ++q) collection.search(data.queries.row(q), options.k, options.ef, found[q]);
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  const std::uint64_t read_before = bytes_read();
  const long faults_before = major_faults();
  while (elapsed() < options.seconds) {
    std::ranges::shuffle(order, random);
    for (const std::uint32_t q : order) {
      const auto begin = Clock::now();
      collection.search(data.queries.row(q), options.k, options.ef, found[q]);
      times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
      if (elapsed() >= options.seconds) break;
    }
  }
  const double seconds = elapsed();
  const auto searches = static_cast<double>(times.size());
  std::ranges::sort(times);
  const auto quantile = [&](double share) { return times[static_cast<std::size_t>(share * (searches - 1.0))]; };
  std::printf("ef %u: recall@%u %.4f, %.0f searches/s, p50 %.0f p99 %.0f us, %.2f major faults and %.0f KB read a search\n", options.ef, options.k, recall_of(data, found, options.k), searches / seconds, quantile(0.5),
              quantile(0.99), static_cast<double>(major_faults() - faults_before) / searches,
              static_cast<double>(bytes_read() - read_before) / 1024.0 / searches);
}

}  // namespace

int main(int argc, char** argv) {
  BeyondOptions options;
  CLI::App app{"Searches a collection whose files are not cached, for a limit of memory to be set from outside"};
  app.add_option("--data", options.data, "folder with query.npy and groundtruth.ivecs")->required();
  app.add_option("--folder", options.folder, "data folder of the collection, as ndb_bench_search keeps it in its cache")->required();
  app.add_option("--ef", options.ef);
  app.add_option("--k", options.k);
  app.add_option("--seconds", options.seconds);
  CLI11_PARSE(app, argc, argv);
  try {
    search_uncached(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ndb_bench_beyond_memory: %s\n", error.what());
    return 1;
  }
  return 0;
}
