#include <sys/stat.h>

#include <algorithm>

#include "shared/fs/file_system.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;

namespace {

fs::FileSystem& posix() { return fs::posix_file_system(); }

template <class T>
void require_error(const Result<T>& result, ErrorCode code, const fs::Path& path) {
  REQUIRE_FALSE(result);
  CHECK(result.error().code == code);
  CHECK(test::contains(result.error().message, path.string()));
}

std::vector<std::byte> pattern(std::size_t bytes) {
  std::vector<std::byte> out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::byte>(i * 131 >> 3);
  return out;
}

}  // namespace

TEST_CASE("a file is appended to, overwritten and read at any offset") {
  const test::TempFolder folder;
  const auto path = folder.path() / "f";
  {
    const auto file = posix().create_exclusive(path);
    REQUIRE(file);
    REQUIRE((*file)->append(base::as_bytes("hello ")));
    REQUIRE((*file)->append(base::as_bytes("")));
    REQUIRE((*file)->append(base::as_bytes("world")));
    REQUIRE((*file)->write_at(0, base::as_bytes("J")));
    REQUIRE((*file)->append(base::as_bytes("!")));  // still at the end
    REQUIRE((*file)->sync());
    CHECK((*file)->size().value() == 12);
  }
  const auto file = posix().open_read(path);
  REQUIRE(file);
  std::vector<std::byte> into(100);
  CHECK((*file)->read_at(0, into).value() == 12);
  CHECK(base::as_text(base::ByteSpan(into).first(12)) == "Jello world!");
  CHECK((*file)->read_at(6, std::span(into).first(3)).value() == 3);
  CHECK(base::as_text(base::ByteSpan(into).first(3)) == "wor");
  CHECK((*file)->read_at(10, into).value() == 2);
  CHECK((*file)->read_at(12, into).value() == 0);
  CHECK((*file)->read_at(1'000, into).value() == 0);
}

TEST_CASE("a file opened for reading cannot be appended to") {
  const test::TempFolder folder;
  const auto path = folder.path() / "f";
  test::put_file(path, base::as_bytes("x"));
  const auto file = posix().open_read(path);
  REQUIRE(file);
  CHECK_FALSE((*file)->append(base::as_bytes("y")));
  CHECK(std::filesystem::file_size(path) == 1);
}

TEST_CASE("a file opened for reading can be written over, unless it is another file by now") {
  const test::TempFolder folder;
  const auto path = folder.path() / "f";
  test::put_file(path, base::as_bytes("hello"));
  const auto file = posix().open_read(path);
  const auto late = posix().open_read(path);
  REQUIRE(file);
  REQUIRE(late);
  REQUIRE((*file)->write_at(1, base::as_bytes("al")));
  REQUIRE((*file)->sync());
  CHECK_FALSE((*file)->append(base::as_bytes("y")));
  CHECK(base::as_text(test::bytes_of_file(path)) == "hallo");
  std::filesystem::remove(path);
  test::put_file(path, base::as_bytes("other"));
  require_error((*late)->write_at(0, base::as_bytes("x")), ErrorCode::not_found, path);
  CHECK(base::as_text(test::bytes_of_file(path)) == "other");
}

TEST_CASE("an exclusive create never opens what is there") {
  const test::TempFolder folder;
  const auto path = folder.path() / "f";
  test::put_file(path, base::as_bytes("kept"));
  require_error(posix().create_exclusive(path), ErrorCode::already_exists, path);
  std::filesystem::create_symlink(folder.path() / "nowhere", folder.path() / "link");
  require_error(posix().create_exclusive(folder.path() / "link"), ErrorCode::already_exists, folder.path() / "link");
  CHECK(base::as_text(test::bytes_of_file(path)) == "kept");
}

TEST_CASE("what is missing is not_found, with its path") {
  const test::TempFolder folder;
  const auto path = folder.path() / "nobody";
  require_error(posix().open_read(path), ErrorCode::not_found, path);
  require_error(posix().map(path), ErrorCode::not_found, path);
  require_error(posix().remove(path), ErrorCode::not_found, path);
  require_error(posix().remove_directory(path), ErrorCode::not_found, path);
  require_error(posix().list(path), ErrorCode::not_found, path);
  require_error(posix().rename(path, folder.path() / "to"), ErrorCode::not_found, path);
  require_error(posix().sync_directory(path), ErrorCode::not_found, path);
  require_error(posix().create_exclusive(path / "below"), ErrorCode::not_found, path);
  CHECK_FALSE(posix().exists(path).value());
  CHECK_FALSE(posix().exists(path / "below").value());
}

TEST_CASE("mappings show the whole file, empty and large ones too") {
  const test::TempFolder folder;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{4097}, std::size_t{5} << 20}) {
    CAPTURE(bytes);
    const auto path = folder.path() / std::to_string(bytes);
    const auto written = pattern(bytes);
    test::put_file(path, written);
    const auto mapping = posix().map(path);
    REQUIRE(mapping);
    const auto mapped = (*mapping)->bytes();
    REQUIRE(mapped.size() == bytes);
    CHECK(std::ranges::equal(mapped, written));
    if (bytes >= (2U << 20)) CHECK(reinterpret_cast<std::uintptr_t>(mapped.data()) % (2U << 20) == 0);
  }
}

