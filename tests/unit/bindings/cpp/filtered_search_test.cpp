// Every plan of a filtered search on one collection of 12,000 documents with one graph: what is chosen, what is found, and what is told.
#include <algorithm>
#include <random>

#include "ndb/ndb.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/must.hpp"
#include "tests/support/oracle.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using test::must;

namespace {

constexpr std::uint32_t kDim = 64;
constexpr int kDocuments = 12'000;
constexpr int kClusters = 30;

class Shop {
 public:
  Shop() {
    DatabaseOptions options;
    options.index_threads = 1;
    db_.emplace(must(Database::open(folder_.path(), options)));
    docs_.emplace(must(db_->create_collection("docs", {.dim = kDim, .distance = Distance::euclidean})));
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::vector<std::vector<float>> centres(kClusters, std::vector<float>(kDim));
    for (auto& centre : centres)
      for (auto& x : centre) x = 2.0F * normal(random);
    for (int i = 0; i < kDocuments; ++i) {
      const int cluster = static_cast<int>(random() % kClusters);
      Document document{"d" + std::to_string(i), centres[static_cast<std::size_t>(cluster)], {}};
      for (auto& x : document.vector) x += normal(random);
      const auto percentile = random() % 1'000;
      document.payload = R"({"p":)" + std::to_string(percentile) + R"(,"cluster":)" + std::to_string(cluster) + "}";
      permille_.push_back(static_cast<int>(percentile));
      cluster_.push_back(cluster);
      documents_.push_back(std::move(document));
    }
    must(docs_->insert_batch(std::span<const Document>(documents_)));
    must(docs_->flush());
    must(docs_->rebuild_index());
    REQUIRE(docs_->has_index());
  }

  [[nodiscard]] Collection& docs() { return *docs_; }
  [[nodiscard]] const std::vector<Document>& documents() const { return documents_; }

  /// The true nearest that `matches` (by the document's number) lets through, by their ids.
  template <class Matches>
  [[nodiscard]] std::vector<std::string> nearest(std::span<const float> query, std::size_t k, Matches matches) const {
    const test::Oracle oracle(Distance::euclidean);
    std::vector<std::pair<double, std::string>> found;
    for (std::size_t i = 0; i < documents_.size(); ++i)
      if (matches(i)) found.emplace_back(oracle.score(query, documents_[i].vector), documents_[i].id);
    std::ranges::sort(found);
    found.resize(std::min(k, found.size()));
    std::vector<std::string> ids;
    for (const auto& [score, id] : found) ids.push_back(id);
    return ids;
  }

  struct Outcome {
    double recall = 0.0;
    std::string plans;
    std::uint64_t fewest = ~0ULL;
    SearchPlan last;
  };
  template <class Matches>
  Outcome search(const Filter& filter, std::uint32_t ef, Matches matches) {
    Outcome outcome;
    double found = 0.0, wanted = 0.0;
    for (std::size_t q = 0; q < 40; ++q) {
      auto query = documents_[q * 293].vector;
      for (std::size_t d = 0; d < kDim; ++d) query[d] += (d % 3 == 0 ? 0.4F : -0.3F);
      const auto result = must(docs_->search(Search(query).top_k(10).ef(ef).filter(filter).explain(true)));
      const auto expected = nearest(query, 10, matches);
      for (const auto& match : result) found += static_cast<double>(std::ranges::count(expected, match.id));
      wanted += static_cast<double>(expected.size());
      outcome.fewest = std::min<std::uint64_t>(outcome.fewest, result.size());
      outcome.last = *result.plan;
      if (outcome.plans.find(result.plan->plan) == std::string::npos) outcome.plans += result.plan->plan + " ";
    }
    outcome.recall = wanted > 0 ? found / wanted : 1.0;
    return outcome;
  }

  [[nodiscard]] int permille(std::size_t i) const { return permille_[i]; }
  [[nodiscard]] int cluster(std::size_t i) const { return cluster_[i]; }

 private:
  test::TempFolder folder_;
  std::optional<Database> db_;
  std::optional<Collection> docs_;
  std::vector<Document> documents_;
  std::vector<int> permille_, cluster_;
};

Shop& shop() {
  static Shop one;
  return one;
}

}  // namespace

