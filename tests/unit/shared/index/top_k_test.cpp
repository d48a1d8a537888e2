#include "shared/index/top_k.hpp"

#include <random>
#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;

TEST_CASE("the k best come out, best first, in whatever order they came in") {
  const unsigned seed = 5;
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(seed, round);
    const std::size_t count = random() % 60;
    const std::size_t k = 1 + random() % 20;
    std::vector<Candidate> all;
    TopK<> top(k);
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back({static_cast<float>(random() % 8), static_cast<Row>(i)});
      top.push(all.back().key, all.back().row);
    }
    std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.key != b.key ? a.key < b.key : a.row < b.row; });
    all.resize(std::min(k, count));
    CHECK(top.take() == all);
  }
}

struct ById {
  const std::vector<std::string>* ids;
  bool operator()(Row a, Row b) const { return (*ids)[a] < (*ids)[b]; }
};

TEST_CASE("among equal keys at the k-th place the smallest ids win") {
  const std::vector<std::string> ids{"z", "b", "y", "a", "m", "c"};
  TopK top(3, ById{&ids});
  for (Row row = 0; row < 6; ++row) top.push(row == 4 ? 0.5F : 1.0F, row);
  const auto best = top.take();
  REQUIRE(best.size() == 3);
  CHECK(ids[best[0].row] == "m");
  CHECK(ids[best[1].row] == "a");
  CHECK(ids[best[2].row] == "b");
}

TEST_CASE("the tie rule is asked only when keys are equal") {
  int asked = 0;
  const auto rule = [&](Row a, Row b) { return ++asked, a < b; };
  TopK<decltype(rule)> top(2, rule);
  for (Row row = 0; row < 100; ++row) top.push(static_cast<float>(row % 50) + 0.01F * static_cast<float>(row), row);
  (void)top.take();
  CHECK(asked == 0);
}

TEST_CASE("the bound lets through everything until there are k") {
  TopK<> top(2);
  CHECK(top.bound() == std::numeric_limits<float>::max());
  top.push(std::numeric_limits<float>::max(), 1);
  top.push(5.0F, 2);
  CHECK(top.size() == 2);
  top.push(1.0F, 3);
  CHECK(top.bound() == 5.0F);
}

}  // namespace
