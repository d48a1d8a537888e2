// Random documents and filters through flush, merge, delete and reopen, against the naive evaluator: exact searches are brute force over
// what matches, counts are exact, pages complete, deletions by filter hit what matches, and approximate searches return only matches and
// never fewer than there are.
#include <algorithm>
#include <random>
#include <set>

#include "ndb/ndb.hpp"
#include "tests/support/must.hpp"
#include "tests/support/naive_filter.hpp"
#include "tests/support/oracle.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using test::must;
namespace json = boost::json;

namespace {

constexpr std::uint32_t kDim = 64;  // enough for graphs on 1-bit codes

class Run {
 public:
  explicit Run(std::uint64_t seed) : random_(seed), generate_(seed), oracle_(static_cast<Distance>(seed % 3)) {
    options_.index_min_rows = 100;
    options_.index_threads = 1;
    options_.memtable_bytes = 100'000;
    open();
    CollectionConfig config{.dim = kDim, .distance = static_cast<Distance>(seed % 3)};
    if (seed % 3 == 1) config.attributes.never = {"a", "b.c"};
    if (seed % 3 == 2) config.attributes.only = {"c"};
    docs_.emplace(must(db_->create_collection("docs", config)));
  }

  void step() {
    switch (random_() % 12) {
      case 0: must(docs_->flush()); break;
      case 1: must(docs_->compact()); break;
      case 2: reopen(); break;
      case 3: remove_where(); break;
      case 4: case 5: case 6: insert_some(); break;
      default: check(); break;
    }
  }

 private:
  void open() { db_.emplace(must(Database::open(folder_.path(), options_))); }
  void reopen() {
    docs_.reset();
    must(db_->close());
    db_.reset();
    open();
    docs_.emplace(must(db_->get_collection("docs")));
  }

  std::vector<float> random_vector() {
    std::vector<float> vector(kDim);
    for (auto& x : vector) x = static_cast<float>(static_cast<int>(random_() % 2001) - 1000) / 100;
    return vector;
  }

  void insert_some() {
    std::vector<Document> batch(1 + random_() % 120);
    for (auto& document : batch) {
      json::value payload = generate_.document();
      document = {"id-" + std::to_string(random_() % 700), random_vector(), json::serialize(payload)};
      oracle_.insert(document);
      payloads_[document.id] = std::move(payload);
    }
    must(docs_->insert_batch(std::span<const Document>(batch)));
  }

  /// A filter, its text, and the ids that it matches.
  struct Asked {
    Filter filter;
    std::set<std::string> ids;
  };
  Asked ask() {
    const auto source = generate_.filter();
    Asked asked{must(Filter::from_json(json::serialize(source))), {}};
    for (const auto& [id, payload] : payloads_)
      if (test::naive_match(source, payload)) asked.ids.insert(id);
    return asked;
  }

  void remove_where() {
    auto asked = ask();
    if (asked.ids.size() > payloads_.size() / 3) return;  // some are to be left
    INFO(asked.filter.to_json());
    CHECK(must(docs_->remove_where(asked.filter)).deleted == asked.ids.size());
    for (const auto& id : asked.ids) {
      payloads_.erase(id);
      CHECK(oracle_.remove(id));
    }
  }

  void check() {
    const auto asked = ask();
    INFO(asked.filter.to_json());
    CHECK(must(docs_->count(asked.filter)) == asked.ids.size());
    check_pages(asked);
    const auto query = random_vector();
    std::vector<double> scores;
    for (const auto& id : asked.ids) scores.push_back(oracle_.score(query, oracle_.documents().at(id).vector));
    if (docs_->config().distance == Distance::euclidean) std::ranges::sort(scores);
    else std::ranges::sort(scores, std::greater());
    const std::uint32_t k = 1 + static_cast<std::uint32_t>(random_() % 40);
    for (const bool approximate : {false, true}) {
      const auto result = must(docs_->search(Search(query).top_k(k).filter(asked.filter).approximate(approximate).explain(true)));
      REQUIRE(result.size() == std::min<std::size_t>(k, asked.ids.size()));
      for (std::size_t i = 0; i < result.size(); ++i) {
        CHECK(asked.ids.contains(result[i].id));
        if (!approximate) CHECK(result[i].score == Approx(scores[i]).epsilon(1e-4).margin(1e-4));
      }
      if (!approximate && !asked.filter.matches_all()) CHECK(result.plan->rows_matched == asked.ids.size());
    }
  }

  void check_pages(const Asked& asked) {
    std::set<std::string> seen;
    std::optional<std::string> after;
    do {
      const auto page = must(docs_->scroll(asked.filter, 50, after));
      for (const auto& document : page.documents) CHECK(seen.insert(document.id).second);
      after = page.next;
    } while (after);
    CHECK(seen == asked.ids);
  }

  std::mt19937_64 random_;
  test::FilterGenerator generate_;
  test::Oracle oracle_;
  std::map<std::string, json::value> payloads_;
  test::TempFolder folder_;
  DatabaseOptions options_;
  std::optional<Database> db_;
  std::optional<Collection> docs_;
};

}  // namespace

TEST_CASE("filters agree with a naive evaluator through flush, merge, delete and reopen") {
  for (const auto seed : test::seeds(9)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    Run run(seed);
    for (int i = 0; i < 120; ++i) run.step();
  }
}
