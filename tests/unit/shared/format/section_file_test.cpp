#include "shared/format/section_file.hpp"

#include <algorithm>
#include <numeric>

#include "shared/base/crc32c.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using namespace ndb::format;

namespace {

constexpr SegmentId kSegmentId{0x1'0000'0007};
constexpr std::size_t kHeaderBytes = 4096;
constexpr std::size_t kChecksumOffset = 4092;

std::vector<std::uint32_t> numbers(std::size_t count) {
  std::vector<std::uint32_t> values(count);
  std::iota(values.begin(), values.end(), 1U);
  return values;
}

/// Three sections: 5000 numbers (five blocks), nothing, and seven bytes.
FileRef write_sample(const fs::Path& path) {
  auto writer = SectionFileWriter::create(fs::posix_file_system(), path, FileKind::ids, kSegmentId);
  REQUIRE(writer);
  const auto values = numbers(5000);
  REQUIRE(writer->begin_section(1, 4));
  REQUIRE(writer->append(std::as_bytes(std::span(values)).first(9'999)));
  REQUIRE(writer->append(std::as_bytes(std::span(values)).subspan(9'999)));
  REQUIRE(writer->begin_section(2, 8));
  REQUIRE(writer->begin_section(9, 1));
  REQUIRE(writer->append(base::as_bytes("nibbles")));
  auto ref = writer->finish();
  REQUIRE(ref);
  return *ref;
}

Result<std::shared_ptr<const SectionFile>> open_sample(const fs::Path& path, const FileRef* ref) {
  return SectionFile::open(fs::posix_file_system(), path, FileKind::ids, kSegmentId, ref);
}

/// All sections read through their verifiers: the error of damage(), if any was found.
Status read_everything(const SectionFile& file) {
  const auto values = numbers(5000);
  for (const std::uint32_t id : {1U, 2U, 9U}) {
    const auto section = file.section(id);
    if (!section) return std::unexpected(section.error());
    if (!section->verifier->ensure(0, section->bytes.size())) return file.damage();
    if (id == 1) REQUIRE(std::ranges::equal(section->bytes, std::as_bytes(std::span(values))));
    if (id == 9) REQUIRE(base::as_text(section->bytes) == "nibbles");
  }
  return file.damage();
}

void require_corruption(const Status& status, const fs::Path& path) {
  REQUIRE_FALSE(status);
  REQUIRE(status.error().code == ErrorCode::corruption);
  REQUIRE(test::contains(status.error().message, path.string()));
}

template <class T>
Status without_value(const Result<T>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

/// Changes the header and makes its checksum right again, as a hostile or newer writer could.
template <class Change>
void rewrite_header(const fs::Path& path, Change change) {
  auto bytes = test::bytes_of_file(path);
  change(bytes);
  base::store(bytes.data() + kChecksumOffset, base::crc32c(base::ByteSpan(bytes).first(kChecksumOffset)));
  test::put_file(path, bytes);
}

}  // namespace

TEST_CASE("a section file gives back what was written, by section, aligned and padded") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  const auto ref = write_sample(path);
  CHECK(ref.name == "ids");
  CHECK(ref.bytes == std::filesystem::file_size(path));
  const auto file = open_sample(path, &ref);
  REQUIRE(file);
  const auto first = (*file)->section(1);
  REQUIRE(first);
  CHECK(first->element_bytes == 4);
  CHECK(reinterpret_cast<std::uintptr_t>(first->bytes.data()) % 4096 == 0);
  const auto values = array_of<std::uint32_t>(**file, *first);
  REQUIRE(values);
  CHECK(std::ranges::equal(*values, numbers(5000)));
  CHECK((*file)->section(2)->bytes.empty());
  CHECK(base::as_text((*file)->section(9)->bytes) == "nibbles");
  // Vector instructions may read 64 bytes further than the last section.
  CHECK((*file)->section(9)->bytes.data() + 7 + 64 <= (*file)->section(1)->bytes.data() - kHeaderBytes + ref.bytes);
  CHECK((*file)->verify());
  CHECK((*file)->damage());
}

TEST_CASE("a section file is bound to its kind, its segment and the manifest's reference") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  auto ref = write_sample(path);
  auto& fs = fs::posix_file_system();
  require_corruption(without_value(SectionFile::open(fs, path, FileKind::vectors, kSegmentId, &ref)), path);
  require_corruption(without_value(SectionFile::open(fs, path, FileKind::ids, SegmentId{8}, &ref)), path);
  SECTION("another checksum") { ref.checksum ^= 1; }
  SECTION("another length") { ref.bytes += 1; }
  require_corruption(without_value(open_sample(path, &ref)), path);
  CHECK(open_sample(path, nullptr));
}

TEST_CASE("a missing section, and elements of another size, are corruption") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  const auto ref = write_sample(path);
  const auto file = open_sample(path, &ref);
  REQUIRE(file);
  require_corruption(without_value((*file)->section(3)), path);
  require_corruption(without_value(array_of<std::uint64_t>(**file, *(*file)->section(1))), path);
}

TEST_CASE("a section file is never written over, and a missing one is not_found") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  CHECK(open_sample(path, nullptr).error().code == ErrorCode::not_found);
  write_sample(path);
  const auto again = SectionFileWriter::create(fs::posix_file_system(), path, FileKind::ids, kSegmentId);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::already_exists);
}

TEST_CASE("a section file that is cut off anywhere is refused when it is opened") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  const auto ref = write_sample(path);
  const auto whole = test::bytes_of_file(path);
  std::vector<std::size_t> lengths = {0, 1, 7, 8, 55, 56, 4091, 4092, 4095, 4096, 4097};
  for (std::size_t length = 8192; length < whole.size(); length += 1024) lengths.push_back(length);
  for (std::size_t back = 1; back <= 130; ++back) lengths.push_back(whole.size() - back);
  for (const auto length : lengths) {
    CAPTURE(length);
    test::put_file(path, base::ByteSpan(whole).first(length));
    require_corruption(without_value(open_sample(path, &ref)), path);
    require_corruption(without_value(open_sample(path, nullptr)), path);
  }
  auto longer = whole;
  longer.push_back(std::byte{0});
  test::put_file(path, longer);
  require_corruption(without_value(open_sample(path, nullptr)), path);
}

TEST_CASE("no bit of a section file's header can change unnoticed") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  write_sample(path);
  auto bytes = test::bytes_of_file(path);
  for (std::size_t offset = 0; offset < kHeaderBytes; offset += offset < 200 || offset > 4080 ? 1 : 61) {
    CAPTURE(offset);
    bytes[offset] ^= std::byte{0x10};
    test::put_file(path, bytes);
    require_corruption(without_value(open_sample(path, nullptr)), path);
    bytes[offset] ^= std::byte{0x10};
  }
}

