// The state at every version that was published equals what the collection held after that version's seq, whenever it is asked for: after
// flushes, merges, graphs, deletions and reopening, here and in a follower.
#include <random>
#include <thread>

#include "ndb/ndb.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/must.hpp"
#include "tests/support/oracle.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;

namespace {

constexpr std::uint32_t kDim = 6;

class Run {
 public:
  explicit Run(std::uint64_t seed) : random_(seed), oracle_(Distance::euclidean) {
    options_.memtable_bytes = 20'000;
    options_.index_min_rows = 60;
    options_.gc_grace = std::chrono::milliseconds(0);
    options_.shared_memory = seed % 3 != 0;
    options_.index_threads = 1;
    after_.emplace(Seq{0}, oracle_);
    db_.emplace(test::must(Database::open(folder_.path(), options_)));
    docs_.emplace(test::must(db_->create_collection(
        "docs", {.dim = kDim, .distance = Distance::euclidean, .history = {.retention = std::chrono::hours(1)}})));
  }

  void step() {
    switch (random_() % 24) {
      case 0: case 1: test::must(docs_->flush()); break;
      case 2: test::must(docs_->compact(random_() % 2 == 0)); break;
      case 3: reopen(); break;
      case 4: if (random_() % 3 == 0) test::must(docs_->rebuild_index()); break;
      case 5: if (random_() % 3 == 0) test::must(docs_->delete_index()); break;
      case 6: case 7: case 8: case 9: case 10: remove_some(); break;
      case 11: check_some(*docs_); break;
      case 12: check_some(follower()); break;
      default: insert_some(); break;
    }
  }

  void check_all() {
    for (const auto& docs : {*docs_, follower()}) {
      const auto versions = test::must(docs.versions());
      REQUIRE(versions.front().version == ManifestVersion{1});
      for (std::size_t i = 0; i < versions.size(); ++i) REQUIRE(versions[i].version.value == i + 1);
      for (const auto& one : versions) check(docs, one);
    }
  }

  // The past that somebody holds stays, the rest goes, and errors say what is left.
  void forget() {
    const auto versions = test::must(docs_->versions());
    const auto held = versions[versions.size() / 2];
    {
      const auto past = test::must(docs_->at_version(held.version));
      test::must(docs_->set_history({}));
      const auto gone = ManifestVersion{held.version.value - 1};
      wait_until([&] { return !docs_->at_version(gone); });
      for (int i = 0; i < 3; ++i) test::must(docs_->flush());
      check_state(past, held);
      check(*docs_, held);
      const auto error = docs_->at_version(gone).error();
      CHECK(error.code == ErrorCode::not_found);
      CHECK(error.message.find("versions " + std::to_string(held.version.value) + " to ") != std::string::npos);
    }
    wait_until([&] { return !docs_->at_version(held.version); });
  }

 private:
  template <class F>
  void wait_until(F reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!reached() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    REQUIRE(reached());
  }

  void reopen() {
    docs_.reset();
    test::must(db_->close());
    db_.emplace(test::must(Database::open(folder_.path(), options_)));
    docs_.emplace(test::must(db_->get_collection("docs")));
  }

  Collection follower() {
    if (!follower_) {
      DatabaseOptions options = options_;
      options.read_only = true;
      options.poll_interval = std::chrono::milliseconds(1);
      follower_.emplace(test::must(Database::open(folder_.path(), options)));
    }
    auto docs = test::must(follower_->get_collection("docs"));
    test::must(docs.wait_for(last_seq_, std::chrono::seconds(60)));
    return docs;
  }

  std::vector<float> random_vector() {
    std::vector<float> vector(kDim);
    for (auto& x : vector) x = static_cast<float>(static_cast<int>(random_() % 21) - 10);
    return vector;
  }

  void insert_some() {
    std::vector<Document> batch(1 + random_() % (random_() % 6 == 0 ? 80 : 6));
    for (auto& document : batch) {
      document = {.id = "id-" + std::to_string(random_() % 150), .vector = random_vector(),
                  .payload = R"({"n":)" + std::to_string(random_() % 4) + "}"};
      oracle_.insert(document);
    }
    note(test::must(docs_->insert_batch(batch)).seq);
  }

  void remove_some() {
    std::vector<std::string> ids(1 + random_() % 12);
    for (auto& id : ids) id = "id-" + std::to_string(random_() % 150);
    for (const auto& id : ids) oracle_.remove(id);
    note(test::must(docs_->remove_many(ids)).seq);
  }

  void note(Seq seq) {
    last_seq_ = seq;
    after_.insert_or_assign(seq, oracle_);
  }

  void check_some(const Collection& docs) {
    const auto versions = test::must(docs.versions());
    for (int i = 0; i < 4; ++i) {
      const auto& one = versions[random_() % versions.size()];
      check(docs, one);
      const auto at = test::must(docs.at_time(one.time));
      const auto expected = std::ranges::find_if(versions.rbegin(), versions.rend(), [&](const auto& v) { return v.time <= one.time; });
      if (expected->version != versions.back().version) CHECK(at.as_of() == *expected);  // the newest may be another by now
      check_state(at, at.as_of().value());
    }
  }

  void check(const Collection& docs, const VersionInfo& version) {
    const auto past = test::must(docs.at_version(version.version));
    REQUIRE(past.as_of() == version);
    check_state(past, version);
  }

  void check_state(const Collection& past, const VersionInfo& version) {
    CAPTURE(version.version.value, version.seq.value);
    REQUIRE(after_.contains(version.seq));
    const test::Oracle& expected = after_.at(version.seq);
    REQUIRE(test::must(past.count()) == expected.documents().size());
    const auto page = test::must(past.scroll({}, 10'000));
    REQUIRE(page.documents.size() == expected.documents().size());
    std::uint64_t twos = 0;
    for (const auto& document : page.documents) {
      REQUIRE(document == expected.documents().at(document.id));
      twos += document.payload == R"({"n":2})" ? 1 : 0;
    }
    CHECK(test::must(past.count(Filter::eq("n", 2))) == twos);
    const auto query = random_vector();
    const auto result = test::must(past.search(Search(query).top_k(7).approximate(false)));
    const auto scores = expected.best_scores(query, 7);
    REQUIRE(result.size() == scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) CHECK(result.matches[i].score == Approx(scores[i]).margin(1e-4));
    CHECK(result.seq == version.seq);
    CHECK(result.manifest_version == version.version);
    CHECK(test::must(past.stats()).documents == expected.documents().size());
    auto writable = past;
    CHECK(writable.remove("id-1").error().code == ErrorCode::read_only);
  }

  std::mt19937_64 random_;
  test::Oracle oracle_;
  std::map<Seq, test::Oracle> after_;
  test::TempFolder folder_;
  DatabaseOptions options_;
  std::optional<Database> db_, follower_;
  std::optional<Collection> docs_;
  Seq last_seq_{};
};

}  // namespace

TEST_CASE("every version answers what the collection held at its seq, here and in a follower, and goes when it is let go") {
  for (const auto seed : test::seeds(3)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    Run run(seed);
    for (int i = 0; i < 160; ++i) run.step();
    run.check_all();
    run.forget();
  }
}
