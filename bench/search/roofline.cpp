// How near a search comes to what memory gives: the time that its rows take when they are only read, at random places of the same mappings and
// as many at a time as is best, against the time that the search takes, by turns in one run.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <limits>
#include <random>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/engine/support.hpp"
#include "bench/search/collection_target.hpp"
#include "bench/search/data_set.hpp"
#include "shared/base/bytes.hpp"
#include "shared/index/codes/bit_codec.hpp"
#include "shared/simd/kernels.hpp"

namespace {

using namespace ndb;

struct RooflineOptions {
  std::string data;
  std::string distance = "euclidean";
  std::string cache;
  std::uint32_t m = 16;
  std::uint32_t k = 10;
  unsigned passes = 7;
  std::vector<std::uint32_t> efs{14, 24, 48, 96};
};

// The mapped file of this process whose name begins so; the largest, if there are several.
std::span<const std::byte> mapping_of(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  std::span<const std::byte> best;
  for (std::string line; std::getline(maps, line);) {
    const auto slash = line.rfind('/');
    if (slash == std::string::npos || line.compare(slash + 1, name.size(), name) != 0) continue;
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::istringstream(line) >> std::hex >> begin >> dash >> end;
    if (end - begin > best.size()) best = {reinterpret_cast<const std::byte*>(begin), end - begin};
  }
  if (best.empty()) throw std::runtime_error("no mapping of " + name);
  return best;
}

// Of everything mapped there, a line at a time, so that nothing of it need be computed with but all of it must arrive.
std::uint64_t read_row(const std::byte* row, std::size_t bytes) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < bytes; at += 64) sum += base::load<std::uint64_t>(row + at);
  return sum;
}

// Nanoseconds to read a row of `bytes` (a multiple of 64) at a random place, with the best of several depths of prefetching.
class Gather {
 public:
  Gather(std::span<const std::byte> from, std::size_t bytes) : from_(from), bytes_(bytes), places_(kReads) {}

  double pass() {
    double best = std::numeric_limits<double>::max();
    for (const std::size_t ahead : {2, 4, 8, 16}) {
      for (const std::size_t first : {std::size_t{256}, bytes_}) best = std::min(best, pass(ahead, std::min(first, bytes_)));
    }
    return best;
  }

 private:
  static constexpr std::size_t kReads = 20'000;

  double pass(std::size_t ahead, std::size_t prefetched) {
    for (auto& place : places_) place = from_.data() + random_() % ((from_.size() - bytes_) / 64 + 1) * 64;
    const double start = bench::thread_cpu_seconds();
    for (std::size_t i = 0; i < kReads; ++i) {
      if (i + ahead < kReads) simd::prefetch(places_[i + ahead], prefetched);
      sum_ = sum_ + read_row(places_[i], bytes_);
    }
    return 1e9 * (bench::thread_cpu_seconds() - start) / static_cast<double>(kReads);
  }

  std::span<const std::byte> from_;
  std::size_t bytes_;
  std::vector<const std::byte*> places_;
  std::mt19937_64 random_{7};
  volatile std::uint64_t sum_ = 0;
};

// Rows that a query reads, by kind.
struct Reads {
  double links = 0.0, codes = 0.0, refined = 0.0, vectors = 0.0;
};

class Roofline {
 public:
  Roofline(const bench::DataSet& data, const bench::CollectionTarget& collection, const RooflineOptions& options)
      : data_(data), collection_(collection), options_(options), dim_(static_cast<std::uint32_t>(data.base.dim)) {}

  void run() {
    for (std::size_t q = 0; q < data_.queries.rows; ++q) collection_.search(data_.queries.row(q), options_.k, 64, rows_);  // maps and warms
    const auto graph = mapping_of("hnsw-"), vectors = mapping_of("vectors");
    const std::size_t links_bytes = 2 * std::size_t{options_.m} * sizeof(std::uint32_t);
    const std::size_t code_bytes = index::BitCodec::stride_bytes(dim_), refined_bytes = index::BitCodec::refined_stride_bytes(dim_);
    std::array<Gather, 4> gathers{Gather{graph, links_bytes}, Gather{graph, code_bytes}, Gather{graph, refined_bytes},
                                  Gather{vectors, (dim_ * sizeof(float) + 63) / 64 * 64}};
    fmt::print("{} B of links, {} B codes, {} B refined codes, {} B vectors\n", links_bytes, code_bytes, refined_bytes, dim_ * sizeof(float));
    for (const std::uint32_t ef : options_.efs) {
      const Reads reads = reads_of(ef);
      std::vector<double> limits, searches;
      std::array<double, 4> best;
      best.fill(std::numeric_limits<double>::max());
      for (unsigned pass = 0; pass < options_.passes; ++pass) {
        std::array<double, 4> row;
        for (std::size_t kind = 0; kind < row.size(); ++kind) {
          row[kind] = gathers[kind].pass();
          best[kind] = std::min(best[kind], row[kind]);
        }
        limits.push_back((reads.links * row[0] + reads.codes * row[1] + reads.refined * row[2] + reads.vectors * row[3]) / 1000.0);
        searches.push_back(search_microseconds(ef));
      }
      std::ranges::sort(limits);
      std::ranges::sort(searches);
      fmt::print("ef {:>3}  reads {:.0f} links, {:.0f} codes, {:.0f} refined, {:.0f} vectors; ns each, best: {:.0f} {:.0f} {:.0f} {:.0f}; limit {:.1f} us, search {:.1f} us: "
                 "{:.0f} % (of medians {:.0f} %)\n",
                 ef, reads.links, reads.codes, reads.refined, reads.vectors, best[0], best[1], best[2], best[3], limits.front(), searches.front(),
                 100.0 * limits.front() / searches.front(), 100.0 * limits[limits.size() / 2] / searches[searches.size() / 2]);
    }
    print_sequential(vectors);
  }

