// How long from an acknowledged insert to its visibility in another process on the same host?
// usage: ndb_bench_freshness FOLDER [INSERTS=3000] [DIM=768]; FOLDER is made and removed.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "bench/engine/support.hpp"

using namespace ndb;
using namespace ndb::bench;

namespace {

constexpr int kMax = 100'000;

// Both processes write the times of the one monotonic clock here.
struct Shared {
  std::atomic<int> seen;
  std::atomic<bool> ready;
  Clock::time_point acknowledged[kMax], visible[kMax];
};

int follow(const std::filesystem::path& folder, Shared& shared, int inserts) {
  auto db = must(Database::open(folder, {.read_only = true}));
  auto docs = must(db.get_collection("docs"));
  shared.ready = true;
  for (int i = 0; i < inserts; ++i) {
    if (!docs.wait_for(Seq{static_cast<std::uint64_t>(i) + 1}, std::chrono::minutes(1))) return 1;
    shared.visible[i] = Clock::now();
    shared.seen = i + 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return fmt::print("usage: {} FOLDER [INSERTS] [DIM]\n", argv[0]), 2;
  const int inserts = std::min(kMax, argc > 2 ? std::atoi(argv[2]) : 3'000);
  const auto dim = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[3]) : 768);
  const std::filesystem::path folder = argv[1];
  std::filesystem::remove_all(folder);
  auto* shared = new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared{};
  // The reader is forked before the writer has any thread, and waits for the collection.
  const pid_t reader = ::fork();
  if (reader == 0) {
    while (!std::filesystem::exists(folder / "docs" / "CURRENT")) ::usleep(1'000);
    ::_exit(follow(folder, *shared, inserts));
  }
  auto db = must(Database::open(folder));
  auto docs = must(db.create_collection("docs", {.dim = dim}));
  if (!docs.acquire_write_lock()) return 1;
  while (!shared->ready) ::usleep(1'000);
  for (int i = 0; i < inserts; ++i) {
    const auto vector = clustered_row(static_cast<std::uint64_t>(i), dim);
    must(docs.insert({.id = std::to_string(i), .vector = vector}));
    shared->acknowledged[i] = Clock::now();
    while (shared->seen <= i) ::usleep(50);
    ::usleep(500);
  }
  int status = 0;
  ::waitpid(reader, &status, 0);
  std::vector<double> delays;
  for (int i = 0; i < inserts; ++i)
    delays.push_back(
        std::max(0.0, std::chrono::duration<double, std::milli>(shared->visible[i] - shared->acknowledged[i]).count()));
  fmt::print("inserts,dim,p50_ms,p99_ms,max_ms\n{},{},{:.3f},{:.3f},{:.3f}\n", inserts, dim, percentile(delays, 0.5),
             percentile(delays, 0.99), percentile(delays, 1.0));
  std::filesystem::remove_all(folder);
  return WEXITSTATUS(status);
}
