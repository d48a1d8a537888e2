// What do four readers on one host cost in memory, against one? Proportional set size, after each has answered searches.
// usage: ndb_bench_reader_memory FOLDER [ROWS=100000] [DIM=128] [SEARCHES=500]; keeps its data in FOLDER.
#include <fmt/format.h>

#include <fstream>
#include <memory>

#include "bench/engine/support.hpp"

using namespace ndb::bench;

namespace {

double pss_mib(pid_t pid) {
  std::ifstream smaps(fmt::format("/proc/{}/smaps_rollup", pid));
  std::string word;
  double kib = 0.0;
  while (smaps >> word)
    if (word == "Pss:") {
      smaps >> kib;
      break;
    }
  return kib / 1024.0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return fmt::print("usage: {} FOLDER [ROWS] [DIM] [SEARCHES]\n", argv[0]), 2;
  const auto rows = static_cast<std::uint64_t>(argc > 2 ? std::atoll(argv[2]) : 100'000);
  const auto dim = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[3]) : 128);
  const int searches = argc > 4 ? std::atoi(argv[4]) : 500;
  const auto data = make_data(argv[1], rows, dim);
  fmt::print("readers,rows,dim,sum_pss_mib\n");
  double one = 0.0;
  for (const int count : {1, 4}) {
    std::vector<std::unique_ptr<ReaderProcess>> readers;
    for (int i = 0; i < count; ++i) readers.push_back(std::make_unique<ReaderProcess>(data));
    for (int i = 0; i < searches; ++i)
      for (const auto& reader : readers)
        static_cast<void>(reader->post("/v1/collections/docs/search",
                                       search_body(static_cast<std::uint64_t>(i) * 131 % rows, dim)));
    double sum = 0.0;
    for (const auto& reader : readers) sum += pss_mib(reader->pid());
    if (count == 1) one = sum;
    fmt::print("{},{},{},{:.1f}\n", count, rows, dim, sum);
    if (count > 1) fmt::print("# each reader beyond the first costs {:.1f} MiB\n", (sum - one) / (count - 1));
  }
}
