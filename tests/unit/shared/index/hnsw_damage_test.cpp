// Damaged graphs: whatever the bytes say, opening and searching neither crash nor read out of bounds (run under ASan).
#include <cstring>
#include <memory>
#include <random>

#include "shared/base/crc32c.hpp"
#include "shared/format/block_verifier.hpp"
#include "shared/index/cell_scan.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/marked_bits.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

TestVectors sample(std::uint32_t dim = 36) {
  auto values = test::clustered_values(400, dim, 10, 0.7F, 111);
  std::copy_n(values.begin(), dim * 20, values.begin() + dim * 100);  // some groups of equal rows
  return {dim, Distance::euclidean, std::move(values)};
}

// In a heap block of exactly its size, so that ASan sees one byte too far.
struct ExactBytes {
  explicit ExactBytes(std::span<const std::byte> from)
      : data(static_cast<std::byte*>(::operator new(from.size(), std::align_val_t{64}))), size(from.size()) {
    std::memcpy(data.get(), from.data(), size);
  }
  struct Free {
    void operator()(std::byte* bytes) const { ::operator delete(bytes, std::align_val_t{64}); }
  };
  [[nodiscard]] std::span<std::byte> span() const { return {data.get(), size}; }
  std::unique_ptr<std::byte, Free> data;
  std::size_t size;
};

// Opens and searches; returns whether anything was noticed.
bool exercise(const TestVectors& vectors, base::ByteSpan bytes) {
  const auto graph = HnswView::open(bytes);
  if (!graph) return true;
  const bool sound = graph->verify().has_value();
  const auto view = vectors.view();
  if (graph->rows() != view.rows || graph->dim() != view.dim || graph->distance() != view.distance) return true;
  SearchScratch scratch;
  SearchStats stats;
  for (Row row = 0; row < 400; row += 97) {
    TopK<> all(10);
    TopK<> some(10), few(10);
    const PreparedQuery query(vectors.vector(row), view.distance);
    search(*graph, view, query, {}, AcceptAll{}, scratch, all, stats);
    search(*graph, view, query, {}, [](Row r) { return r % 3 == 0; }, scratch, some, stats);
    (void)search_cells(*graph, view, query, 10, 64, test::MarkedBits(view.rows, [](Row r) { return r % 3 == 0; }), scratch, few, stats);
    for (const Candidate& candidate : few.take()) CHECK((candidate.row % 3 == 0 && candidate.row < 400));
    for (const Candidate& candidate : all.take()) CHECK((candidate.row < 400 && std::isfinite(candidate.key)));
    for (const Candidate& candidate : some.take()) CHECK((candidate.row % 3 == 0 && candidate.row < 400));
  }
  CHECK((sound || !stats.damaged || !graph->verify()));
  return !sound || stats.damaged;
}

TEST_CASE("flipped bits anywhere neither crash nor escape") {
  const unsigned seed = 112;
  std::mt19937 random(seed);
  const TestVectors vectors = sample(96);
  for (const Quantization quantization : {Quantization::rabitq, Quantization::sq8, Quantization::none}) {
    const auto good = build_hnsw(vectors.view(), {.m = 6, .ef_construction = 40, .quantization = quantization, .cells = 64}).value();
    REQUIRE_FALSE(exercise(vectors, ExactBytes(good).span()));
    for (int round = 0; round < 1500; ++round) {
      CAPTURE(seed, round);
      const ExactBytes bytes(good);
      const std::size_t reach = round % 3 == 0 ? 256 : bytes.size;  // a third of them into the header
      for (unsigned flips = 1 + random() % 8; flips > 0; --flips)
        bytes.span()[random() % reach] ^= std::byte(1U << random() % 8);
      exercise(vectors, bytes.span());
    }
  }
}

TEST_CASE("overwritten words, as bad links and counts, neither crash nor escape") {
  const unsigned seed = 113;
  std::mt19937 random(seed);
  const TestVectors vectors = sample(96);
  const auto good = build_hnsw(vectors.view(), {.m = 6, .ef_construction = 40, .cells = 64}).value();
  for (int round = 0; round < 1500; ++round) {
    CAPTURE(seed, round);
    const ExactBytes bytes(good);
    const std::size_t words = (round % 2 == 0 ? 300 : bytes.size) / 4;
    for (int i = 0; i < 20; ++i) {
      const std::uint32_t values[] = {0, 1, 399, 400, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};
      base::store(bytes.data.get() + random() % words * 4, values[random() % 8]);
    }
    exercise(vectors, bytes.span());
  }
}

