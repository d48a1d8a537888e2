#include "shared/format/pointer_files.hpp"

#include <string>

#include "shared/base/crc32c.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using namespace ndb::format;

namespace {

std::string hex(std::uint32_t value) {
  std::string text;
  for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[value >> shift & 15U];
  return text;
}

std::string with_checksum(std::string text) {
  const auto checksum = base::crc32c(base::as_bytes(text));
  return text + "checksum " + hex(checksum) + "\n";
}

}  // namespace

TEST_CASE("pointer files give back what was written, and are replaced") {
  auto& fs = fs::posix_file_system();
  const test::TempFolder folder;
  for (const std::uint64_t n : {std::uint64_t{1}, ~std::uint64_t{0}}) {
    REQUIRE(write_current(fs, folder.path(), {ManifestVersion{n}, n - 1}));
    REQUIRE(write_epoch(fs, folder.path(), {Epoch{n}, "17@host"}));
    REQUIRE(write_boundary(fs, folder.path(), {ManifestVersion{n}}));
    const auto current = read_current(fs, folder.path());
    REQUIRE(current);
    CHECK(current->version == ManifestVersion{n});
    CHECK(current->collection_uid == n - 1);
    const auto epoch = read_epoch(fs, folder.path());
    REQUIRE(epoch);
    CHECK(epoch->epoch == Epoch{n});
    CHECK(epoch->holder == "17@host");
    CHECK(read_boundary(fs, folder.path())->first_kept == ManifestVersion{n});
  }
  CHECK(fs.list(folder.path())->size() == 3);  // no temporary file stays
}

TEST_CASE("an absent BOUNDARY is the boundary 0; absent CURRENT and EPOCH are not_found") {
  auto& fs = fs::posix_file_system();
  const test::TempFolder folder;
  CHECK(read_boundary(fs, folder.path())->first_kept == ManifestVersion{0});
  CHECK(read_current(fs, folder.path()).error().code == ErrorCode::not_found);
  CHECK(read_epoch(fs, folder.path()).error().code == ErrorCode::not_found);
}

TEST_CASE("no byte of a pointer file can change unnoticed") {
  auto& fs = fs::posix_file_system();
  const test::TempFolder folder;
  REQUIRE(write_epoch(fs, folder.path(), {Epoch{41}, "17@host"}));
  const auto path = epoch_path(folder.path());
  const auto whole = test::bytes_of_file(path);
  for (std::size_t offset = 0; offset < whole.size(); ++offset)
    for (unsigned bit = 0; bit < 8; ++bit) {
      CAPTURE(offset, bit);
      auto bytes = whole;
      bytes[offset] ^= static_cast<std::byte>(1U << bit);
      test::put_file(path, bytes);
      const auto epoch = read_epoch(fs, folder.path());
      REQUIRE_FALSE(epoch);
      REQUIRE(epoch.error().code == ErrorCode::corruption);
      REQUIRE(test::contains(epoch.error().message, path.string()));
    }
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    test::put_file(path, base::ByteSpan(whole).first(length));
    const auto epoch = read_epoch(fs, folder.path());
    REQUIRE_FALSE(epoch);
    REQUIRE(epoch.error().code == ErrorCode::corruption);
  }
}

TEST_CASE("a pointer file of another kind, a newer format, or without its numbers is corruption") {
  auto& fs = fs::posix_file_system();
  const test::TempFolder folder;
  for (const std::string text : {"ndb epoch 1\nepoch 3\nholder x\n", "ndb current 2\nmanifest 3\ncollection 4\n",
                                 "ndb current 1\nmanifest 3\n", "ndb current 1\ncollection 4\n", "ndb current 1\n",
                                 "ndb current 1\nmanifest -3\ncollection 4\n", "ndb current 1\nmanifest 3x\ncollection 4\n",
                                 "ndb current 1\nmanifest 99999999999999999999\ncollection 4\n", "ndb current 1\nmanifest\n",
                                 "ndb current 1\nmanifest 3\ncollection 4", ""}) {
    CAPTURE(text);
    test::put_file(current_file_path(folder.path()), base::as_bytes(with_checksum(text)));
    const auto current = read_current(fs, folder.path());
    REQUIRE_FALSE(current);
    CHECK(current.error().code == ErrorCode::corruption);
  }
}

TEST_CASE("a pointer file that is far too long is refused without reading it all") {
  auto& fs = fs::posix_file_system();
  const test::TempFolder folder;
  const std::string text = with_checksum("ndb current 1\nmanifest 3\ncollection 4\nmore " + std::string(100'000, 'x') + "\n");
  test::put_file(current_file_path(folder.path()), base::as_bytes(text));
  CHECK(read_current(fs, folder.path()).error().code == ErrorCode::corruption);
}
