// How long from an acknowledged insert to its visibility in another process on the same host?
// usage: ndb_bench_freshness FOLDER [INSERTS=3000] [DIM=768]; what is made in FOLDER is removed.
#include <fmt/format.h>

#include "bench/engine/support.hpp"
#include "cli/bench/companion.hpp"
#include "cli/bench/measurement.hpp"

using namespace ndb;
using namespace ndb::bench;

int main(int argc, char** argv) {
  if (argc < 2) return fmt::print("usage: {} FOLDER [INSERTS] [DIM]\n", argv[0]), 2;
  const auto inserts = static_cast<std::uint32_t>(argc > 2 ? std::atoi(argv[2]) : 3'000);
  const auto dim = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[3]) : 768);
  std::filesystem::create_directories(argv[1]);
  const auto companion = must(cli::Companion::start(argv[1]));  // forks before this process has any thread
  auto db = must(Database::open(companion->data_dir()));
  auto docs = must(db.create_collection("docs", {.dim = dim}));
  std::vector<std::vector<float>> vectors;
  for (std::uint32_t i = 0; i < inserts; ++i) vectors.push_back(clustered_row(i, dim));
  const auto figures = cli::freshness_of(must(companion->measure_freshness(docs, vectors, inserts)));
  fmt::print("inserts,dim,p50_ms,p99_ms,max_ms\n{},{},{:.3f},{:.3f},{:.3f}\n", figures.inserts, dim, figures.p50_ms, figures.p99_ms, figures.max_ms);
  return 0;
}
