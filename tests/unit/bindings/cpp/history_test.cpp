// Older versions through the embedded interface; that they hold the right documents is tests/model/history_model_test.cpp's.
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "tests/support/child_process.hpp"
#include "tests/unit/bindings/cpp/embedded_bench.hpp"

using namespace ndb;
using test::document;
using test::EmbeddedBench;
using test::must;

namespace {

constexpr HistoryConfig kHour{.retention = std::chrono::hours(1)};
constexpr uid_t kNobody = 65'534;

/// a = 1, flushed; then a = 2 and b, flushed. The version after the first flush.
ManifestVersion two_states(Collection docs) {
  must(docs.set_history(kHour));
  must(docs.insert(document("a", 1, R"({"n":1})")));
  const auto version = must(docs.flush());
  must(docs.insert(document("a", 2, R"({"n":2})")));
  must(docs.insert(document("b", 3)));
  must(docs.flush());
  return version;
}

}  // namespace

TEST_CASE("an old version answers every question from its state, and refuses to be changed") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  CHECK_FALSE(docs.as_of());
  const auto version = two_states(docs);
  auto past = must(docs.at_version(version));
  REQUIRE(past.as_of());
  CHECK(past.as_of()->version == version);
  CHECK(past.as_of()->seq == Seq{1});
  CHECK(must(past.get("a")).vector[0] == 1.0F);
  CHECK(past.get("b").error().code == ErrorCode::not_found);
  CHECK(must(past.count()) == 1);
  CHECK(must(past.count(Filter::eq("n", 2))) == 0);
  const std::vector<std::string> ids = {"a", "b"};
  CHECK(must(past.get_many(ids)).missing == std::vector<std::string>{"b"});
  CHECK(must(past.scroll({}, 10)).documents.size() == 1);
  const auto found = must(past.search(Search(std::vector<float>{2, 1, 2}).top_k(5)));
  REQUIRE(found.size() == 1);
  CHECK(found.manifest_version == version);
  CHECK(found.seq == Seq{1});
  CHECK(must(past.stats()).manifest_version == version);
  CHECK(must(past.stats()).documents == 1);
  CHECK(test::contains(must(past.manifest()), "\"version\":" + std::to_string(version.value)));
  must(past.wait_for(Seq{1}));
  CHECK(past.search(Search(std::vector<float>{2, 1, 2}).min_seq(Seq{2})).error().field == "min_seq");
  const std::vector<Document> batch = {document("c", 1)};
  for (const auto& refused : {past.insert(document("c", 1)), past.insert_batch(batch), past.remove("a"), past.remove_many(ids), past.remove_where({})})
    CHECK(refused.error().code == ErrorCode::read_only);
  for (const auto& refused : {past.flush(), past.compact(), past.rebuild_index(), past.delete_index(), past.set_history({})})
    CHECK(refused.error().code == ErrorCode::read_only);
  CHECK(past.acquire_write_lock().error().code == ErrorCode::read_only);
  CHECK(must(docs.count()) == 2);
  CHECK(must(past.at_version(ManifestVersion{1})).count() == 0);
}

TEST_CASE("stats tell how much of the past is kept, and cost nothing while none is") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  CHECK(must(docs.stats()).history.versions == 0);
  two_states(docs);
  must(docs.compact());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  auto stats = must(docs.stats());
  while (stats.history.bytes == 0 && std::chrono::steady_clock::now() < deadline) {  // lists are believed for a second
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stats = must(docs.stats());
  }
  CHECK(stats.config.history == kHour);
  CHECK(stats.history.versions >= 4);
  CHECK(stats.history.oldest.version == ManifestVersion{1});
  CHECK(stats.history.bytes > 0);
  CHECK(must(docs.versions()).size() == stats.manifest_version.value);
}

TEST_CASE("how long versions stay survives reopening, whoever writes next") {
  test::TempFolder folder;
  {
    auto db = must(Database::open(folder.path()));
    auto docs = must(db.create_collection("docs", {.dim = 3, .history = {.retention = std::chrono::seconds(77)}}));
    CHECK(must(docs.stats()).config.history.retention == std::chrono::seconds(77));
    must(docs.set_history({.retention = std::chrono::seconds(99), .interval = std::chrono::seconds(9)}));
    CHECK(docs.set_history({.retention = std::chrono::seconds(1), .interval = std::chrono::seconds(0)}).error().field == "history.interval");
    must(db.close());
  }
  auto db = must(Database::open(folder.path()));
  auto docs = must(db.get_collection("docs"));
  must(docs.insert(document("a", 1)));
  must(docs.flush());
  const auto history = must(docs.stats()).config.history;
  CHECK(history.retention == std::chrono::seconds(99));
  CHECK(history.interval == std::chrono::seconds(9));
}

TEST_CASE("an old version of a collection that was dropped, or closed, answers so") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  const auto version = two_states(docs);
  const auto past = must(docs.at_version(version));
  must(bench.db.drop_collection("docs"));
  CHECK(past.count().error().code == ErrorCode::not_found);
  CHECK(docs.at_version(version).error().code == ErrorCode::not_found);
  auto again = must(bench.db.create_collection("docs", {.dim = 3}));
  two_states(again);
  const auto newer = must(again.at_version(ManifestVersion{2}));
  must(bench.db.close());
  CHECK(newer.count().error().code == ErrorCode::unavailable);
}

TEST_CASE("a reader without write permission answers from old versions beside the writer, and pins them there") {
  if (::geteuid() != 0) return;  // needs to become somebody else
  test::TempFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  test::ChildProcess reader([&](const auto& line) {
    const auto version = std::stoull(line.hear());
    if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) return 1;
    auto db = Database::open(folder.path(), {.read_only = true, .poll_interval = std::chrono::milliseconds(1)});
    if (!db) return 2;
    auto docs = db->get_collection("docs");
    if (!docs) return 3;
    auto past = docs->at_version(ManifestVersion{version});
    if (!past || past->count() != 1) return 4;
    line.say("held");
    if (line.hear() != "look") return 5;
    return past->get("a")->vector[0] == 1.0F && docs->at_version(ManifestVersion{version}) ? 0 : 6;
  });
  DatabaseOptions options;
  options.gc_grace = std::chrono::milliseconds(0);
  auto db = must(Database::open(folder.path(), options));
  auto docs = must(db.create_collection("docs", {.dim = 3}));
  const auto version = two_states(docs);
  reader.say(std::to_string(version.value));
  REQUIRE(reader.hear() == "held");
  must(docs.set_history({}));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto before = ManifestVersion{version.value - 1};
  while (docs.at_version(before) && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK_FALSE(docs.at_version(before));
  reader.say("look");
  CHECK(reader.join() == 0);
}
