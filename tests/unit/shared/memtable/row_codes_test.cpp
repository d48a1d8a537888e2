#include "shared/index/codes/row_codes.hpp"

#include <random>
#include <set>
#include <thread>

#include "shared/index/code_scan.hpp"
#include "shared/memtable/memtable.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

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

void put(Memtable& table, Row row, std::span<const float> vector) {
  table.put(Seq{row + 1}, "id" + std::to_string(row), std::as_bytes(vector), {});
  table.set_applied(Seq{row + 1});
}

/// `chunks` full chunks of random vectors.
void fill(Memtable& table, Row chunks, unsigned seed) {
  std::mt19937 random(seed);
  for (Row row = 0; row < chunks * kRows; ++row) put(table, row, random_vector(random));
}

/// As a graph of clustered vectors has it.
std::shared_ptr<const index::RowCoder> coder_of_graph(Distance distance) {
  const index::test::TestVectors vectors(kDim, distance, index::test::clustered_values(5'000, kDim, 40, 0.4F, 21));
  const auto graph = index::build_hnsw(vectors.view(), {.m = 6, .ef_construction = 30}).value();
  return index::RowCoder::of_graph(index::HnswView::open(graph, nullptr).value());
}

/// What a search through the cells of a memtable finds, as of now.
std::vector<index::Candidate> scan_cells(const Memtable& table, const index::PreparedQuery& query, std::uint32_t ef, Row end, index::SearchScratch& scratch,
                                         index::SearchStats& stats) {
  if (!table.codes().codec().prepare(query.data(), false, scratch.query_bits)) std::abort();
  index::TopK<> top(10);
  const auto visible = [&](Row row) { return table.visible(row, table.applied_seq()); };
  const auto key_of = [&](Row row) { return query.key(table.chunk_vectors(row / kRows, table.row_count()), row % kRows); };
  index::scan_cells(table.codes(), end, ef, scratch, visible, key_of, top, stats);
  return top.take();
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
  Memtable next(CollectionConfig{.dim = kDim}, format::WalName{Epoch{1}, 1}, Seq{rows}, table->codes().share_coder(), true);
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

TEST_CASE("a search through the nearest cells finds what an exact one does, on a small share of the codes") {
  constexpr Row kAll = 4 * kRows;
  for (const Distance distance : {Distance::cosine, Distance::euclidean}) {
    CAPTURE(distance_name(distance));
    Memtable table(CollectionConfig{.dim = kDim, .distance = distance}, format::WalName{Epoch{1}, 0}, Seq{0}, coder_of_graph(distance));
    const auto values = index::test::clustered_values(kAll, kDim, 40, 0.4F, 22);
    for (Row row = 0; row < kAll; ++row) put(table, row, std::span(values).subspan(std::size_t{row} * kDim, kDim));
    REQUIRE(table.codes().has_cells());
    CHECK_FALSE(table.codes().wanted());
    table.extend_codes(kAll);
    REQUIRE(table.codes().coded() == kAll);
    for (Row row = 0; row < kAll; row += 3) REQUIRE(table.mark_deleted(Seq{kAll + row + 1}, "id" + std::to_string(row)));
    table.set_applied(Seq{3 * kAll});
    const auto queries = index::test::clustered_values(50, kDim, 40, 0.4F, 23);
    index::SearchScratch scratch;
    index::SearchStats stats;
    std::size_t found = 0;
    for (std::size_t q = 0; q < 50; ++q) {
      const index::PreparedQuery query(std::span<const float>(queries).subspan(q * kDim, kDim), distance);
      index::TopK<> exact(10);
      for (Row row = 0; row < kAll; ++row)
        if (row % 3 != 0) exact.push(query.key(table.chunk_vectors(row / kRows, kAll), row % kRows), row);
      std::set<Row> best;
      for (const auto& candidate : exact.take()) best.insert(candidate.row);
      for (const auto& candidate : scan_cells(table, query, 64, kAll, scratch, stats)) {
        CHECK(candidate.row % 3 != 0);
        CHECK(candidate.key == query.key(table.chunk_vectors(candidate.row / kRows, kAll), candidate.row % kRows));
        found += best.contains(candidate.row) ? 1 : 0;
      }
    }
    CHECK(found >= 490);
    CHECK(stats.estimated_distances < 50 * kAll / 3);
    CHECK(stats.distances < 50 * kAll / 20);
  }
}

TEST_CASE("rows that are unlike those of the graph are found in its cells all the same") {
  constexpr Row kAll = 8 * kRows;
  struct Kind {
    const char* name;
    float shift, spread;
    std::size_t least;  // of 400 matches
  };
  for (const auto& kind : {Kind{"without any structure", 0.0F, 1.0F, 310}, Kind{"far away", 6.0F, 0.5F, 390}, Kind{"all in one place, far away", 20.0F, 0.02F, 390}})
    for (const Distance distance : {Distance::cosine, Distance::euclidean}) {
      CAPTURE(kind.name, distance_name(distance));
      Memtable table(CollectionConfig{.dim = kDim, .distance = distance}, format::WalName{Epoch{1}, 0}, Seq{0}, coder_of_graph(distance));
      std::mt19937 random(31);
      const auto draw = [&] {
        auto vector = random_vector(random);
        for (auto& x : vector) x = kind.shift + kind.spread * x;
        return vector;
      };
      for (Row row = 0; row < kAll; ++row) put(table, row, draw());
      table.extend_codes(kAll);
      index::SearchScratch scratch;
      index::SearchStats stats;
      std::size_t found = 0;
      for (int q = 0; q < 40; ++q) {
        const auto vector = draw();
        const index::PreparedQuery query(vector, distance);
        index::TopK<> exact(10);
        for (Row row = 0; row < kAll; ++row) exact.push(query.key(table.chunk_vectors(row / kRows, kAll), row % kRows), row);
        const float worst = exact.take().back().key;
        for (const auto& candidate : scan_cells(table, query, 64, kAll, scratch, stats)) found += candidate.key <= worst ? 1 : 0;
      }
      CHECK(found >= kind.least);
    }
}

TEST_CASE("where a coder has no cells, and under dot, rows are not divided") {
  CHECK(coder_of_graph(Distance::dot)->cells == 0);
  CHECK_FALSE(index::RowCodes(coder_of_graph(Distance::dot), true).has_cells());
  CHECK_FALSE(index::RowCodes().has_cells());
}

TEST_CASE("all cells are looked through before fewer rows are found than there are") {
  Memtable table(CollectionConfig{.dim = kDim}, format::WalName{Epoch{1}, 0}, Seq{0}, coder_of_graph(Distance::cosine));
  const auto values = index::test::clustered_values(index::RowCodes::kBlockRows, kDim, 40, 0.4F, 24);
  for (Row row = 0; row < index::RowCodes::kBlockRows; ++row) put(table, row, std::span(values).subspan(std::size_t{row} * kDim, kDim));
  table.extend_codes(index::RowCodes::kBlockRows);
  for (Row row = 0; row + 7 < index::RowCodes::kBlockRows; ++row) REQUIRE(table.mark_deleted(Seq{100U + row}, "id" + std::to_string(row)));
  table.set_applied(Seq{200});
  index::SearchScratch scratch;
  index::SearchStats stats;
  const index::PreparedQuery query(std::span<const float>(values).first(kDim), Distance::cosine);
  CHECK(scan_cells(table, query, 1, index::RowCodes::kBlockRows, scratch, stats).size() == 7);
}

TEST_CASE("cells are searched by several threads while rows are added to them") {
  Memtable table(CollectionConfig{.dim = kDim}, format::WalName{Epoch{1}, 0}, Seq{0}, coder_of_graph(Distance::cosine));
  std::mt19937 random(12);
  const auto vector = random_vector(random);
  const index::PreparedQuery query(vector, Distance::cosine);
  std::vector<std::jthread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      index::SearchScratch scratch;
      for (Row coded = 0; coded < 2 * kRows; coded = table.codes().coded()) {
        table.extend_codes(kRows);
        if (coded == 0) continue;
        index::SearchStats stats;
        const auto found = scan_cells(table, query, 1'000, coded, scratch, stats);
        if (found.size() != std::min<std::size_t>(10, coded) || std::ranges::any_of(found, [&](const auto& one) { return one.row >= coded; })) std::abort();
      }
    });
  fill(table, 2, 13);
  readers.clear();
  CHECK(table.codes().coded() == 2 * kRows);
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
