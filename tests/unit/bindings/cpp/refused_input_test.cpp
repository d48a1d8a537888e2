// Every bad input: the error's code and field, and that nothing changed.
#include <cmath>
#include <functional>
#include <limits>

#include "tests/unit/bindings/cpp/embedded_bench.hpp"

using namespace ndb;
using test::EmbeddedBench;
using test::document;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct BadDocument {
  std::string what;
  Document document;
  std::string field;
};

std::vector<BadDocument> bad_documents() {
  const auto with_payload = [](std::string payload) { return document("x", 1, std::move(payload)); };
  std::string deep = "1";
  for (int i = 0; i < 100; ++i) deep = R"({"a":)" + deep + "}";
  std::string lists = "1";
  for (int i = 0; i < 100'000; ++i) lists = "[" + lists;
  return {
      {"an empty vector", {"x", {}, ""}, "vector"},
      {"a vector that is too short", {"x", {1, 2}, ""}, "vector"},
      {"a vector that is too long", {"x", {1, 2, 3, 4}, ""}, "vector"},
      {"NaN", {"x", {1, kNan, 3}, ""}, "vector[1]"},
      {"infinity", {"x", {kInfinity, 2, 3}, ""}, "vector[0]"},
      {"minus infinity", {"x", {1, 2, -kInfinity}, ""}, "vector[2]"},
      {"an overflow such as 1e39", {"x", {1, 2, static_cast<float>(1e39)}, ""}, "vector[2]"},
      {"a zero vector under cosine", {"x", {0, -0.0F, 0}, ""}, "vector"},
      {"an empty id", {"", {1, 2, 3}, ""}, "id"},
      {"an id of 513 bytes", {std::string(513, 'x'), {1, 2, 3}, ""}, "id"},
      {"a lone continuation byte", {"a\x80", {1, 2, 3}, ""}, "id"},
      {"an overlong encoding", {"\xC0\xAF", {1, 2, 3}, ""}, "id"},
      {"a surrogate", {"\xED\xA0\x80", {1, 2, 3}, ""}, "id"},
      {"a cut-off character", {"\xE6\x97", {1, 2, 3}, ""}, "id"},
      {"a NUL in an id", {std::string("a\0b", 3), {1, 2, 3}, ""}, "id"},
      {"a payload that is a list", with_payload("[1]"), "payload"},
      {"a payload that is a number", with_payload("7"), "payload"},
      {"a payload that is a string", with_payload(R"("x")"), "payload"},
      {"a payload that is null", with_payload("null"), "payload"},
      {"a payload that is no JSON", with_payload("{a:1}"), "payload"},
      {"a payload that is cut off", with_payload(R"({"a":)"), "payload"},
      {"a payload with more behind it", with_payload(R"({"a":1} {})"), "payload"},
      {"a payload with bad UTF-8", with_payload("{\"a\":\"\xFF\"}"), "payload"},
      {"a payload that is too long", with_payload(R"({"a":")" + std::string(Limits::kMaxPayloadBytes, 'x') + R"("})"), "payload"},
      {"a payload that nests too deep", with_payload(deep), "payload"},
      {"a payload that is a bomb of lists", with_payload(R"({"a":)" + lists), "payload"},
      {"white space instead of a payload", with_payload(" "), "payload"},
  };
}

template <class T>
void require_invalid(const Result<T>& result, const std::string& field) {
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::invalid_argument);
  CHECK(result.error().field.substr(0, field.size()) == field);
  CHECK_FALSE(result.error().message.empty());
}

/// Nothing that could be seen changes while `refused` runs.
void require_unchanged(EmbeddedBench& bench, const std::function<void()>& refused) {
  auto docs = bench.docs();
  const auto before = *docs.stats();
  const auto all = docs.scroll({}, 100)->documents;
  refused();
  const auto after = *docs.stats();
  CHECK(after.seq == before.seq);
  CHECK(after.documents == before.documents);
  CHECK(after.manifest_version == before.manifest_version);
  CHECK(docs.scroll({}, 100)->documents == all);
}

}  // namespace

