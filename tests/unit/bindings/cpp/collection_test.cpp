// What a collection answers.
#include <algorithm>
#include <filesystem>
#include <random>
#include <set>

#include "tests/unit/bindings/cpp/embedded_bench.hpp"

using namespace ndb;
using test::EmbeddedBench;
using test::document;

namespace {

/// 25 documents "d00" to "d24", n = 0 to 24, part of them flushed, one replaced, one removed.
void fill(Collection& docs) {
  std::vector<Document> batch;
  for (int i = 0; i < 25; ++i) {
    const std::string id = {'d', static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
    batch.push_back(document(id, static_cast<float>(i), R"({"n":)" + std::to_string(i) + "}"));
  }
  test::must(docs.insert_batch(std::span<const Document>(batch).first(15)));
  test::must(docs.flush());
  test::must(docs.insert_batch(std::span<const Document>(batch).subspan(15)));
  test::must(docs.insert(batch[3]));
  test::must(docs.remove("d07"));
}

}  // namespace

TEST_CASE("insert, get and remove tell what they did") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  const auto first = test::must(docs.insert(document("a", 1, R"({"k": [1, 2.0, null]})")));
  CHECK(first.seq == Seq{1});
  CHECK(first.inserted == 1);
  CHECK(first.replaced == 0);
  CHECK(first.durability == Durability::buffered);
  const auto got = test::must(docs.get("a"));
  CHECK(got.vector == std::vector<float>{1, 1, 2});
  CHECK(got.payload == R"({"k":[1,2.0,null]})");
  const auto second = test::must(docs.insert(document("a", 2)));
  CHECK(second.replaced == 1);
  CHECK(second.inserted == 0);
  CHECK(docs.get("a")->payload.empty());
  const auto removed = test::must(docs.remove("a"));
  CHECK(removed.deleted == 1);
  CHECK(removed.seq == Seq{3});
  CHECK(docs.get("a").error().code == ErrorCode::not_found);
  CHECK(docs.count().value() == 0);
}

TEST_CASE("an id that is given twice in a batch ends as the later one") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  const std::vector<Document> batch = {document("a", 1), document("b", 2), document("a", 3)};
  const auto result = test::must(docs.insert_batch(batch));
  CHECK(result.inserted == 2);
  CHECK(result.replaced == 1);
  CHECK(result.seq == Seq{3});
  CHECK(docs.get("a")->vector[0] == 3);
  CHECK(docs.count().value() == 2);
}

TEST_CASE("get_many keeps the order asked for and names what is missing") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  fill(docs);
  const std::vector<std::string> ids = {"d20", "d07", "d03", "nobody", "d20"};
  const auto result = test::must(docs.get_many(ids));
  REQUIRE(result.documents.size() == 3);
  CHECK(result.documents[0].id == "d20");
  CHECK(result.documents[1].id == "d03");
  CHECK(result.documents[2].id == "d20");
  CHECK(result.missing == std::vector<std::string>{"d07", "nobody"});
  CHECK(docs.get_many({})->documents.empty());
}

TEST_CASE("scrolling visits every document once, in order of ids, whatever the page") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  fill(docs);
  for (const std::uint32_t limit : {1U, 5U, 8U, 12U, 23U, 24U, 25U, 10'000U}) {
    CAPTURE(limit);
    std::vector<std::string> seen;
    std::optional<std::string> after;
    std::size_t pages = 0;
    do {
      const auto page = test::must(docs.scroll({}, limit, after));
      REQUIRE(page.documents.size() <= limit);
      if (page.next) REQUIRE(page.documents.size() == limit);
      for (const auto& one : page.documents) seen.push_back(one.id);
      after = page.next;
      REQUIRE(++pages <= 24);
    } while (after);
    CHECK(seen.size() == 24);
    CHECK(std::ranges::is_sorted(seen));
    CHECK(std::set(seen.begin(), seen.end()).size() == 24);
    CHECK(pages == (24 + limit - 1) / limit);
  }
  const auto filtered = test::must(docs.scroll(Filter::gte("n", 20), 3, "d21"));
  REQUIRE(filtered.documents.size() == 3);
  CHECK(filtered.documents[0].id == "d22");
  CHECK_FALSE(filtered.next);
  CHECK(docs.scroll({}, 10, "z")->documents.empty());
  CHECK(docs.scroll({}, 10, "")->documents.size() == 10);
}

