#include "shared/memtable/memtable.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "shared/memtable/arena.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/seeds.hpp"

using namespace ndb;
using memtable::Memtable;

namespace {

const CollectionConfig kConfig{.dim = 3, .distance = Distance::cosine};
constexpr format::WalName kWal{Epoch{1}, 0};

void put(Memtable& table, std::uint64_t seq, const std::string& id, float x, std::string_view payload = {}) {
  const std::vector<float> vector = {x, 1, 2};
  table.mark_deleted(Seq{seq}, id);
  table.put(Seq{seq}, id, std::as_bytes(std::span(vector)), base::as_bytes(payload));
  table.set_applied(Seq{seq});
}

void remove(Memtable& table, std::uint64_t seq, const std::string& id) {
  if (table.mark_deleted(Seq{seq}, id)) table.note_removal(Seq{seq}, id);
  table.set_applied(Seq{seq});
}

std::optional<float> value(const Memtable& table, const std::string& id, std::uint64_t at) {
  const auto lookup = table.find(id, Seq{at});
  if (!lookup.row) return std::nullopt;
  return table.vector(*lookup.row)[0];
}

}  // namespace

TEST_CASE("a memtable shows each version of a document for exactly its time") {
  Memtable table(kConfig, kWal, Seq{10});
  put(table, 11, "a", 1, "one");
  put(table, 12, "b", 2);
  put(table, 13, "a", 3);
  remove(table, 14, "a");
  put(table, 15, "a", 5, "five");
  const std::map<std::uint64_t, std::optional<float>> a = {{10, {}}, {11, 1}, {12, 1}, {13, 3}, {14, {}}, {15, 5}, {99, 5}};
  for (const auto& [at, expected] : a) {
    CAPTURE(at);
    CHECK(value(table, "a", at) == expected);
    CHECK(table.find("a", Seq{at}).known == (at >= 11));
    CHECK_FALSE(table.find("nobody", Seq{at}).known);
    int visible = 0;
    for (Row row = 0; row < table.row_count(); ++row) visible += table.row_id(row) == "a" && table.visible(row, Seq{at}) ? 1 : 0;
    CHECK(visible == (expected ? 1 : 0));
  }
  CHECK(table.row_count() == 4);
  CHECK(table.deleted_count() == 2);
  CHECK(table.applied_seq() == Seq{15});
  CHECK(table.after() == Seq{10});
  CHECK(base::as_text(table.payload(0)) == "one");
  CHECK(table.payload(1).empty());
  CHECK(base::as_text(table.payload(3)) == "five");
}

TEST_CASE("marking tells whether there was a live row, and the first mark stays") {
  Memtable table(kConfig, kWal, Seq{0});
  CHECK_FALSE(table.mark_deleted(Seq{1}, "a"));
  put(table, 2, "a", 1);
  CHECK(table.mark_deleted(Seq{3}, "a"));
  CHECK_FALSE(table.mark_deleted(Seq{4}, "a"));
  CHECK(value(table, "a", 2) == 1.0F);
  CHECK_FALSE(value(table, "a", 3));
}

TEST_CASE("puts and removals are told by their sequence numbers") {
  Memtable table(kConfig, kWal, Seq{0});
  put(table, 1, "a", 1);
  put(table, 2, "b", 1);
  remove(table, 3, "a");
  put(table, 4, "c", 1);
  std::string puts, removals;
  table.for_each_put(Seq{1}, Seq{3}, [&](std::string_view id, Seq seq) { puts += std::string(id) + std::to_string(seq.value); });
  CHECK(puts == "b2");
  table.for_each_removal(Seq{2}, [&](std::string_view id, Seq seq) { removals += std::string(id) + std::to_string(seq.value); });
  CHECK(removals == "a3");
  table.for_each_removal(Seq{3}, [&](std::string_view, Seq) { FAIL("nothing was removed after 3"); });
}

TEST_CASE("rows stay where they are through many chunks, and matrices show them") {
  Memtable table(kConfig, kWal, Seq{0});
  constexpr Row kRows = Memtable::kChunkRows * 2 + 77;
  put(table, 1, "first", 0.5F);
  const float* first = table.vector(0).data();
  for (Row row = 1; row < kRows; ++row) put(table, row + 1, "id" + std::to_string(row), static_cast<float>(row));
  CHECK(table.vector(0).data() == first);
  Row seen = 0;
  for (Row chunk = 0; chunk * Memtable::kChunkRows < kRows; ++chunk) {
    const auto view = table.chunk_vectors(chunk, kRows);
    for (Row row = 0; row < view.rows; ++row, ++seen)
      REQUIRE(view.data + std::size_t{row} * view.stride_bytes == reinterpret_cast<const std::byte*>(table.vector(seen).data()));
    REQUIRE(view.inverse_norms != nullptr);
  }
  CHECK(seen == kRows);
  CHECK(table.bytes() > kRows * 12);
}