TEST_CASE("a bad document is refused under its field, alone and in a batch, and nothing changes") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  test::must(docs.insert(document("old", 1)));
  for (const auto& bad : bad_documents()) {
    INFO(bad.what);
    require_unchanged(bench, [&] {
      require_invalid(docs.insert(bad.document), bad.field);
      const std::vector<Document> batch = {document("a", 1), document("old", 9), bad.document, document("b", 1)};
      require_invalid(docs.insert_batch(batch), "documents[2]." + bad.field);
    });
  }
}

TEST_CASE("a zero vector is a vector under the other distances") {
  for (const auto distance : {Distance::dot, Distance::euclidean}) {
    EmbeddedBench bench(distance);
    CHECK(bench.docs().insert({"zero", std::vector<float>{0, 0, 0}, {}}));
    CHECK(bench.docs().search(Search({0, 0, 0}))->size() == 1);
  }
}

TEST_CASE("the longest ids and every UTF-8 character are accepted") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  for (const std::string& id : {std::string(512, 'x'), std::string("\xE6\x97\xA5\xE6\x9C\xAC"), std::string("\xF0\x9F\x98\x80"), std::string("../x"),
                                std::string(" "), std::string("a/b\n")}) {
    CAPTURE(id);
    REQUIRE(docs.insert(document(id, 1)));
    CHECK(docs.get(id)->id == id);
  }
}

TEST_CASE("a batch beyond its limit is refused before anything is written") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  std::vector<DocumentView> many(Limits::kMaxBatchDocuments + 1);
  const std::vector<float> vector = {1, 2, 3};
  for (auto& one : many) one = {"x", vector, {}};
  require_unchanged(bench, [&] { require_invalid(docs.insert_batch(many), "documents"); });
  const std::vector<std::string> ids(Limits::kMaxBatchDocuments + 1, "x");
  require_invalid(docs.remove_many(ids), "ids");
  require_invalid(docs.get_many(ids), "ids");
}

TEST_CASE("an empty batch changes nothing and is no error") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  test::must(docs.insert(document("a", 1)));
  require_unchanged(bench, [&] {
    const auto result = docs.insert_batch(std::span<const Document>{});
    REQUIRE(result);
    CHECK(result->seq == Seq{1});
    CHECK(docs.remove_many({})->deleted == 0);
  });
}

TEST_CASE("a bad id is refused wherever an id is given") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  for (const std::string& bad : {std::string(), std::string(513, 'x'), std::string("\xFF")}) {
    require_invalid(docs.get(bad), "id");
    require_invalid(docs.remove(bad), "id");
    const std::vector<std::string> ids = {"a", bad};
    require_invalid(docs.get_many(ids), "ids[1]");
    require_invalid(docs.remove_many(ids), "ids[1]");
  }
  CHECK(docs.get("nobody").error().code == ErrorCode::not_found);
  CHECK(docs.remove("nobody").error().code == ErrorCode::not_found);
}

TEST_CASE("a bad search is refused under its field, alone and in a batch") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  test::must(docs.insert(document("a", 1)));
  const std::vector<float> query = {1, 2, 3};
  const std::vector<std::pair<Search, std::string>> bad = {
      {Search(query).top_k(0), "top_k"},
      {Search(query).top_k(Limits::kMaxTopK + 1), "top_k"},
      {Search(query).ef(0), "ef"},
      {Search(query).recall(0.0), "recall"},
      {Search(query).recall(1.01), "recall"},
      {Search(query).recall(std::nan("")), "recall"},
      {Search(query).recall(0.9).ef(10), "recall"},
      {Search(query).ef(Limits::kMaxEf + 1), "ef"},
      {Search(std::vector<float>{1, 2}), "vector"},
      {Search(), "vector"},
      {Search(std::vector<float>{1, kNan, 2}), "vector[1]"},
      {Search(std::vector<float>{0, 0, 0}), "vector"},
      {Search(query).filter(Filter::or_({})), "filter"},
      {Search(query).filter(Filter::eq("", 1)), "filter"},
  };
  for (std::size_t i = 0; i < bad.size(); ++i) {
    CAPTURE(i, bad[i].second);
    require_invalid(docs.search(bad[i].first), bad[i].second);
    const std::vector<Search> batch = {Search(query), bad[i].first};
    require_invalid(docs.search_batch(batch), "searches[1]." + bad[i].second);
  }
  CHECK(docs.search_batch({})->empty());
}

