#include "shared/memtable/tombstones.hpp"

#include <algorithm>
#include <thread>

#include "tests/support/catch.hpp"

using namespace ndb;
using memtable::Tombstones;

TEST_CASE("a row is seen until the operation that deletes it") {
  Tombstones tombstones(130);
  CHECK(tombstones.empty());
  CHECK(tombstones.visible(0, Seq{~0ULL}));
  CHECK(tombstones.mark(64, Seq{7}));
  CHECK_FALSE(tombstones.empty());
  CHECK(tombstones.visible(64, Seq{6}));
  CHECK_FALSE(tombstones.visible(64, Seq{7}));
  CHECK_FALSE(tombstones.visible(64, Seq{8}));
  CHECK(tombstones.visible(63, Seq{8}));
  CHECK(tombstones.visible(65, Seq{8}));
  CHECK(tombstones.count() == 1);
}

TEST_CASE("the first mark of a row stays") {
  Tombstones tombstones(10);
  CHECK(tombstones.mark(3, Seq{5}));
  CHECK_FALSE(tombstones.mark(3, Seq{4}));
  CHECK_FALSE(tombstones.mark(3, Seq{9}));
  CHECK(tombstones.visible(3, Seq{4}));
  CHECK(tombstones.count() == 1);
}

TEST_CASE("the earliest mark stays when marks are derived in any order") {
  Tombstones tombstones(10);
  for (const std::uint64_t seq : {8U, 5U, 6U}) tombstones.mark_earliest(3, Seq{seq});
  CHECK(tombstones.visible(3, Seq{4}));
  CHECK_FALSE(tombstones.visible(3, Seq{5}));
  CHECK(tombstones.count() == 1);
}

TEST_CASE("deleted rows are listed in order, up to a sequence number, at every word boundary") {
  for (const Row rows : {1U, 63U, 64U, 65U, 128U, 1'000U}) {
    CAPTURE(rows);
    Tombstones tombstones(rows);
    CHECK(tombstones.rows_deleted_up_to(Seq{~0ULL}).empty());
    std::vector<Row> all, early;
    for (Row row = rows; row-- > 0;) tombstones.mark(row, Seq{row % 10});
    for (Row row = 0; row < rows; ++row) {
      all.push_back(row);
      if (row % 10 <= 4) early.push_back(row);
    }
    CHECK(tombstones.rows_deleted_up_to(Seq{~0ULL}) == all);
    CHECK(tombstones.rows_deleted_up_to(Seq{4}) == early);
    CHECK(tombstones.count() == rows);
  }
}

TEST_CASE("readers beside the marking thread see every mark up to the number they know, with its number") {
  constexpr Row kRows = 200'000;
  Tombstones tombstones(kRows);
  std::atomic<std::uint64_t> applied{0};
  std::atomic<std::uint64_t> wrong{0};
  const auto read = [&](Row step) {
    for (;;) {
      const auto at = applied.load(std::memory_order_acquire);
      for (Row row = 0; row < kRows; row += step)  // row r is deleted by operation r + 1
        if (tombstones.visible(row, Seq{at}) != (row + 1 > at)) ++wrong;
      if (at == kRows) return;
    }
  };
  std::jthread first([&] { read(977); }), second([&] { read(4'093); });
  for (Row row = 0; row < kRows; ++row) {
    tombstones.mark(row, Seq{row + 1});
    applied.store(row + 1, std::memory_order_release);
  }
  first.join();
  second.join();
  CHECK(wrong == 0);
  CHECK(tombstones.count() == kRows);
}