 private:
  // From what searches say of themselves: estimated distances are of codes and of refined ones, and the bytes tell how many of each.
  Reads reads_of(std::uint32_t ef) const {
    double hops = 0.0, estimated = 0.0, exact = 0.0, bytes = 0.0;
    for (std::size_t q = 0; q < data_.queries.rows; ++q) {
      const auto plan = collection_.explain(data_.queries.row(q), options_.k, ef);
      hops += static_cast<double>(plan.hops);
      estimated += static_cast<double>(plan.estimated_distances);
      exact += static_cast<double>(plan.distances);
      bytes += static_cast<double>(plan.bytes_touched);
    }
    const auto queries = static_cast<double>(data_.queries.rows);
    const auto code = static_cast<double>(index::BitCodec::stride_bytes(dim_)), refined = static_cast<double>(index::BitCodec::refined_stride_bytes(dim_));
    const double of_codes = bytes - hops * 2.0 * options_.m * sizeof(std::uint32_t) - exact * dim_ * sizeof(float);
    const double refined_rows = std::max(0.0, (of_codes - estimated * code) / (refined - code));
    return {.links = hops / queries, .codes = (estimated - refined_rows) / queries, .refined = refined_rows / queries, .vectors = exact / queries};
  }

  double search_microseconds(std::uint32_t ef) {
    const double start = bench::thread_cpu_seconds();
    for (std::size_t q = 0; q < data_.queries.rows; ++q) collection_.search(data_.queries.row(q), options_.k, ef, rows_);
    return 1e6 * (bench::thread_cpu_seconds() - start) / static_cast<double>(data_.queries.rows);
  }

  static void print_sequential(std::span<const std::byte> vectors) {
    double best = std::numeric_limits<double>::max();
    volatile std::uint64_t sum = 0;
    for (int pass = 0; pass < 5; ++pass) {
      const double start = bench::thread_cpu_seconds();
      std::array<std::uint64_t, 4> sums{};
      for (std::size_t at = 0; at + 256 <= vectors.size(); at += 256)
        for (std::size_t line = 0; line < 4; ++line) sums[line] += base::load<std::uint64_t>(vectors.data() + at + 64 * line);
      sum = sum + sums[0] + sums[1] + sums[2] + sums[3];
      best = std::min(best, bench::thread_cpu_seconds() - start);
    }
    fmt::print("sequential {:.1f} GB/s\n", static_cast<double>(vectors.size()) / best / 1e9);
  }

  const bench::DataSet& data_;
  const bench::CollectionTarget& collection_;
  const RooflineOptions& options_;
  std::uint32_t dim_;
  std::vector<std::uint32_t> rows_;
};

}  // namespace

int main(int argc, char** argv) {
  RooflineOptions options;
  CLI::App app("Searches against the time that reading their rows alone takes, at random places of the same mapped files");
  app.add_option("--data", options.data, "folder with base.npy, query.npy, groundtruth.ivecs")->required();
  app.add_option("--cache", options.cache, "folder of ndb_bench_search's collections")->required();
  app.add_option("--distance", options.distance)->check(CLI::IsMember({"cosine", "dot", "euclidean"}));
  app.add_option("--k", options.k);
  app.add_option("--m", options.m, "of the collection's graph");
  app.add_option("--ef", options.efs)->delimiter(',');
  app.add_option("--passes", options.passes)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    auto data = bench::load_data_set(options.data);
    if (!data) throw std::runtime_error(data.error().message);
    const bench::CollectionTarget collection(
        options.cache + "/ndb-auto-1", data->base,
        {.config = {.dim = static_cast<std::uint32_t>(data->base.dim), .distance = distance_from_name(options.distance).value(),
                    .hnsw = {.m = options.m}}});
    Roofline(*data, collection, options).run();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "ndb_bench_roofline: {}\n", error.what());
    return 1;
  }
}
