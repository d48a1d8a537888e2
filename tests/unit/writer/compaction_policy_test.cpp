#include "writer/segments/compaction_policy.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/support/catch.hpp"
#include "tests/support/seeds.hpp"

using namespace ndb;
using namespace ndb::writer;

namespace {

std::vector<SegmentSize> sizes(const std::vector<std::uint64_t>& rows) {
  std::vector<SegmentSize> segments;
  for (std::size_t i = 0; i < rows.size(); ++i) segments.push_back({SegmentId{i}, rows[i], 0});
  return segments;
}

std::uint64_t live_rows(const std::vector<SegmentSize>& segments, const std::vector<SegmentId>& ids) {
  std::uint64_t rows = 0;
  for (const auto& segment : segments)
    if (std::ranges::find(ids, segment.id) != ids.end()) rows += segment.live();
  return rows;
}

}  // namespace

TEST_CASE("nothing is merged while each segment is much larger than all smaller ones together") {
  CHECK(choose_merge({}, {}).empty());
  CHECK(choose_merge(sizes({100}), {}).empty());
  CHECK(choose_merge(sizes({100, 200}), {}).empty());
  CHECK(choose_merge(sizes({1, 100, 10'000, 1'000'000, 2'020'202}), {}).empty());
}

TEST_CASE("a segment that is not much larger than all smaller ones is merged with them, and larger ones stay") {
  CHECK(choose_merge(sizes({1'000'000, 199, 100}), {}) == std::vector{SegmentId{2}, SegmentId{1}});
  CHECK(choose_merge(sizes({100, 100}), {}).size() == 2);
  const auto ids = choose_merge(sizes({1, 1'000, 1'000'000, 1'000}), {});
  CHECK(std::set(ids.begin(), ids.end()) == std::set{SegmentId{0}, SegmentId{1}, SegmentId{3}});
  CHECK(choose_merge(sizes({100, 200, 599}), {}) == std::vector{SegmentId{0}, SegmentId{1}, SegmentId{2}});
}

TEST_CASE("what would be too large is not merged, however much there is of it") {
  const WriterOptions options{.segment_max_rows = 1'000};
  CHECK(choose_merge(sizes({600, 600, 600}), options).empty());
  CHECK(choose_merge(sizes({600, 300, 600, 200}), options) == std::vector{SegmentId{3}, SegmentId{1}});
}

TEST_CASE("a segment with too many dead rows is rewritten alone") {
  auto segments = sizes({1'000'000, 5'000});
  segments[1].deleted = 1'000;
  CHECK(choose_merge(segments, {}).empty());
  segments[1].deleted = 1'001;
  CHECK(choose_merge(segments, {}) == std::vector{SegmentId{1}});
  segments[1].deleted = 5'000;
  CHECK(choose_merge(segments, {}) == std::vector{SegmentId{1}});
}

TEST_CASE("a requested compaction makes one segment of all that fit, and none of a single clean one") {
  CHECK(choose_full_merge({}, {}).empty());
  CHECK(choose_full_merge(sizes({7}), {}).empty());
  CHECK(choose_full_merge(sizes({7, 9'999, 1'000'000}), {}).size() == 3);
  auto one = sizes({7});
  one[0].deleted = 1;
  CHECK(choose_full_merge(one, {}) == std::vector{SegmentId{0}});
}

TEST_CASE("whatever the sizes, a choice has distinct known segments, respects the row limit and is worth the work") {
  for (const auto seed : test::seeds(500)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    WriterOptions options;
    options.merge_ratio = 1.1 + static_cast<double>(random() % 6);
    options.segment_max_rows = 1 + random() % 100'000;
    std::vector<SegmentSize> segments;
    for (std::uint64_t i = 0, count = random() % 30; i < count; ++i) {
      const std::uint64_t rows = 1 + random() % (std::uint64_t{1} << (1 + random() % 17));
      segments.push_back({SegmentId{i}, rows, random() % 3 == 0 ? random() % (rows + 1) : 0});
    }
    for (const auto& ids : {choose_merge(segments, options), choose_full_merge(segments, options)}) {
      REQUIRE(std::set(ids.begin(), ids.end()).size() == ids.size());
      for (const auto id : ids) REQUIRE(id.value < segments.size());
      if (ids.size() == 1) REQUIRE(segments[ids[0].value].deleted > 0);
      if (ids.size() > 1) REQUIRE(live_rows(segments, ids) <= options.segment_max_rows);
    }
  }
}

TEST_CASE("merging comes to an end, and rewrites each row a logarithmic number of times") {
  for (const auto seed : test::seeds(20)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    const WriterOptions options;
    std::map<SegmentId, SegmentSize> segments;
    std::uint64_t next = 0, written = 0, flushed = 0;
    const auto add = [&](std::uint64_t rows) { segments[SegmentId{next}] = {SegmentId{next}, rows, 0}, ++next; };
    const auto list = [&] {
      std::vector<SegmentSize> all;
      for (const auto& [id, size] : segments) all.push_back(size);
      return all;
    };
    for (int i = 0; i < 600; ++i) {
      const std::uint64_t rows = 900 + random() % 200;
      add(rows);
      flushed += rows;
      int rounds = 0;
      for (auto ids = choose_merge(list(), options); !ids.empty(); ids = choose_merge(list(), options)) {
        REQUIRE(++rounds < 50);
        std::uint64_t merged = 0;
        for (const auto id : ids) merged += segments[id].live(), segments.erase(id);
        add(merged);
        written += merged;
      }
      REQUIRE(segments.size() <= 6);
    }
    CHECK(written < flushed * 12);
  }
}

TEST_CASE("a requested compaction comes to an end") {
  for (const auto seed : test::seeds(100)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    WriterOptions options;
    options.segment_max_rows = 1 + random() % 5'000;
    std::vector<SegmentSize> segments;
    for (std::uint64_t i = 0, count = random() % 20; i < count; ++i) segments.push_back({SegmentId{i}, 1 + random() % 4'000, random() % 2});
    int rounds = 0;
    for (auto ids = choose_full_merge(segments, options); !ids.empty(); ids = choose_full_merge(segments, options)) {
      REQUIRE(++rounds < 100);
      const auto merged = live_rows(segments, ids);
      std::erase_if(segments, [&](const auto& s) { return std::ranges::find(ids, s.id) != ids.end(); });
      if (merged > 0) segments.push_back({SegmentId{100U + static_cast<unsigned>(rounds)}, merged, 0});
    }
  }
}
