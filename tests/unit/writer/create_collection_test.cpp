#include "writer/create_collection.hpp"

#include <set>

#include "tests/unit/writer/writer_bench.hpp"

using namespace ndb;
using namespace ndb::writer;

namespace {
const CollectionConfig kConfig{.dim = 3, .distance = Distance::dot, .durability = Durability::sync, .hnsw = {8, 50, 20}};
}

TEST_CASE("a created collection has a first manifest with its configuration") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  REQUIRE(create_collection(fs, folder.path(), "docs", kConfig));
  const auto manifest = newest_manifest(fs, folder.path() / "docs");
  REQUIRE(manifest);
  CHECK(manifest->version == ManifestVersion{1});
  CHECK(manifest->name == "docs");
  CHECK(manifest->config == kConfig);
  CHECK(manifest->collection_uid != 0);
  CHECK(fs.list(folder.path())->size() == 1);
  CHECK(*fs.exists(format::boundary_path(folder.path() / "docs")));  // looked up too early, it would be invisible for long
}

TEST_CASE("a name that is taken is refused, by a collection or anything else") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  REQUIRE(create_collection(fs, folder.path(), "docs", kConfig));
  const auto uid = newest_manifest(fs, folder.path() / "docs")->collection_uid;
  const auto again = create_collection(fs, folder.path(), "docs", kConfig);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::already_exists);
  CHECK(newest_manifest(fs, folder.path() / "docs")->collection_uid == uid);
  test::put_file(folder.path() / "file", {});
  CHECK(create_collection(fs, folder.path(), "file", kConfig).error().code == ErrorCode::already_exists);
}

TEST_CASE("of two creators that meet, one wins and the other is told") {
  const test::TempFolder folder;
  test::FaultyFileSystem faulty;
  bool met = false;
  faulty.set_rule([&](test::Call call, const fs::Path& path) -> std::optional<test::Fault> {
    if (call == test::Call::rename && path.filename() == "docs" && !met) {
      met = true;
      test::must(create_collection(fs::posix_file_system(), folder.path(), "docs", {.dim = 7}));
    }
    return {};
  });
  const auto second = create_collection(faulty, folder.path(), "docs", kConfig);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::already_exists);
  CHECK(newest_manifest(faulty, folder.path() / "docs")->config.dim == 7);
  CHECK(faulty.list(folder.path())->size() == 1);
}

TEST_CASE("a creation that fails anywhere leaves a whole collection or none") {
  for (int fail_at = 0;; ++fail_at) {
    CAPTURE(fail_at);
    const test::TempFolder folder;
    test::FaultyFileSystem faulty;
    int calls = 0;
    bool failed = false;
    faulty.set_rule([&](test::Call, const fs::Path&) -> std::optional<test::Fault> {
      if (calls++ != fail_at) return {};
      failed = true;
      return test::Fault{{ErrorCode::no_space, "full", {}}};
    });
    const auto created = create_collection(faulty, folder.path(), "docs", kConfig);
    faulty.clear();
    if (!failed) {
      CHECK(created);
      CHECK(fail_at > 20);
      break;
    }
    // Removing a temporary may fail without harm; everything else is told.
    if (std::filesystem::exists(folder.path() / "docs")) CHECK(newest_manifest(faulty, folder.path() / "docs"));
    else REQUIRE(create_collection(faulty, folder.path(), "docs", kConfig));
  }
}

TEST_CASE("a dropped collection is gone with its files, and its name is free") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  REQUIRE(create_collection(fs, folder.path(), "docs", kConfig));
  REQUIRE(drop_collection(fs, folder.path(), "docs"));
  CHECK(fs.list(folder.path())->empty());
  REQUIRE(create_collection(fs, folder.path(), "docs", kConfig));
  CHECK(drop_collection(fs, folder.path(), "other").error().code == ErrorCode::not_found);
}

TEST_CASE("what a killed process was dropping or creating is swept; a creation under way and strange folders stay") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  REQUIRE(create_collection(fs, folder.path(), "docs", kConfig));
  const auto made = [&](const std::string& name, std::chrono::minutes age) {
    std::filesystem::create_directories(folder.path() / name / "segments" / "00000000000000000001");
    test::put_file(folder.path() / name / "segments" / "00000000000000000001" / "ids", {});
    std::filesystem::last_write_time(folder.path() / name, std::filesystem::file_time_type::clock::now() - age);
  };
  const std::string number = "00000000000000000007";
  made(".a.dropped-" + number, std::chrono::minutes(0));
  made(".a.new-" + number, std::chrono::minutes(61));
  const std::set<std::string> stays = {".b.new-" + number, ".git", ".dropped-", ".a.new-7", "." + number};
  for (const auto& name : stays) made(name, name.starts_with(".b") ? std::chrono::minutes(59) : std::chrono::minutes(600));
  sweep_leftovers(fs, folder.path());
  auto left = *fs.list(folder.path());
  std::erase(left, "docs");
  CHECK(std::set<std::string>(left.begin(), left.end()) == stays);
  CHECK(newest_manifest(fs, folder.path() / "docs"));
}
