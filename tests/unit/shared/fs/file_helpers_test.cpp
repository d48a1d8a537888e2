#include <atomic>
#include <thread>

#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using test::Call;
using test::Fault;

TEST_CASE("read_file reads all of a file, up to its limit") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  const auto path = folder.path() / "f";
  for (const std::size_t bytes : {0U, 1U, 4095U, 4096U, 4097U, 8192U, 100'000U}) {
    CAPTURE(bytes);
    const std::string text(bytes, 'x');
    test::put_file(path, base::as_bytes(text));
    const auto read = fs::read_file(fs, path, bytes);
    REQUIRE(read);
    CHECK(base::as_text(*read) == text);
    if (bytes == 0) continue;
    const auto refused = fs::read_file(fs, path, bytes - 1);
    REQUIRE_FALSE(refused);
    CHECK(test::contains(refused.error().message, path.string()));
  }
}

TEST_CASE("replace_file leaves the old content or the new, whichever call fails") {
  for (int fail_at = 0;; ++fail_at) {
    CAPTURE(fail_at);
    const test::TempFolder folder;
    test::FaultyFileSystem faulty;
    const auto path = folder.path() / "f";
    test::put_file(path, base::as_bytes("old"));
    int calls = 0;
    bool failed = false;
    faulty.set_rule([&](Call, const fs::Path&) -> std::optional<Fault> {
      if (calls++ != fail_at) return {};
      failed = true;
      return test::io_fault();
    });
    const auto replaced = fs::replace_file(faulty, path, base::as_bytes("new"));
    faulty.clear();
    const auto content = test::bytes_of_file(path);
    CHECK((base::as_text(content) == "old" || base::as_text(content) == "new"));
    if (replaced) CHECK(base::as_text(content) == "new");
    CHECK(faulty.list(folder.path())->size() == 1);  // no temporary file stays
    if (failed) continue;
    CHECK(replaced);
    CHECK(fail_at >= 4);
    break;
  }
}

TEST_CASE("an exclusive creation is all or nothing, and never over another file") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  const auto path = folder.path() / "f";
  REQUIRE(fs::create_file_exclusively(fs, path, base::as_bytes("first")));
  const auto second = fs::create_file_exclusively(fs, path, base::as_bytes("second"));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::already_exists);
  CHECK(base::as_text(test::bytes_of_file(path)) == "first");
  CHECK(fs.list(folder.path())->size() == 1);
}

TEST_CASE("a creation that fails before its commit point leaves nothing") {
  for (const auto failing : {Call::create_exclusive, Call::append, Call::sync, Call::link}) {
    const test::TempFolder folder;
    test::FaultyFileSystem faulty;
    faulty.set_rule([&](Call call, const fs::Path&) -> std::optional<Fault> {
      return call == failing ? std::optional(test::io_fault()) : std::nullopt;
    });
    CHECK_FALSE(fs::create_file_exclusively(faulty, folder.path() / "f", base::as_bytes("x")));
    faulty.clear();
    CHECK(faulty.list(folder.path())->empty());
  }
}

TEST_CASE("of many threads that create one file exactly one succeeds, with its whole content") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  std::atomic<int> created{0}, taken{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        const auto status = fs::create_file_exclusively(fs, folder.path() / "f", base::as_bytes(std::string(10'000, static_cast<char>('a' + t))));
        if (status) ++created;
        else if (status.error().code == ErrorCode::already_exists) ++taken;
      });
  }
  CHECK(created == 1);
  CHECK(taken == 7);
  const auto bytes = test::bytes_of_file(folder.path() / "f");
  CHECK(bytes == std::vector<std::byte>(10'000, bytes.at(0)));
}

TEST_CASE("remove_tree removes folders in folders, follows no links, and tells what it cannot remove") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  const auto tree = folder.path() / "tree";
  std::filesystem::create_directories(tree / "a" / "b" / "c");
  test::put_file(tree / "a" / "b" / "f", {});
  test::put_file(folder.path() / "outside", base::as_bytes("kept"));
  std::filesystem::create_directory(folder.path() / "kept");
  test::put_file(folder.path() / "kept" / "f", {});
  std::filesystem::create_symlink(folder.path() / "outside", tree / "link");
  std::filesystem::create_directory_symlink(folder.path() / "kept", tree / "a" / "link");
  REQUIRE(fs::remove_tree(fs, tree));
  CHECK_FALSE(std::filesystem::exists(tree));
  CHECK(std::filesystem::exists(folder.path() / "outside"));
  CHECK(std::filesystem::exists(folder.path() / "kept" / "f"));
  CHECK(fs::remove_tree(fs, tree).error().code == ErrorCode::not_found);
}