TEST_CASE("files cut short are refused") {
  const TestVectors vectors = sample();
  const auto good = build_hnsw(vectors.view(), {.m = 6, .ef_construction = 40}).value();
  for (std::size_t size = 0; size < good.size(); size += size < 600 ? 1 : 997) {
    CAPTURE(size);
    const ExactBytes bytes{base::ByteSpan{good}.first(size)};
    CHECK(HnswView::open(bytes.span()).error().code == ErrorCode::corruption);
  }
}

TEST_CASE("a bad link is reported by the search that meets it and by verify") {
  const TestVectors vectors = sample();
  auto bytes = build_hnsw(vectors.view(), {.m = 6, .ef_construction = 40}).value();
  const auto good = HnswView::open(bytes).value();
  const auto links = good.links(7);
  base::store(bytes.data() + (reinterpret_cast<const std::byte*>(links.data()) - bytes.data()), std::uint32_t{400});
  CHECK(good.verify().error().code == ErrorCode::corruption);
  SearchScratch scratch;
  SearchStats stats;
  TopK<> top(10);
  search(good, vectors.view(), PreparedQuery(vectors.vector(7), Distance::euclidean), {}, AcceptAll{}, scratch, top, stats);
  CHECK(stats.damaged);
}

TEST_CASE("a bad row of a cell is reported by the search that meets it, bad cells by verify") {
  const TestVectors vectors = sample(96);
  auto bytes = build_hnsw(vectors.view(), {.m = 6, .ef_construction = 40, .cells = 32}).value();
  const auto good = HnswView::open(bytes).value();
  REQUIRE(good.cells() == 32);
  const auto place = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(good.cell_rows_address(9)) - bytes.data());
  const auto row = base::load<std::uint32_t>(bytes.data() + place);
  base::store(bytes.data() + place, std::uint32_t{400});
  CHECK(good.verify().error().code == ErrorCode::corruption);
  SearchScratch scratch;
  SearchStats stats;
  TopK<> top(10);
  const PreparedQuery query(vectors.vector(7), Distance::euclidean);
  (void)search_cells(good, vectors.view(), query, 10, 400, test::MarkedBits(400, [](Row r) { return r % 50 == 0; }), scratch, top, stats);
  CHECK(stats.damaged);
  base::store(bytes.data() + place, row ^ 1U);  // one row twice, one missing
  CHECK(good.verify().error().code == ErrorCode::corruption);
  base::store(bytes.data() + place, row);
  CHECK(good.verify().has_value());
}

TEST_CASE("the block verifier sees every block that a search read") {
  const TestVectors vectors = sample(256);
  auto bytes = build_hnsw(vectors.view(), {.m = 6, .ef_construction = 40}).value();
  std::vector<std::uint32_t> checksums;
  constexpr std::size_t kBlock = format::BlockVerifier::kBlockBytes;
  for (std::size_t at = 0; at < bytes.size(); at += kBlock)
    checksums.push_back(base::crc32c(base::ByteSpan(bytes).subspan(at, std::min(kBlock, bytes.size() - at))));

  const auto damaged_after_search = [&] {
    const format::BlockVerifier verifier(bytes, checksums);
    const auto graph = HnswView::open(bytes, &verifier);
    if (!graph) return true;
    SearchScratch scratch;
    SearchStats stats;
    TopK<> top(10);
    search(*graph, vectors.view(), PreparedQuery(vectors.vector(3), Distance::euclidean), {.ef = 400}, AcceptAll{}, scratch,
           top, stats);
    return verifier.damage().has_value();
  };
  CHECK_FALSE(damaged_after_search());
  const auto graph = HnswView::open(bytes).value();
  REQUIRE(graph.bit_codec() != nullptr);
  const auto flip = [&](const void* where) {
    bytes[static_cast<std::size_t>(static_cast<const std::byte*>(where) - bytes.data())] ^= std::byte{1};
  };
  for (const void* where : {static_cast<const void*>(graph.bit_row(200)), static_cast<const void*>(graph.links(200).data()),
                            static_cast<const void*>(bytes.data() + 20)}) {
    flip(where);
    CHECK(damaged_after_search());
    flip(where);
  }
  CHECK_FALSE(damaged_after_search());
}

}  // namespace
