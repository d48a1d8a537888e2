// What does a collection of a given size cost: time to load and index, disk, a reader's memory, searches a second?
// usage: ndb_bench_capacity FOLDER ROWSxDIM...; makes its data in FOLDER and removes it again. One line of CSV for each size.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <atomic>
#include <cmath>
#include <set>
#include <thread>

#include "bench/engine/support.hpp"

using namespace ndb::bench;

namespace {

constexpr std::uint64_t kBatchRows = 1'000;
constexpr std::uint64_t kQueries = 2'000;
constexpr std::uint64_t kExactQueries = 100;
constexpr unsigned kThreads = 2;

struct Size {
  std::uint64_t rows = 0;
  std::uint32_t dim = 0;
};

struct Cost {
  double loaded_seconds = 0.0, indexed_seconds = 0.0, cpu_seconds = 0.0;  ///< from the first insert on
  double writer_mib = 0.0;                                              ///< most anonymous memory
  double disk_mib = 0.0, graph_mib = 0.0;
  Memory reader;
  double recall = 0.0, search_us = 0.0, searches_per_second = 0.0;
};

double process_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Clusters whose directions matter less and less, as those of embeddings do: with all alike, everything is about equally far from everything.
std::vector<float> embedding(std::uint64_t row, std::uint32_t dim) {
  auto vector = clustered_row(row, dim);
  for (std::size_t i = 0; i < vector.size(); ++i) vector[i] /= std::sqrt(1.0F + static_cast<float>(i) / 4.0F);
  return vector;
}

std::vector<float> query(const Size& size, std::uint64_t i) { return embedding(size.rows + i, size.dim); }

/// Inserts as fast as it goes, then waits for the graphs.
void load(const std::filesystem::path& folder, const Size& size, Cost& cost) {
  std::vector<float> values;
  values.reserve(size.rows * size.dim);
  for (std::uint64_t row = 0; row < size.rows; ++row) {
    const auto vector = embedding(row, size.dim);
    values.insert(values.end(), vector.begin(), vector.end());
  }
  const double before_mib = memory_of(::getpid()).anonymous;
  auto db = must(ndb::Database::open(folder));
  auto docs = must(db.create_collection("docs", {.dim = size.dim, .distance = ndb::Distance::euclidean}));
  const double cpu = process_cpu_seconds();
  const auto start = Clock::now();
  std::vector<std::string> ids(kBatchRows);
  std::vector<ndb::DocumentView> batch;
  const auto note_memory = [&] { cost.writer_mib = std::max(cost.writer_mib, memory_of(::getpid()).anonymous - before_mib); };
  for (std::uint64_t row = 0; row < size.rows;) {
    batch.clear();
    for (std::size_t i = 0; i < kBatchRows && row < size.rows; ++i, ++row) {
      ids[i] = std::to_string(row);
      batch.push_back({.id = ids[i], .vector = std::span(values).subspan(row * size.dim, size.dim), .payload = R"({"kind":"bench"})"});
    }
    must(docs.insert_batch(batch));
    note_memory();
  }
  cost.loaded_seconds = milliseconds_since(start) / 1'000.0;
  must(docs.flush());
  for (bool indexed = false; !indexed; note_memory()) {
    indexed = must(docs.stats()).index.unindexed_rows == 0;
    if (!indexed) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  cost.indexed_seconds = milliseconds_since(start) / 1'000.0;
  cost.cpu_seconds = process_cpu_seconds() - cpu;
  must(docs.compact());
  const auto stats = must(docs.stats());
  cost.disk_mib = static_cast<double>(stats.segment_bytes) / 1024.0 / 1024.0;
  cost.graph_mib = static_cast<double>(stats.index.bytes) / 1024.0 / 1024.0;
  if (const auto closed = db.close(); !closed) std::exit(1);
}

void measure_reader(const std::filesystem::path& folder, const Size& size, Cost& cost) {
  const ReaderProcess reader(folder);
  reader.wait_until_ready();
  for (std::uint64_t i = 0; i < kQueries; ++i) {
    const auto body = fmt::format(R"({{"vector":[{}],"top_k":10}})", fmt::join(query(size, i), ","));
    static_cast<void>(reader.post("/v1/collections/docs/search", body));
  }
  cost.reader = memory_of(reader.pid());
}

double recall_of(const ndb::Collection& docs, const Size& size) {
  std::uint64_t found = 0;
  for (std::uint64_t i = 0; i < kExactQueries; ++i) {
    std::set<std::string> truth;
    for (const auto& match : must(docs.search(ndb::Search{query(size, i)}.top_k(10).approximate(false))).matches) truth.insert(match.id);
    for (const auto& match : must(docs.search(ndb::Search{query(size, i)}.top_k(10))).matches) found += truth.contains(match.id);
  }
  return static_cast<double>(found) / (10.0 * kExactQueries);
}

void measure_searches(const std::filesystem::path& folder, const Size& size, Cost& cost) {
  const auto db = must(ndb::Database::open(folder, {.read_only = true}));
  const auto docs = must(db.get_collection("docs"));
  cost.recall = recall_of(docs, size);
  std::vector<std::vector<float>> queries;
  for (std::uint64_t i = 0; i < kQueries; ++i) queries.push_back(query(size, i));
  const auto search = [&](std::uint64_t i) { static_cast<void>(must(docs.search(ndb::Search{queries[i % kQueries]}.top_k(10)))); };
  for (std::uint64_t i = 0; i < kQueries; ++i) search(i);
  const double cpu = thread_cpu_seconds();
  for (std::uint64_t i = 0; i < kQueries; ++i) search(i);
  cost.search_us = (thread_cpu_seconds() - cpu) * 1e6 / kQueries;
  std::atomic<std::uint64_t> next = 0;
  const auto start = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (std::uint64_t at = 0; (at = next.fetch_add(1)) < 5 * kQueries;) search(at);
      });
  }
  cost.searches_per_second = 5.0 * kQueries / (milliseconds_since(start) / 1'000.0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print("usage: {} FOLDER ROWSxDIM...\n", argv[0]), 2;
  fmt::print("rows,dim,loaded_s,indexed_s,cpu_s,writer_mib,disk_mib,graph_mib,reader_private_mib,reader_mib,recall,search_us,searches_per_s_{}\n", kThreads);
  for (int i = 2; i < argc; ++i) {
    Size size;
    if (std::sscanf(argv[i], "%lux%u", &size.rows, &size.dim) != 2 || size.rows < kBatchRows) return fmt::print("{} is no ROWSxDIM\n", argv[i]), 2;
    const auto folder = std::filesystem::path(argv[1]) / "capacity";
    std::filesystem::remove_all(folder);
    Cost cost;
    load(folder, size, cost);
    measure_reader(folder, size, cost);
    measure_searches(folder, size, cost);
    fmt::print("{},{},{:.2f},{:.2f},{:.2f},{:.0f},{:.1f},{:.1f},{:.1f},{:.1f},{:.4f},{:.1f},{:.0f}\n", size.rows, size.dim, cost.loaded_seconds,
               cost.indexed_seconds, cost.cpu_seconds, cost.writer_mib, cost.disk_mib, cost.graph_mib, cost.reader.anonymous, cost.reader.with_files,
               cost.recall, cost.search_us, cost.searches_per_second);
    std::fflush(stdout);
    std::filesystem::remove_all(folder);
  }
}