TEST_CASE("remove_where and remove_many remove exactly what is meant") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  fill(docs);
  const auto few = test::must(docs.remove_where(Filter::lt("n", 5)));
  CHECK(few.deleted == 5);
  CHECK(docs.count().value() == 19);
  const std::vector<std::string> ids = {"d10", "nobody", "d07", "d10", "d24"};
  CHECK(test::must(docs.remove_many(ids)).deleted == 2);
  const auto seq = docs.stats()->seq;
  const auto none = test::must(docs.remove_where(Filter::eq("n", 999)));
  CHECK(none.deleted == 0);
  CHECK(docs.stats()->seq == seq);
  CHECK(test::must(docs.remove_where({})).deleted == 17);
  CHECK(docs.count().value() == 0);
  CHECK(docs.search(Search({1, 2, 3}))->empty());
}

TEST_CASE("search answers best first, ties by id, with what was asked for") {
  EmbeddedBench bench(Distance::euclidean);
  auto docs = bench.docs();
  for (const char* id : {"c", "a", "b"}) test::must(docs.insert(document(id, 1, R"({"id":1})")));
  test::must(docs.flush());
  test::must(docs.insert(document("d", 5)));
  test::must(docs.insert(document("0", 1)));
  const auto result = test::must(docs.search(Search({1, 1, 2}).top_k(10)));
  REQUIRE(result.size() == 5);
  std::string order;
  for (const auto& match : result) order += match.id;
  CHECK(order == "0abcd");
  CHECK(result[0].score == 0.0F);
  CHECK(result[4].score == 4.0F);
  CHECK(result[1].payload == R"({"id":1})");
  CHECK(result[1].vector.empty());
  CHECK(result.seq == Seq{5});
  CHECK_FALSE(result.plan);
  const auto bare = test::must(docs.search(Search({1, 1, 2}).top_k(2).with_payload(false).with_vector(true)));
  REQUIRE(bare.size() == 2);
  CHECK(bare[1].payload.empty());
  CHECK(bare[1].vector == std::vector<float>{1, 1, 2});
}

