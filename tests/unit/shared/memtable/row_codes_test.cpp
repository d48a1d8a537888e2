#include "shared/index/codes/row_codes.hpp"

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
      index::BitQueryBuffer bits;
      index::PackedQuery prepared;
      table->extend_codes(table->row_count());
      REQUIRE(table->codes().coded() == 4 * kRows);
      REQUIRE(table->codes().codec().prepare(query.data(), false, bits));
      prepared.prepare(bits, index::GroupOrder::sampled);
      for (Row chunk = 0; chunk < 4; ++chunk) {
        const auto vectors = table->chunk_vectors(chunk, table->row_count());
        for (Row row = 0; row < kRows; ++row) exact.push(query.key(vectors, row), chunk * kRows + row);
        const index::CodedRows rows{vectors, 0, kRows, table->codes().chunk(chunk), chunk * kRows};
        index::scan_by_codes(rows, table->codes().codec(), prepared, query, index::AcceptAll{}, coded, stats);
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

TEST_CASE("vectors whose codes do not fit are looked at themselves") {
  const auto table = std::make_unique<Memtable>(CollectionConfig{.dim = kDim, .distance = Distance::dot}, format::WalName{Epoch{1}, 0}, Seq{0});
  for (Row row = 0; row < 2 * kRows; ++row) {  // the second chunk is 10^50 times as long as the first
    const std::vector<float> vector(kDim, (row % 2 == 0 ? 1.0F : -1.0F) * (row < kRows ? 1e-20F : 1e30F));
    table->put(Seq{row + 1}, std::to_string(row), std::as_bytes(std::span(vector)), {});
  }
  table->extend_codes(2 * kRows);
  REQUIRE(table->codes().coded() == 2 * kRows);
  const std::vector<float> vector(kDim, 1e-20F);
  const index::PreparedQuery query(vector, Distance::dot);
  index::BitQueryBuffer bits;
  index::PackedQuery prepared;
  REQUIRE(table->codes().codec().prepare(query.data(), false, bits));
  prepared.prepare(bits, index::GroupOrder::sampled);
  index::TopK<> top(kRows / 2);
  index::SearchStats stats;
  const auto vectors = table->chunk_vectors(1, 2 * kRows);
  const index::CodedRows rows{vectors, 0, kRows, table->codes().chunk(1), kRows};
  index::scan_by_codes(rows, table->codes().codec(), prepared, query, index::AcceptAll{}, top, stats);
  CHECK(stats.distances == kRows);
  for (const auto& candidate : top.take()) CHECK(candidate.row % 2 == 0);
}

TEST_CASE("codes are made in whole blocks, no more at a time than was asked for, and begin once there is enough to learn from") {
  const auto table = std::make_unique<Memtable>(CollectionConfig{.dim = kDim}, format::WalName{Epoch{1}, 0}, Seq{0});
  constexpr Row kBlock = index::RowCodes::kBlockRows;
  std::mt19937 random(11);
  Row rows = 0;
  const auto add = [&](Row count) {
    for (; count > 0; --count, ++rows) {
      const auto vector = random_vector(random);
      table->put(Seq{rows + 1}, std::to_string(rows), std::as_bytes(std::span(vector)), {});
    }
  };
  add(kRows - 1);
  table->extend_codes(kRows);
  CHECK(table->codes().coded() == 0);
  add(1);
  table->extend_codes(kBlock - 1);
  CHECK(table->codes().coded() == 0);
  table->extend_codes(3 * kBlock + 5);
  CHECK(table->codes().coded() == 3 * kBlock);
  table->extend_codes(kRows);
  CHECK(table->codes().coded() == kRows);
  add(kBlock + 1);
  table->extend_codes(kRows);
  CHECK(table->codes().coded() == kRows + kBlock);

  // Later rows use what was learned, from the first block on.
  Memtable next(CollectionConfig{.dim = kDim}, format::WalName{Epoch{1}, 1}, Seq{rows}, table->codes().share_codec());
  CHECK(next.codes().wanted());
  for (Row row = 0; row < kBlock; ++row) {
    const auto vector = random_vector(random);
    next.put(Seq{rows + row + 1}, std::to_string(row), std::as_bytes(std::span(vector)), {});
  }
  next.extend_codes(kBlock);
  CHECK(next.codes().coded() == kBlock);
  CHECK(&next.codes().codec() == &table->codes().codec());
}

TEST_CASE("short vectors get no codes") {
  const auto table = std::make_unique<Memtable>(CollectionConfig{.dim = 8}, format::WalName{Epoch{1}, 0}, Seq{0});
  const std::vector<float> vector(8, 1.0F);
  for (Row row = 0; row < kRows; ++row) table->put(Seq{row + 1}, std::to_string(row), std::as_bytes(std::span(vector)), {});
  table->extend_codes(kRows);
  CHECK(table->codes().coded() == 0);
}

TEST_CASE("several threads make and use codes while rows are added") {
  const auto table = std::make_unique<Memtable>(CollectionConfig{.dim = kDim}, format::WalName{Epoch{1}, 0}, Seq{0});
  std::mt19937 random(10);
  const auto vector = random_vector(random);
  const index::PreparedQuery query(vector, Distance::cosine);
  std::vector<std::jthread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      index::BitQueryBuffer bits;
      index::PackedQuery prepared;
      for (Row coded = 0; coded < 3 * kRows; coded = table->codes().coded()) {
        table->extend_codes(kRows);
        if (coded == 0) continue;
        if (!table->codes().codec().prepare(query.data(), false, bits)) std::abort();
        prepared.prepare(bits, index::GroupOrder::sampled);
        index::TopK<> top(10);
        index::SearchStats stats;
        const auto vectors = table->chunk_vectors(0, table->row_count());
        const index::CodedRows rows{vectors, 0, std::min(coded, kRows), table->codes().chunk(0), 0};
        index::scan_by_codes(rows, table->codes().codec(), prepared, query, index::AcceptAll{}, top, stats);
        if (top.take().size() != 10) std::abort();
      }
    });
  fill(*table, 3, 9);
  readers.clear();
  CHECK(table->codes().coded() == 3 * kRows);
}