TEST_CASE("random attributes: each share of matching rows has its plan, and recall") {
  auto& data = shop();
  for (const int permille : {1, 10, 50, 200, 350, 750, 900, 1'000}) {
    const auto outcome = data.search(Filter::lt("p", permille), 48, [&](std::size_t i) { return data.permille(i) < permille; });
    CAPTURE(permille, outcome.plans, outcome.recall);
    CHECK(outcome.recall >= 0.95);
    CHECK(outcome.fewest == std::min<std::uint64_t>(10, outcome.last.rows_matched));
    const auto matched = must(data.docs().count(Filter::lt("p", permille)));
    CHECK(outcome.last.rows_matched == matched);
    CHECK(outcome.last.rows_estimated == matched);  // one range of one field: counted, not guessed
    if (permille <= 1) CHECK(outcome.plans == "exact ");
    if (permille == 50) CHECK(outcome.plans == "codes ");
    if (permille >= 200 && permille < 500) CHECK(outcome.plans == "cells ");
    if (permille >= 750) CHECK(outcome.plans == "filtered_graph ");
    CHECK(outcome.last.distances < 1'000);
  }
}

TEST_CASE("attributes that follow clusters: matches far from the query are found as well") {
  auto& data = shop();
  for (const int clusters : {1, 3, 12, 20, 27}) {
    const auto outcome = data.search(Filter::lt("cluster", clusters), 48, [&](std::size_t i) { return data.cluster(i) < clusters; });
    CAPTURE(clusters, outcome.plans, outcome.recall);
    CHECK(outcome.recall >= 0.95);
    CHECK(outcome.fewest == 10);
  }
}

TEST_CASE("compound filters have the plan of what is left") {
  auto& data = shop();
  const auto narrow = Filter::lt("p", 500) && Filter::in_("cluster", {1, 2, 3});
  const auto few = data.search(narrow, 48, [&](std::size_t i) { return data.permille(i) < 500 && data.cluster(i) >= 1 && data.cluster(i) <= 3; });
  CAPTURE(few.plans, few.recall);
  CHECK(few.plans == "codes ");
  CHECK(few.recall >= 0.95);
  const auto most = data.search(!narrow, 48, [&](std::size_t i) { return data.permille(i) >= 500 || data.cluster(i) < 1 || data.cluster(i) > 3; });
  CAPTURE(most.plans, most.recall);
  CHECK(most.plans == "filtered_graph cells ");  // the latter for queries in the clusters that do not match
  CHECK(most.recall >= 0.95);
  CHECK(static_cast<double>(most.last.rows_estimated) == Approx(static_cast<double>(most.last.rows_matched)).epsilon(0.05));
}

TEST_CASE("without a match there is none, and all matches are returned where there are fewer than top_k") {
  auto& data = shop();
  CHECK(must(data.docs().search(Search(data.documents()[0].vector).filter(Filter::eq("nowhere", 1)))).empty());
  CHECK(must(data.docs().search(Search(data.documents()[0].vector).filter(Filter::eq("p", -1)))).empty());
  const auto filter = Filter::eq("p", 500);
  const auto matches = must(data.docs().count(filter));
  REQUIRE(matches > 0);
  CHECK(must(data.docs().search(Search(data.documents()[0].vector).filter(filter).top_k(1'000))).size() == matches);
}

TEST_CASE("deleted rows are no matches under any plan") {
  auto& data = shop();
  for (const int permille : {50, 420, 900}) {
    CAPTURE(permille);
    const auto query = data.documents()[17].vector;
    const auto search = Search(query).top_k(5).ef(48).filter(Filter::lt("p", permille)).explain(true);
    const auto before = must(data.docs().search(search));
    REQUIRE(before.size() == 5);
    must(data.docs().remove(before[0].id));
    const auto after = must(data.docs().search(search));
    CHECK(after.size() == 5);
    CHECK(after[0].id == before[1].id);
    CHECK(after.plan->rows_matched == before.plan->rows_matched - 1);
    CHECK(must(data.docs().count(Filter::lt("p", permille))) == after.plan->rows_matched);
  }
}

TEST_CASE("a filter that was asked for before finds what came since, and misses what went") {
  const test::TempFolder folder;
  auto db = must(Database::open(folder.path(), {}));
  auto docs = must(db.create_collection("docs", {.dim = kDim, .distance = Distance::euclidean, .attributes = {.only = {}, .never = {"hidden"}}}));
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  const auto document = [&](int i) {
    Document made{"d" + std::to_string(i), std::vector<float>(kDim), R"({"shown":)" + std::to_string(i % 10) + R"(,"hidden":)" + std::to_string(i % 10) + "}"};
    for (auto& x : made.vector) x = normal(random);
    return made;
  };
  std::vector<Document> documents;
  for (int i = 0; i < 3'000; ++i) documents.push_back(document(i));
  must(docs.insert_batch(std::span<const Document>(documents)));
  must(docs.flush());
  must(docs.rebuild_index());
  for (const std::string field : {"shown", "hidden"}) {  // by the index, and by payloads
    const auto filter = Filter::gte(field, 3) && Filter::lt(field, 5);
    for (const bool approximate : {true, false}) {
      CAPTURE(field, approximate);
      const auto near = documents[4].vector;
      const auto search = Search(near).top_k(5).ef(64).filter(filter).approximate(approximate);
      const auto first = must(docs.search(search));
      REQUIRE(first.size() == 5);
      const auto count = must(docs.count(filter));
      const auto again = must(docs.search(search));
      REQUIRE(again.size() == 5);
      for (std::size_t i = 0; i < 5; ++i) CHECK(again[i].id == first[i].id);

      must(docs.remove(first[1].id));
      auto fresh = document(3);  // as near as can be, not flushed
      fresh.id = "fresh";
      fresh.vector = near;
      auto other = fresh;  // and one that does not match
      other.id = "other";
      other.payload = R"({"shown":7,"hidden":7})";
      must(docs.insert_batch(std::span<const Document>(std::vector{fresh, other})));
      const auto later = must(docs.search(search));
      REQUIRE(later.size() == 5);
      CHECK((later[0].id == "fresh" || later[1].id == "fresh"));  // documents[4] is the nearest itself, unless it was removed
      for (const auto& match : later) CHECK((match.id != first[1].id && match.id != "other"));
      CHECK(must(docs.count(filter)) == count);
      must(docs.remove("fresh"));
      must(docs.remove("other"));
    }
  }
}
