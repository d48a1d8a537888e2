#include "shared/index/calibration.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/shared/index/test_vectors.hpp"

namespace {

using namespace ndb;
using namespace ndb::index;
using test::TestVectors;

TEST_CASE("more recall or more matches never need fewer candidates") {
  std::vector<float> measured;
  for (std::size_t i = 0; i < kCalibratedEfs.size(); ++i) measured.push_back(0.7F + 0.02F * static_cast<float>(i));
  std::uint32_t before = 0;
  for (double recall = 0.5; recall < 1.0; recall += 0.01) {
    const std::uint32_t ef = ef_for_recall(measured, recall, 10);
    CHECK(ef >= before);
    CHECK(ef_for_recall(measured, recall, 100) >= ef);
    CHECK(ef_for_recall(measured, recall, 1) == ef);
    before = ef;
  }
  CHECK(ef_for_recall(measured, 0.999, 10) > kCalibratedEfs.back());
  CHECK(ef_for_recall({}, 0.99, 10) >= 100);
  CHECK(ef_for_recall({}, 0.9999999, 10'000) <= Limits::kMaxEf);
}

TEST_CASE("graphs of a handful of rows, of equal rows and of huge ones are measured, too") {
  const TestVectors few(8, Distance::euclidean, test::normal_values(8UL * 3, 93));
  CHECK(test::build(few).view.recall_at_ef().front() == 1.0F);
  const TestVectors equal(8, Distance::cosine, std::vector<float>(8UL * 100, 2.0F));
  CHECK(test::build(equal).view.recall_at_ef().back() > 0.0F);
  const TestVectors huge(32, Distance::euclidean, test::normal_values(32UL * 200, 94, 1e37F));
  CHECK(test::build(huge).view.recall_at_ef().back() >= 0.9F);
}

}  // namespace