TEST_CASE("a filter that is too deep is refused, everywhere") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  Filter deep = Filter::eq("a", 1);
  for (int i = 0; i < 1'000; ++i) deep = Filter::not_(deep);
  require_unchanged(bench, [&] {
    CHECK(docs.count(deep).error().code == ErrorCode::invalid_argument);
    CHECK(docs.scroll(deep, 10).error().code == ErrorCode::invalid_argument);
    CHECK(docs.remove_where(deep).error().code == ErrorCode::invalid_argument);
    CHECK(docs.search(Search({1, 2, 3}).filter(deep)).error().code == ErrorCode::invalid_argument);
  });
}

TEST_CASE("scroll refuses a page of none and of too many") {
  EmbeddedBench bench;
  require_invalid(bench.docs().scroll({}, 0), "limit");
  require_invalid(bench.docs().scroll({}, 10'001), "limit");
}

TEST_CASE("names that are no collection's never touch the disk") {
  EmbeddedBench bench;
  const auto outside = bench.path().parent_path() / "x";
  for (const std::string& name : {std::string(), std::string("."), std::string(".."), std::string("../x"), std::string("a/b"), std::string("/x"),
                                  std::string("a b"), std::string("\xC3\xA4"), std::string("a\0", 2), std::string(65, 'x'), std::string(".docs")}) {
    CAPTURE(name);
    require_invalid(bench.db.create_collection(name, {.dim = 3}), "");
    require_invalid(bench.db.get_collection(name), "");
    require_invalid(bench.db.drop_collection(name), "");
    CHECK_FALSE(bench.db.has_collection(name));
  }
  CHECK_FALSE(std::filesystem::exists(outside));
  CHECK(bench.db.list_collections().value() == std::vector<std::string>{"docs"});
  CHECK(bench.db.create_collection(std::string(64, 'x'), {.dim = 1}));
}

TEST_CASE("a configuration out of range is refused under its field, and creates nothing") {
  EmbeddedBench bench;
  const std::vector<std::pair<CollectionConfig, std::string>> bad = {
      {{.dim = 0}, "dim"},
      {{.dim = Limits::kMaxDim + 1}, "dim"},
      {{.dim = 3, .hnsw = {.m = 1}}, "hnsw.m"},
      {{.dim = 3, .hnsw = {.m = 129}}, "hnsw.m"},
      {{.dim = 3, .hnsw = {.m = 16, .ef_construction = 15}}, "hnsw.ef_construct"},
      {{.dim = 3, .hnsw = {.ef_construction = 4'097}}, "hnsw.ef_construct"},
      {{.dim = 3, .hnsw = {.ef_search = 0}}, "hnsw.ef_search"},
      {{.dim = 3, .hnsw = {.ef_search = 16'385}}, "hnsw.ef_search"},
      {{.dim = 3, .distance = static_cast<Distance>(9)}, "distance"},
      {{.dim = 3, .durability = static_cast<Durability>(9)}, "durability"},
  };
  for (const auto& [config, field] : bad) {
    CAPTURE(field);
    require_invalid(bench.db.create_collection("new", config), field);
    CHECK_FALSE(bench.db.has_collection("new"));
  }
}