TEST_CASE("a changed bit behind the header is refused at once, found when touched, or was never data") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  const auto ref = write_sample(path);
  auto bytes = test::bytes_of_file(path);
  std::size_t found = 0;
  for (std::size_t offset = kHeaderBytes; offset < bytes.size(); offset += 101) {
    CAPTURE(offset);
    bytes[offset] ^= std::byte{0x01};
    test::put_file(path, bytes);
    const auto file = open_sample(path, &ref);
    const Status status = file ? read_everything(**file) : without_value(file);
    if (!status) {
      ++found;
      require_corruption(status, path);
    }
    bytes[offset] ^= std::byte{0x01};
  }
  CHECK(found >= 20'000 / 101);
}

TEST_CASE("a damaged block is found when it is touched, and not before") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  const auto ref = write_sample(path);
  test::flip_bit(path, kHeaderBytes + 2 * 4096 + 5, 3);
  const auto file = open_sample(path, &ref);
  REQUIRE(file);
  const auto section = (*file)->section(1);
  REQUIRE(section);
  CHECK(section->verifier->ensure(0, 8192));
  CHECK(section->verifier->ensure(3 * 4096, 100));
  CHECK((*file)->damage());
  CHECK_FALSE(section->verifier->ensure(8191, 2));
  require_corruption((*file)->damage(), path);
  CHECK(test::contains((*file)->damage().error().message, "offset " + std::to_string(kHeaderBytes + 8192)));
  CHECK_FALSE(section->verifier->ensure(8192, 1));
  CHECK(section->verifier->ensure(0, 0));
  require_corruption((*file)->verify(), path);
}

TEST_CASE("verify finds a damaged block that nobody touched") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  const auto ref = write_sample(path);
  test::flip_bit(path, kHeaderBytes + 4 * 4096 + 1);
  const auto file = open_sample(path, &ref);
  REQUIRE(file);
  CHECK((*file)->damage());
  require_corruption((*file)->verify(), path);
}

TEST_CASE("a section file of a future format version is refused by its number") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  write_sample(path);
  for (const std::uint32_t version : {0U, 2U, 0xFFFFFFFFU}) {
    rewrite_header(path, [&](auto& bytes) { base::store(bytes.data() + 8, version); });
    const auto file = open_sample(path, nullptr);
    require_corruption(without_value(file), path);
    CHECK(test::contains(file.error().message, "version " + std::to_string(version)));
  }
}

TEST_CASE("a header with a right checksum and impossible numbers is refused") {
  struct Change {
    std::size_t at;
    std::uint64_t value;
    std::size_t bytes;
  };
  // table_offset at 32, table_entries at 40, section_count at 48; from 56 on each section's id, element_bytes, offset, bytes.
  const std::vector<Change> changes = {{32, 4095, 8}, {32, 1ULL << 40, 8}, {32, ~0ULL, 8}, {32, 0, 8}, {40, ~0ULL, 4}, {48, 33, 4},
                                       {48, ~0ULL, 4}, {64, 1, 8}, {64, 0, 8}, {64, ~0ULL, 8}, {64, ~4095ULL, 8},
                                       {72, ~0ULL, 8}, {72, ~4094ULL, 8}, {72, 1ULL << 32, 8}};
  const test::TempFolder folder;
  const auto path = folder.path() / "ids";
  write_sample(path);
  const auto whole = test::bytes_of_file(path);
  for (const auto& change : changes) {
    CAPTURE(change.at, change.value);
    test::put_file(path, whole);
    rewrite_header(path, [&](auto& bytes) { std::memcpy(bytes.data() + change.at, &change.value, change.bytes); });
    require_corruption(without_value(open_sample(path, nullptr)), path);
  }
}
