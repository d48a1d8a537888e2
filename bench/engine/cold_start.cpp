// How long from exec of ndb-reader to ready and to its first correct answer, and does it grow with the data?
// usage: ndb_bench_cold_start FOLDER [DIM=128] [RUNS=15] [uncached]; keeps its data in FOLDER. uncached: before each start the kernel is
// told to drop what it caches of the data and of the program.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

#include "bench/engine/support.hpp"

using namespace ndb::bench;

namespace {

/// Rows that a search at default settings finds for their own vectors: what a correct answer must begin with. (A graph misses some.)
std::vector<std::uint64_t> findable_rows(const std::filesystem::path& folder, std::uint64_t rows, std::uint32_t dim, int count) {
  const auto db = must(ndb::Database::open(folder, {.read_only = true}));
  const auto docs = must(db.get_collection("docs"));
  std::vector<std::uint64_t> found;
  for (std::uint64_t row = 0; found.size() < static_cast<std::size_t>(count); row = (row + 7919) % rows) {
    const auto result = must(docs.search(ndb::Search{clustered_row(row, dim)}.top_k(10)));
    if (result.matches.front().id == fmt::format("row-{}", row)) found.push_back(row);
  }
  return found;
}

void drop_from_cache(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY);
  if (fd < 0) return;
  ::fsync(fd);  // what is yet to be written cannot be dropped
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

void drop_all_from_cache(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) drop_from_cache(entry.path());
  drop_from_cache(reader_binary());
}

struct Times {
  std::vector<double> ready, answer;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return fmt::print("usage: {} FOLDER [DIM] [RUNS] [uncached]\n", argv[0]), 2;
  const bool uncached = argc > 4 && std::strcmp(argv[4], "uncached") == 0;
  const auto dim = static_cast<std::uint32_t>(argc > 2 ? std::atoi(argv[2]) : 128);
  const int runs = argc > 3 ? std::atoi(argv[3]) : 15;
  const std::vector<std::uint64_t> sizes = {100'000, 1'000'000};
  std::vector<std::filesystem::path> folders;
  std::vector<std::vector<std::uint64_t>> queries;
  for (const auto rows : sizes) {
    folders.push_back(make_data(argv[1], rows, dim));
    queries.push_back(findable_rows(folders.back(), rows, dim, runs + 1));
  }
  std::vector<Times> times(sizes.size());
  for (int run = 0; run <= runs; ++run)  // the first warms the page cache and does not count
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::uint64_t row = queries[i][static_cast<std::size_t>(run)];
      const auto body = search_body(row, dim);
      if (uncached) drop_all_from_cache(folders[i]);
      const auto start = Clock::now();
      const ReaderProcess reader(folders[i]);
      reader.wait_until_ready();
      const double ready = milliseconds_since(start);
      const auto answer = reader.post("/v1/collections/docs/search", body);
      const double took = milliseconds_since(start);
      if (!answer.starts_with(fmt::format(R"({{"matches":[{{"id":"row-{}")", row)))
        return fmt::print("wrong answer: {}\n", answer), 1;
      if (run == 0) continue;
      times[i].ready.push_back(ready);
      times[i].answer.push_back(took);
    }
  fmt::print("rows,dim,runs,ready_median_ms,ready_p90_ms,answer_median_ms,answer_p90_ms\n");
  for (std::size_t i = 0; i < sizes.size(); ++i)
    fmt::print("{},{},{},{:.1f},{:.1f},{:.1f},{:.1f}\n", sizes[i], dim, runs, percentile(times[i].ready, 0.5), percentile(times[i].ready, 0.9),
               percentile(times[i].answer, 0.5), percentile(times[i].answer, 0.9));
}
