// A bulk load, measured from outside: rows per second, CPU until everything is indexed beside one build over all rows, memory of the
// process at its peak, bytes written beside bytes of vectors.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/engine/support.hpp"
#include "shared/io/vector_reader.hpp"

namespace {

using namespace ndb;
using namespace ndb::bench;

struct BulkOptions {
  std::string data, folder;
  std::string distance = "cosine";
  std::uint64_t rows = 200'000;
  std::uint32_t batch = 1'000, rate = 0, threads = 0;
  std::uint64_t memtable_mb = 64;
};

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

std::uint64_t field_of(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1));
  return 0;
}

// The largest RssAnon seen; what is mapped from files can be dropped by the kernel at any time and is told apart.
class MemoryWatch {
 public:
  MemoryWatch() : thread_([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      anonymous_ = std::max(anonymous_.load(), field_of("/proc/self/status", "RssAnon"));
      all_ = std::max(all_.load(), field_of("/proc/self/status", "VmRSS"));
      ::usleep(20'000);
    }
  }) {}
  [[nodiscard]] double anonymous_mib() const { return static_cast<double>(anonymous_) / 1024; }
  [[nodiscard]] double all_mib() const { return static_cast<double>(all_) / 1024; }

 private:
  std::atomic<std::uint64_t> anonymous_{0}, all_{0};
  std::jthread thread_;
};

bool indexed(const CollectionStats& stats) { return stats.index.unindexed_rows == 0 && !stats.index.building; }

// One line: how, rows a second until all is acknowledged, seconds and CPU until all is indexed, memory, bytes written.
void load(const BulkOptions& options, const char* how, bool at_once) {
  const std::filesystem::path folder = std::filesystem::path(options.folder) / how;
  std::filesystem::remove_all(folder);
  DatabaseOptions database;
  database.memtable_bytes = options.memtable_mb << 20;
  database.index_threads = options.threads;
  if (at_once) database.index_min_rows = 2'000'000'000;
  const MemoryWatch memory;
  const auto reader = must(io::VectorReader::open(std::filesystem::path(options.data) / "base.npy"));
  const auto written_before = field_of("/proc/self/io", "wchar");
  const double cpu_before = cpu_seconds();
  const auto start = Clock::now();
  auto db = must(Database::open(folder, database));
  auto docs = must(db.create_collection("docs", {.dim = reader->dim(), .distance = *distance_from_name(options.distance)}));
  io::Batch batch;
  std::vector<DocumentView> documents;
  std::vector<std::string> ids;
  std::uint64_t rows = 0;
  while (rows < options.rows && must(reader->next(batch, std::min<std::uint64_t>(options.batch, options.rows - rows)))) {
    documents.clear(), ids.clear();
    for (std::size_t i = 0; i < batch.size(); ++i) ids.push_back(std::to_string(rows + i));
    for (std::size_t i = 0; i < batch.size(); ++i) documents.push_back({.id = ids[i], .vector = batch.vector(i), .payload = {}});
    must(docs.insert_batch(documents));
    rows += batch.size();
    if (options.rate != 0 && !at_once)
      std::this_thread::sleep_until(start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(static_cast<double>(rows) / options.rate)));
  }
  const double loaded = milliseconds_since(start) / 1e3, cpu_loaded = cpu_seconds() - cpu_before;
  if (at_once) {
    must(docs.compact());
    must(docs.rebuild_index());
  } else {
    must(docs.flush());
    while (!indexed(must(docs.stats()))) ::usleep(20'000);
  }
  const double done = milliseconds_since(start) / 1e3, cpu_done = cpu_seconds() - cpu_before;
  const auto stats = must(docs.stats());
  const double raw = static_cast<double>(rows) * reader->dim() * sizeof(float);
  fmt::print("{},{},{:.0f},{:.1f},{:.1f},{:.1f},{},{:.0f},{:.0f},{:.2f},{:.2f}\n", how, rows, static_cast<double>(rows) / loaded, cpu_loaded, done, cpu_done,
             stats.segments.size(), memory.anonymous_mib(), memory.all_mib(), memory.anonymous_mib() * 1048576 / raw,
             static_cast<double>(field_of("/proc/self/io", "wchar") - written_before) / raw);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  BulkOptions options;
  CLI::App app("Loads rows and waits until they are indexed: as they come, and with one build at the end.");
  app.add_option("--data", options.data, "folder with base.npy")->required();
  app.add_option("--folder", options.folder, "where the collections are made (removed first)")->required();
  app.add_option("--distance", options.distance);
  app.add_option("--rows", options.rows);
  app.add_option("--batch", options.batch);
  app.add_option("--rate", options.rate, "rows per second of the first load; 0: as fast as it goes");
  app.add_option("--threads", options.threads, "for building graphs; 0: all cores");
  app.add_option("--memtable-mb", options.memtable_mb);
  CLI11_PARSE(app, argc, argv);
  fmt::print("how,rows,rows_per_s,load_cpu_s,indexed_after_s,indexed_cpu_s,segments,anon_mib,rss_mib,anon_of_raw,written_of_raw\n");
  std::fflush(stdout);
  for (const auto& [how, at_once] : {std::pair("as-it-comes", false), std::pair("one-build", true)}) {
    const pid_t pid = ::fork();
    if (pid == 0) return load(options, how, at_once), 0;  // a process of its own: its memory is what it used
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid || status != 0) return 1;
  }
}
