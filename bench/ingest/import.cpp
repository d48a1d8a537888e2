// How fast does `ndb import` take a file of vectors, beside a program that has them in memory and inserts them in-process? By turns, each a
// process of its own; the tool's peak of memory is the kernel's (mapped files count).
// usage: ndb_bench_import FILE FOLDER [ROUNDS=5]; FILE is any that import reads; makes its data in FOLDER and removes it again.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <limits>

#include "bench/engine/support.hpp"
#include "shared/io/vector_reader.hpp"

using namespace ndb;
using namespace ndb::bench;

namespace {

constexpr std::size_t kBatchRows = 1'000;

struct Taken {
  double seconds = 0.0;
  std::uint64_t rows = 0;
};
struct Run : Taken {
  double cpu_seconds = 0.0, peak_mib = 0.0;
};

/// Runs `work` in a process of its own.
Run run(const std::function<Taken()>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::exit(1);
  const pid_t child = ::fork();
  if (child == 0) {
    const Taken taken = work();
    ::_exit(::write(ends[1], &taken, sizeof taken) == sizeof taken ? 0 : 1);
  }
  ::close(ends[1]);
  Run result;
  Taken& taken = result;
  const bool told = ::read(ends[0], &taken, sizeof taken) == sizeof taken;
  ::close(ends[0]);
  rusage usage{};
  int status = 0;
  if (::wait4(child, &status, 0, &usage) != child || status != 0 || !told) std::exit(1);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
  result.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  result.peak_mib = static_cast<double>(usage.ru_maxrss) / 1024.0;
  return result;
}

/// Everything is read before the clock starts.
Taken insert_in_process(const std::filesystem::path& file, const std::filesystem::path& folder) {
  const auto reader = must(io::VectorReader::open(file));
  std::vector<float> values;
  io::Batch batch;
  while (must(reader->next(batch, kBatchRows))) values.insert(values.end(), batch.values.begin(), batch.values.end());
  const std::size_t dim = reader->dim(), rows = values.size() / dim;
  auto db = must(Database::open(folder, {.index_min_rows = std::numeric_limits<std::uint32_t>::max()}));  // nor does the tool build graphs meanwhile
  auto docs = must(db.create_collection("docs", {.dim = reader->dim()}));
  std::vector<std::string> ids(kBatchRows);
  std::vector<DocumentView> documents;
  const auto start = Clock::now();
  for (std::size_t row = 0; row < rows;) {
    documents.clear();
    for (std::size_t i = 0; i < kBatchRows && row < rows; ++i, ++row) {
      ids[i] = std::to_string(row);
      documents.push_back({.id = ids[i], .vector = std::span(values).subspan(row * dim, dim)});
    }
    must(docs.insert_batch(documents));
  }
  return {milliseconds_since(start) / 1'000.0, rows};
}

/// From its start to its end.
Taken import_with_tool(const std::filesystem::path& file, const std::filesystem::path& folder) {
  const auto start = Clock::now();
  const pid_t tool = ::fork();
  if (tool == 0) {
    ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
    ::execl(NDB_TOOL_BINARY, NDB_TOOL_BINARY, "import", "docs", file.c_str(), "--create", "-q", "--data-dir", folder.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  if (::waitpid(tool, &status, 0) != tool || status != 0) std::exit(1);
  return {milliseconds_since(start) / 1'000.0, 0};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print("usage: {} FILE FOLDER [ROUNDS]\n", argv[0]), 2;
  const std::filesystem::path file = argv[1], folder = std::filesystem::path(argv[2]) / "import";
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 5;
  std::vector<double> ratios;
  fmt::print("round,in_process_rows_per_s,tool_rows_per_s,ratio,tool_cpu_s,tool_peak_mib\n");
  for (int round = 0; round < rounds; ++round) {
    std::filesystem::remove_all(folder);
    ::sync();
    const Run engine = run([&] { return insert_in_process(file, folder); });
    std::filesystem::remove_all(folder);
    ::sync();
    const Run tool = run([&] { return import_with_tool(file, folder); });
    const auto rows = static_cast<double>(engine.rows);
    ratios.push_back(engine.seconds / tool.seconds);
    fmt::print("{},{:.0f},{:.0f},{:.2f},{:.2f},{:.0f}\n", round, rows / engine.seconds, rows / tool.seconds, ratios.back(), tool.cpu_seconds, tool.peak_mib);
    std::fflush(stdout);
  }
  fmt::print("# median ratio {:.2f}\n", percentile(ratios, 0.5));
  std::filesystem::remove_all(folder);
}
