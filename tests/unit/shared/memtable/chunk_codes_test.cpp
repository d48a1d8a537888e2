#include "shared/memtable/chunk_codes.hpp"

#include <random>
#include <set>
#include <thread>

#include "shared/index/code_scan.hpp"
#include "shared/memtable/memtable.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;
using memtable::Memtable;

namespace {

constexpr std::uint32_t kDim = 96;
constexpr Row kRows = Memtable::kChunkRows;

std::vector<float> random_vector(std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(kDim);
  for (auto& x : vector) x = normal(random);
  return vector;
}

/// `chunks` full chunks of random vectors.
void fill(Memtable& table, Row chunks, unsigned seed) {
  std::mt19937 random(seed);
  for (Row row = 0; row < chunks * kRows; ++row) {
    const auto vector = random_vector(random);
    table.put(Seq{row + 1}, "id" + std::to_string(row), std::as_bytes(std::span(vector)), {});
    table.set_applied(Seq{row + 1});
  }
}

}  // namespace

TEST_CASE("a scan by codes finds what an exact one does, on a small share of the vectors") {
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    CAPTURE(distance_name(distance));
    const auto table = std::make_unique<Memtable>(CollectionConfig{.dim = kDim, .distance = distance}, format::WalName{Epoch{1}, 0}, Seq{0});
    fill(*table, 4, 7);
    std::mt19937 random(8);
    std::size_t found = 0, wanted = 0;
    std::uint64_t compared = 0;
    for (int q = 0; q < 50; ++q) {
      const auto vector = random_vector(random);
      const index::PreparedQuery query(vector, distance);
      index::TopK<> exact(10), coded(10);
      index::SearchStats stats;
      index::BitQueryBuffer prepared;
      for (Row chunk = 0; chunk < 4; ++chunk) {
        const auto vectors = table->chunk_vectors(chunk, table->row_count());
        for (Row row = 0; row < kRows; ++row) exact.push(query.key(vectors, row), chunk * kRows + row);
        CHECK(table->codes().make(chunk, vectors) == (q == 0));
        REQUIRE(table->codes().rows(chunk) != nullptr);
        REQUIRE(table->codes().codec().prepare(query.data(), false, prepared));
        index::scan_by_codes(vectors, table->codes().codec(), table->codes().rows(chunk), prepared, query, chunk * kRows,
                             index::AcceptAll{}, coded, stats);
      }
      std::set<Row> best;
      for (const auto& candidate : exact.take()) best.insert(candidate.row);
      for (const auto& candidate : coded.take()) found += best.contains(candidate.row) ? 1 : 0;
      wanted += best.size();
      compared += stats.distances;
      CHECK(stats.estimated_distances == 4 * kRows);
    }
    CHECK(static_cast<double>(found) >= 0.98 * static_cast<double>(wanted));
    CHECK(compared < 50 * 4 * kRows / 4);
  }
}

TEST_CASE("vectors whose codes do not fit are left to the exact scan, and not tried again") {
  const auto table = std::make_unique<Memtable>(CollectionConfig{.dim = kDim, .distance = Distance::dot}, format::WalName{Epoch{1}, 0}, Seq{0});
  for (Row row = 0; row < 2 * kRows; ++row) {  // the second chunk is 10^50 times as long as the first
    const std::vector<float> vector(kDim, (row % 2 == 0 ? 1.0F : -1.0F) * (row < kRows ? 1e-20F : 1e30F));
    table->put(Seq{row + 1}, std::to_string(row), std::as_bytes(std::span(vector)), {});
  }
  for (const Row chunk : {Row{0}, Row{1}}) {
    const auto vectors = table->chunk_vectors(chunk, table->row_count());
    CHECK(table->codes().make(chunk, vectors));
    CHECK((table->codes().rows(chunk) != nullptr) == (chunk == 0));
    CHECK_FALSE(table->codes().make(chunk, vectors));
  }
}

TEST_CASE("short vectors get no codes") {
  const auto table = std::make_unique<Memtable>(CollectionConfig{.dim = 8}, format::WalName{Epoch{1}, 0}, Seq{0});
  const std::vector<float> vector(8, 1.0F);
  for (Row row = 0; row < kRows; ++row) table->put(Seq{row + 1}, std::to_string(row), std::as_bytes(std::span(vector)), {});
  CHECK_FALSE(table->codes().make(0, table->chunk_vectors(0, table->row_count())));
}

TEST_CASE("several threads make and use codes while rows are added") {
  const auto table = std::make_unique<Memtable>(CollectionConfig{.dim = kDim}, format::WalName{Epoch{1}, 0}, Seq{0});
  std::atomic<bool> done = false;
  std::vector<std::jthread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      while (!done || table->codes().rows(2) == nullptr) {
        const Row full = table->row_count() / kRows;
        for (Row chunk = 0; chunk < full; ++chunk) {
          table->codes().make(chunk, table->chunk_vectors(chunk, full * kRows));
          const std::byte* rows = table->codes().rows(chunk);
          if (rows != nullptr && table->codes().codec().dim() != kDim) std::abort();
        }
      }
    });
  fill(*table, 3, 9);
  done = true;
  readers.clear();
  for (Row chunk = 0; chunk < 3; ++chunk) CHECK(table->codes().rows(chunk) != nullptr);
}
