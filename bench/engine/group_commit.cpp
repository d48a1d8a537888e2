// Does the rate of `sync` writes grow with the number of writers that wait at the same time?
// usage: ndb_bench_group_commit FOLDER [SECONDS=2] [DIM=128] [ROUNDS=5]; FOLDER is made and removed.
#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "bench/engine/support.hpp"

using namespace ndb;
using namespace ndb::bench;

namespace {

double rate(Collection& docs, int writers, double seconds, std::uint32_t dim) {
  std::atomic<std::uint64_t> written{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  for (int w = 0; w < writers; ++w)
    threads.emplace_back([&, w] {
      const auto vector = clustered_row(static_cast<std::uint64_t>(w), dim);
      for (std::uint64_t i = 0; !stop; ++i) {
        must(docs.insert({.id = fmt::format("{}-{}", w, i), .vector = vector}));
        ++written;
      }
    });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (auto& thread : threads) thread.join();
  return static_cast<double>(written) * 1000.0 / milliseconds_since(start);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return fmt::print("usage: {} FOLDER [SECONDS] [DIM] [ROUNDS]\n", argv[0]), 2;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2.0;
  const auto dim = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[3]) : 128);
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  std::filesystem::remove_all(argv[1]);
  {
    auto db = must(Database::open(argv[1]));
    auto docs = must(db.create_collection("docs", {.dim = dim, .durability = Durability::sync}));
    std::vector<double> one, many, ratio;
    for (int round = 0; round < rounds; ++round) {
      one.push_back(rate(docs, 1, seconds, dim));
      many.push_back(rate(docs, 64, seconds, dim));
      ratio.push_back(many.back() / one.back());
    }
    fmt::print("writers,documents_per_s (median)\n1,{:.0f}\n64,{:.0f}\nratio (median of pairs),{:.1f}\n", percentile(one, 0.5),
               percentile(many, 0.5), percentile(ratio, 0.5));
  }
  std::filesystem::remove_all(argv[1]);
}