TEST_CASE("a memtable counts what its rows fill, not what it took ahead of them") {
  Memtable table({.dim = 16'384}, kWal, Seq{0});
  const std::vector<float> vector(16'384, 0.5F);
  table.put(Seq{1}, "a", std::as_bytes(std::span(vector)), {});
  CHECK(table.bytes() > 64'000'000);
  CHECK(table.used_bytes() >= 16'384 * 4);
  CHECK(table.used_bytes() < 16'384 * 4 + 1'000);
}

TEST_CASE("an arena's copies stay, aligned, whatever their size") {
  memtable::Arena arena;
  std::vector<std::pair<base::ByteSpan, std::string>> copies;
  std::mt19937_64 random(1);
  for (int i = 0; i < 3'000; ++i) {
    const std::string text(i % 500 == 0 ? 300'000 : random() % 300, static_cast<char>('a' + i % 26));
    copies.emplace_back(arena.copy(base::as_bytes(text)), text);
    REQUIRE(reinterpret_cast<std::uintptr_t>(copies.back().first.data()) % 8 == 0);
  }
  for (const auto& [copy, text] : copies) REQUIRE(base::as_text(copy) == text);
  CHECK(arena.bytes() > 6 * 300'000);
}

TEST_CASE("random operations agree with a map at every sequence number") {
  for (const auto seed : test::seeds(20)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    Memtable table(kConfig, kWal, Seq{0});
    std::vector<std::map<std::string, float>> history = {{}};
    for (std::uint64_t seq = 1; seq <= 400; ++seq) {
      auto now = history.back();
      const std::string id = "id" + std::to_string(random() % 25);
      if (random() % 3 == 0) now.erase(id), remove(table, seq, id);
      else now[id] = static_cast<float>(seq), put(table, seq, id, static_cast<float>(seq));
      history.push_back(std::move(now));
    }
    for (std::uint64_t at = 0; at < history.size(); ++at) {
      std::map<std::string, float> seen;
      for (Row row = 0; row < table.row_count(); ++row)
        if (table.visible(row, Seq{at})) REQUIRE(seen.emplace(table.row_id(row), table.vector(row)[0]).second);
      REQUIRE(seen == history[at]);
      for (int i = 0; i < 25; ++i) {
        const std::string id = "id" + std::to_string(i);
        const auto known = history[at].find(id);
        REQUIRE(value(table, id, at) == (known == history[at].end() ? std::nullopt : std::optional(known->second)));
      }
    }
  }
}

TEST_CASE("readers beside the writer find everything that was applied, through growing tables and chunks") {
  Memtable table(kConfig, kWal, Seq{0});
  constexpr std::uint64_t kOperations = 30'000;  // id k is put by operation k + 1
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> wrong{0}, checked{0};
  const auto read = [&](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!done || checked == 0) {
      const auto at = table.applied_seq().value;
      if (at == 0) continue;
      const auto k = random() % at;
      const auto found = value(table, std::to_string(k), at);
      if (found != static_cast<float>(k)) ++wrong;
      if (value(table, std::to_string(at), at)) ++wrong;  // of the future
      if (table.row_count() < at) ++wrong;
      ++checked;
    }
  };
  std::jthread first([&] { read(1); }), second([&] { read(2); });
  for (std::uint64_t k = 0; k < kOperations; ++k) put(table, k + 1, std::to_string(k), static_cast<float>(k));
  done = true;
  first.join();
  second.join();
  CHECK(wrong == 0);
  CHECK(checked > 0);
}

TEST_CASE("readers beside the writer see a document that is replaced all the time exactly once") {
  Memtable table(kConfig, kWal, Seq{0});
  put(table, 1, "a", 1);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> wrong{0};
  std::jthread reader([&] {
    while (!done) {
      const auto at = table.applied_seq();
      if (value(table, "a", at.value) != static_cast<float>(at.value)) ++wrong;
      int visible = 0;
      for (Row row = table.row_count(), last = row > 20 ? row - 20 : 0; row > last; --row) visible += table.visible(row - 1, at) ? 1 : 0;
      if (visible > 1) ++wrong;
    }
  });
  for (std::uint64_t seq = 2; seq < 20'000; ++seq) put(table, seq, "a", static_cast<float>(seq));
  done = true;
  reader.join();
  CHECK(wrong == 0);
}