TEST_CASE("what has no graph yet is searched by codes, unless exactness is asked for: before it is flushed, and after") {
  const test::TempFolder folder;
  auto db = test::must(Database::open(folder.path(), {.index_min_rows = 1'000'000}));
  auto docs = test::must(db.create_collection("wide", {.dim = 128, .distance = Distance::euclidean}));
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const auto vector = [&] {
    std::vector<float> values(128);
    for (auto& x : values) x = normal(random);
    return values;
  };
  std::vector<Document> batch;
  for (int i = 0; i < 900; ++i) batch.push_back({.id = "d" + std::to_string(i), .vector = vector(), .payload = {}});
  /// Searches; how many vectors the last one compared.
  const auto search = [&](std::uint64_t rows) {
    std::size_t found = 0;
    std::uint64_t compared = 0;
    for (int q = 0; q < 60; ++q) {
      const auto query = vector();
      const auto exact = test::must(docs.search(Search(query).approximate(false).explain(true)));
      const auto coded = test::must(docs.search(Search(query).explain(true)));
      CHECK(exact.plan->distances == rows);
      CHECK(exact.plan->estimated_distances == 0);
      CHECK(exact.plan->plan == "exact");
      CHECK(exact.plan->bytes_touched == rows * 128 * sizeof(float));
      CHECK(coded.plan->plan == (rows < 1'000 ? "exact" : "codes"));
      compared = coded.plan->distances;
      for (const auto& match : coded.matches)
        found += std::ranges::count(exact.matches, match.id, &Match::id) > 0 ? 1 : 0;
    }
    CHECK(found >= 588);
    return compared;
  };
  test::must(docs.insert_batch(batch));
  CHECK(search(900) == 900);  // too few to learn from, and no codes
  for (int i = 900; i < 3'000; ++i) batch.push_back({.id = "d" + std::to_string(i), .vector = vector(), .payload = {}});
  test::must(docs.insert_batch(std::span<const Document>(batch).subspan(900)));
  CHECK(search(3'000) < 900);
  test::must(docs.remove("d5"));
  CHECK(test::must(docs.search(Search(batch[5].vector))).matches.front().id != "d5");
  CHECK(test::must(docs.search(Search(batch[6].vector))).matches.front().id == "d6");

  test::must(docs.flush());  // the segment has its codes when searches first see it
  CHECK(test::must(docs.stats()).segments.size() == 1);
  CHECK(test::must(docs.search(Search(batch[6].vector).explain(true))).plan->distances < 900);
  CHECK(search(2'999) < 900);
  CHECK(test::must(docs.search(Search(batch[5].vector))).matches.front().id != "d5");
}

TEST_CASE("a segment of which little is left is searched by what is left, however much was deleted since") {
  const test::TempFolder folder;
  auto db = test::must(Database::open(folder.path(), {.index_min_rows = 1'000}));
  auto docs = test::must(db.create_collection("wide", {.dim = 32, .distance = Distance::euclidean}));
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<Document> batch(3'000);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i] = {.id = "d" + std::to_string(i), .vector = std::vector<float>(32), .payload = {}};
    for (auto& x : batch[i].vector) x = normal(random);
  }
  test::must(docs.insert_batch(batch));
  test::must(docs.compact());
  test::must(docs.rebuild_index());
  CHECK(test::must(docs.search(Search(batch[7].vector).explain(true))).plan->hops > 0);
  std::vector<std::string> ids;
  for (int i = 100; i < 3'000; ++i) ids.push_back("d" + std::to_string(i));
  test::must(docs.remove_many(ids));
  const auto result = test::must(docs.search(Search(batch[7].vector).top_k(200).explain(true)));
  CHECK(result.matches.front().id == "d7");
  CHECK(result.size() == 100);
  CHECK(result.plan->hops == 0);
  CHECK(result.plan->distances == 100);
  test::must(docs.remove_many(std::span<const std::string>(std::vector<std::string>(100, "d7"))));
  CHECK(test::must(docs.search(Search(batch[7].vector).top_k(200))).size() == 99);
}

TEST_CASE("what a merge replaced is deleted even if nothing is written any more") {
  const test::TempFolder folder;
  auto db = test::must(Database::open(folder.path(), {.gc_grace = std::chrono::milliseconds(1), .shared_memory = false}));
  auto docs = test::must(db.create_collection("docs", {.dim = 3}));
  for (int i = 0; i < 3; ++i) {
    test::must(docs.insert(document("d" + std::to_string(i), static_cast<float>(i))));
    test::must(docs.flush());
  }
  test::must(docs.compact());
  const auto left = [&] {
    using std::filesystem::directory_iterator;
    return std::distance(directory_iterator(folder.path() / "docs" / "segments"), directory_iterator());
  };
  REQUIRE(test::must(docs.stats()).segments.size() == 1);
  for (int i = 0; i < 3'000 && left() > 1; ++i) static_cast<void>(docs.wait_for(Seq{1'000}, std::chrono::milliseconds(20)));
  REQUIRE(left() == 1);
  const auto version = test::must(docs.stats()).manifest_version;
  CHECK(version.value < 20);  // and then there is an end of publishing, too
  CHECK(test::must(docs.count()) == 3);
}

TEST_CASE("explain tells the plan and what it cost") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  fill(docs);
  const auto exact = test::must(docs.search(Search({1, 2, 3}).approximate(false).explain(true)));
  REQUIRE(exact.plan);
  CHECK(test::contains(exact.plan->plan, "exact"));
  CHECK(exact.plan->distances >= 24);
  test::must(docs.rebuild_index());
  CHECK(docs.has_index());
  const auto graph = test::must(docs.search(Search({1, 2, 3}).explain(true)));
  REQUIRE(graph.plan);
  CHECK(test::contains(graph.plan->plan, "graph"));
  CHECK(graph.plan->hops > 0);
  test::must(docs.delete_index());
  CHECK_FALSE(docs.has_index());
  CHECK_FALSE(docs.index_stats()->enabled);
  CHECK_FALSE(test::contains(docs.search(Search({1, 2, 3}).explain(true))->plan->plan, "graph"));
}

TEST_CASE("min_seq and wait_for wait no longer than they may") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  const auto seq = test::must(docs.insert(document("a", 1))).seq;
  CHECK(docs.search(Search({1, 2, 3}).min_seq(seq))->size() == 1);
  const auto late = docs.search(Search({1, 2, 3}).min_seq(seq.next()).timeout(std::chrono::milliseconds(20)));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::replica_lagging);
  CHECK(docs.wait_for(seq, std::chrono::milliseconds(0)));
  CHECK(docs.wait_for(seq.next(), std::chrono::milliseconds(20)).error().code == ErrorCode::timeout);
}

TEST_CASE("what a follower waits for arrives") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  const auto reader = test::must(Database::open(bench.path(), {.read_only = true}));
  const auto seen = test::must(reader.get_collection("docs"));
  for (int i = 0; i < 20; ++i) {
    const auto id = std::to_string(i);
    const auto seq = test::must(docs.insert(document(id, 1))).seq;
    if (i % 7 == 3) test::must(docs.flush());
    const auto result = test::must(seen.search(Search({1, 2, 3}).top_k(100).min_seq(seq).timeout(std::chrono::seconds(60))));
    CHECK(result.seq >= seq);
    CHECK(result.size() == static_cast<std::size_t>(i) + 1);
  }
}

TEST_CASE("a batch of searches is answered in order, at one state") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  fill(docs);
  const std::vector<Search> searches = {Search({1, 2, 3}).top_k(1), Search({3, 2, 1}).top_k(5), Search({1, 2, 3}).filter(Filter::eq("n", 9))};
  const auto results = test::must(docs.search_batch(searches));
  REQUIRE(results.size() == 3);
  CHECK(results[0].size() == 1);
  CHECK(results[1].size() == 5);
  REQUIRE(results[2].size() == 1);
  CHECK(results[2][0].id == "d09");
  CHECK(results[0].seq == results[2].seq);
  CHECK(results[0].manifest_version == results[1].manifest_version);
}

TEST_CASE("stats and manifest agree with what was done") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  fill(docs);
  const auto before = test::must(docs.stats());
  CHECK(before.name == "docs");
  CHECK(before.documents == 24);
  CHECK(before.deleted == 2);
  CHECK(before.writable);
  CHECK(before.segments.size() == 1);
  CHECK(before.flushed_seq == Seq{15});
  CHECK(before.seq == Seq{27});
  CHECK(before.memtable_documents == 11);
  const auto version = test::must(docs.compact());
  const auto after = test::must(docs.stats());
  CHECK(after.manifest_version >= version);
  CHECK(after.documents == 24);
  CHECK(after.deleted == 0);
  CHECK(after.segments.size() == 1);
  CHECK(after.memtable_documents == 0);
  CHECK(test::contains(test::must(docs.manifest()), R"("flushed_seq":27)"));
}

TEST_CASE("a damaged segment is named, and nothing of it is returned") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  fill(docs);
  test::must(docs.flush());
  test::must(bench.db.close());
  std::filesystem::path vectors;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(bench.path() / "docs" / "segments"))
    if (entry.path().filename() == "vectors") vectors = entry.path();
  test::flip_bit(vectors, 4096 + 30);
  const auto damaged = test::must(Database::open(bench.path(), {.read_only = true}));
  const auto seen = test::must(damaged.get_collection("docs"));
  const auto result = seen.search(Search({1, 2, 3}));
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::corruption);
  CHECK(test::contains(result.error().message, vectors.parent_path().filename().string()));
}

TEST_CASE("the log's size on disk is told by whoever reads, not only by the writer") {
  EmbeddedBench bench;
  const auto docs = bench.docs();
  const auto empty = docs.stats()->wal_bytes;
  for (int i = 0; i < 100; ++i) test::must(bench.docs().insert(document("d" + std::to_string(i), 1)));
  const auto reader = test::must(Database::open(bench.path(), {.read_only = true}));
  const auto beside = test::must(reader.get_collection("docs"));
  CHECK(docs.stats()->wal_bytes > empty + 100 * 3 * sizeof(float));
  CHECK(beside.stats()->wal_bytes == docs.stats()->wal_bytes);
  test::must(bench.docs().flush());
  CHECK(docs.stats()->wal_bytes < empty + 100 * 3 * sizeof(float));
}
