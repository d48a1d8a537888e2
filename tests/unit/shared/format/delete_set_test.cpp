#include "shared/format/delete_set.hpp"

#include <algorithm>
#include <random>

#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using namespace ndb::format;

namespace {
constexpr SegmentId kSegment{3};
}

TEST_CASE("a delete set gives back its rows") {
  auto& fs = fs::posix_file_system();
  for (const auto seed : test::seeds(5)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    const test::TempFolder folder;
    const Row row_count = 200'000;
    std::vector<Row> rows;
    for (Row row = 0; row < row_count; ++row)
      if (row % 70'000 < 500 || random() % (seed * 7) == 0) rows.push_back(row);
    const auto ref = write_delete_set(fs, folder.path() / "deleted-1-0", kSegment, rows);
    REQUIRE(ref);
    const auto read = read_delete_set(fs, folder.path() / "deleted-1-0", kSegment, *ref, row_count);
    REQUIRE(read);
    CHECK(*read == rows);
  }
}

TEST_CASE("a delete set with a row beyond the segment is corruption") {
  auto& fs = fs::posix_file_system();
  const test::TempFolder folder;
  const auto path = folder.path() / "deleted-1-0";
  const std::vector<Row> rows = {0, 5, 99};
  const auto ref = write_delete_set(fs, path, kSegment, rows);
  REQUIRE(ref);
  CHECK(read_delete_set(fs, path, kSegment, *ref, 100));
  const auto refused = read_delete_set(fs, path, kSegment, *ref, 99);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::corruption);
  CHECK(test::contains(refused.error().message, path.string()));
}

TEST_CASE("a delete set that was damaged is refused or unchanged, never another set of rows") {
  auto& fs = fs::posix_file_system();
  const test::TempFolder folder;
  const auto path = folder.path() / "deleted-1-0";
  std::vector<Row> rows;
  for (Row row = 0; row < 9'000; row += 3) rows.push_back(row);
  const auto ref = write_delete_set(fs, path, kSegment, rows);
  REQUIRE(ref);
  auto bytes = test::bytes_of_file(path);
  std::size_t refused = 0;
  for (std::size_t offset = 0; offset < bytes.size(); offset += 13) {
    CAPTURE(offset);
    bytes[offset] ^= std::byte{0x40};
    test::put_file(path, bytes);
    const auto read = read_delete_set(fs, path, kSegment, *ref, 9'000);
    if (read) REQUIRE(*read == rows);
    else REQUIRE(read.error().code == ErrorCode::corruption);
    refused += read ? 0U : 1U;
    bytes[offset] ^= std::byte{0x40};
  }
  CHECK(refused > 4096 / 13);
}

TEST_CASE("a section file that holds no Roaring bitmap is corruption") {
  auto& fs = fs::posix_file_system();
  for (const std::string text : {"", "x", "this is no bitmap, whatever its checksum says", "\x3a\x30\x00\x00\xff\xff\xff\xff"}) {
    const test::TempFolder folder;
    const auto path = folder.path() / "deleted-1-0";
    auto writer = SectionFileWriter::create(fs, path, FileKind::deleted, kSegment);
    REQUIRE(writer);
    REQUIRE(writer->begin_section(1, 1));
    REQUIRE(writer->append(base::as_bytes(text)));
    const auto ref = writer->finish();
    REQUIRE(ref);
    const auto read = read_delete_set(fs, path, kSegment, *ref, 100);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::corruption);
  }
}