TEST_CASE("a mapping outlives the removal of its file") {
  const test::TempFolder folder;
  const auto path = folder.path() / "f";
  test::put_file(path, pattern(10'000));
  const auto mapping = posix().map(path);
  REQUIRE(mapping);
  REQUIRE(posix().remove(path));
  CHECK(std::ranges::equal((*mapping)->bytes(), pattern(10'000)));
}

TEST_CASE("rename replaces, link does not") {
  const test::TempFolder folder;
  const auto a = folder.path() / "a", b = folder.path() / "b", c = folder.path() / "c";
  test::put_file(a, base::as_bytes("a"));
  test::put_file(b, base::as_bytes("b"));
  require_error(posix().link(a, b), ErrorCode::already_exists, b);
  REQUIRE(posix().link(a, c));
  CHECK(base::as_text(test::bytes_of_file(c)) == "a");
  REQUIRE(posix().rename(a, b));
  CHECK(base::as_text(test::bytes_of_file(b)) == "a");
  CHECK(posix().list(folder.path()).value() == std::vector<std::string>{"b", "c"});
}

TEST_CASE("directories are made once, listed in order, and removed only when they are empty") {
  const test::TempFolder folder;
  const auto path = folder.path() / "d";
  REQUIRE(posix().make_directory(path));
  require_error(posix().make_directory(path), ErrorCode::already_exists, path);
  for (const char* name : {"10", "9", "a", ".hidden"}) test::put_file(path / name, {});
  CHECK(posix().list(path).value() == std::vector<std::string>{".hidden", "10", "9", "a"});
  REQUIRE(posix().sync_directory(path));
  CHECK_FALSE(posix().remove_directory(path));
  CHECK_FALSE(posix().remove(path));
  REQUIRE(fs::remove_tree(posix(), path));
  CHECK_FALSE(posix().exists(path).value());
}

TEST_CASE("a full device is no_space, and a directory is no file") {
  const test::TempFolder folder;
  const auto directory = posix().open_read(folder.path());
  if (directory) {
    std::vector<std::byte> into(10);
    CHECK_FALSE((*directory)->read_at(0, into));
  }
  CHECK(base::errno_error(ENOSPC, "x").code == ErrorCode::no_space);
  CHECK(base::errno_error(EDQUOT, "x").code == ErrorCode::no_space);
  CHECK(base::errno_error(EROFS, "x").code == ErrorCode::permission_denied);
  CHECK(base::errno_error(EIO, "x").code == ErrorCode::io_error);
}

TEST_CASE("a volume tells how much room it has, if it does") {
  const test::TempFolder folder;
  const auto free = posix().free_bytes(folder.path());
  REQUIRE(free);
  CHECK(*free < std::uint64_t{1} << 60);
  CHECK_FALSE(posix().free_bytes("/proc"));  // has none, and says 0 of 0
  CHECK_FALSE(posix().free_bytes(folder.path() / "missing"));
}
