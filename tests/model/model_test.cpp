// Random operations against a map and brute force, through flush, compaction, index changes and reopening; a second engine follows
// the first through the files alone, as another process would.
#include <random>

#include "ndb/ndb.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/oracle.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;

namespace {

constexpr std::uint32_t kDim = 12;

class Run {
 public:
  explicit Run(std::uint64_t seed)
      : random_(seed), distance_(static_cast<Distance>(seed % 3)), oracle_(distance_) {
    options_.memtable_bytes = seed % 2 == 0 ? 100'000 : 1'000'000;
    options_.index_min_rows = 200;
    options_.gc_grace = std::chrono::milliseconds(seed % 4 == 0 ? 0 : 60'000);
    options_.shared_memory = seed % 5 != 0;
    options_.index_threads = 1;
    open(true);
  }

  void step() {
    switch (random_() % 40) {
      case 0: REQUIRE(docs_->flush()); break;
      case 1: REQUIRE(docs_->flush(false)); break;
      case 2: REQUIRE(docs_->compact(random_() % 2 == 0)); break;
      case 3: reopen(); break;
      case 4: if (random_() % 4 == 0) REQUIRE(docs_->delete_index()); break;
      case 5: if (random_() % 2 == 0) REQUIRE(docs_->rebuild_index()); break;
      case 6: case 7: case 8: case 9: remove_some(); break;
      case 10: case 11: check(*docs_); break;
      case 12: check_follower(); break;
      default: insert_some(); break;
    }
  }

  void finish() {
    check(*docs_);
    check_follower();
    REQUIRE(docs_->compact());
    check(*docs_);
    check_follower();
    reopen();
    check(*docs_);
  }

 private:
  void open(bool create) {
    auto db = Database::open(folder_.path(), options_);
    REQUIRE(db);
    db_.emplace(*db);
    auto docs = create ? db_->create_collection("docs", {.dim = kDim, .distance = distance_})
                       : db_->get_collection("docs");
    if (!docs) FAIL(docs.error().message);
    docs_.emplace(*docs);
  }

  void reopen() {
    docs_.reset();
    REQUIRE(db_->close());
    db_.reset();
    open(false);
  }

  std::string random_id() { return "id-" + std::to_string(random_() % 900); }

  Document random_document() {
    Document document{.id = random_id(), .vector = std::vector<float>(kDim)};
    for (auto& x : document.vector) x = static_cast<float>(static_cast<int>(random_() % 21) - 10);
    document.vector[0] += 0.5F;  // never all zero
    if (random_() % 3 != 0) document.payload = R"({"n":)" + std::to_string(random_() % 7) + "}";
    return document;
  }

  void insert_some() {
    std::vector<Document> batch(1 + random_() % (random_() % 5 == 0 ? 300 : 8));
    std::uint64_t replaced = 0;
    for (auto& document : batch) {
      document = random_document();
      replaced += oracle_.documents().contains(document.id) ? 1 : 0;
      oracle_.insert(document);
    }
    const auto result = docs_->insert_batch(batch);
    if (!result) FAIL(result.error().message);
    CHECK(result->replaced == replaced);
    CHECK(result->inserted == batch.size() - replaced);
    CHECK(result->seq > last_seq_);
    last_seq_ = result->seq;
  }

  void remove_some() {
    if (random_() % 3 == 0) {
      const auto id = random_id();
      const bool there = oracle_.remove(id);
      const auto result = docs_->remove(id);
      CHECK(result.has_value() == there);
      if (result) last_seq_ = result->seq;
      else CHECK(result.error().code == ErrorCode::not_found);
      return;
    }
    std::vector<std::string> ids(1 + random_() % 20);
    std::uint64_t there = 0;
    for (auto& id : ids) {
      id = random_id();
      there += oracle_.remove(id) ? 1 : 0;
    }
    const auto result = docs_->remove_many(ids);
    REQUIRE(result);
    CHECK(result->deleted == there);
    last_seq_ = std::max(last_seq_, result->seq);
  }

  void check_search(const Collection& docs, bool approximate) {
    const auto query = random_document().vector;
    const std::uint32_t k = 1 + static_cast<std::uint32_t>(random_() % 30);
    const auto result = docs.search(Search(query).top_k(k).approximate(approximate).ef(200).with_vector(true));
    if (!result) FAIL(result.error().message);
    const auto expected = oracle_.best_scores(query, k);
    REQUIRE(result->size() == expected.size());
    std::size_t good = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto& match = result->matches[i];
      const auto known = oracle_.documents().find(match.id);
      REQUIRE(known != oracle_.documents().end());
      REQUIRE(match.vector == known->second.vector);
      CHECK(match.score == Approx(oracle_.score(query, match.vector)).epsilon(1e-4).margin(1e-4));
      good += std::abs(match.score - expected[i]) <= 1e-4 * (1.0 + std::abs(expected[i])) ? 1U : 0U;
    }
    if (!approximate) CHECK(good == expected.size());
    else CHECK(good * 10 >= expected.size() * 8);
  }

  void check(const Collection& docs) {
    check_search(docs, false);
    check_search(docs, true);
    CHECK(docs.count().value() == oracle_.documents().size());
    CHECK(docs.stats()->documents == oracle_.documents().size());
    std::uint64_t threes = 0;
    for (const auto& [id, document] : oracle_.documents()) threes += document.payload == R"({"n":3})" ? 1 : 0;
    CHECK(docs.count(Filter::eq("n", 3)).value() == threes);
    const auto id = random_id();
    const auto got = docs.get(id);
    const auto known = oracle_.documents().find(id);
    REQUIRE(got.has_value() == (known != oracle_.documents().end()));
    if (got) CHECK(*got == known->second);
  }

  void check_follower() {
    if (!follower_) {
      DatabaseOptions options = options_;
      options.read_only = true;
      options.poll_interval = std::chrono::milliseconds(1);
      auto db = Database::open(folder_.path(), options);
      REQUIRE(db);
      follower_.emplace(*db);
    }
    auto docs = follower_->get_collection("docs");
    if (!docs) FAIL(docs.error().message);
    const auto caught_up = docs->wait_for(last_seq_, std::chrono::seconds(60));
    if (!caught_up) FAIL(caught_up.error().message);
    check(*docs);
    CHECK(docs->insert({.id = "x", .vector = std::vector<float>(kDim, 1.0F)}).error().code == ErrorCode::read_only);
  }

  std::mt19937_64 random_;
  Distance distance_;
  test::Oracle oracle_;
  test::TempFolder folder_;
  DatabaseOptions options_;
  std::optional<Database> db_, follower_;
  std::optional<Collection> docs_;
  Seq last_seq_{};
};

}  // namespace

TEST_CASE("random operations agree with a map and brute force, here and in a follower") {
  for (const auto seed : test::seeds(12)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    Run run(seed);
    for (int i = 0; i < 250; ++i) run.step();
    run.finish();
  }
}
