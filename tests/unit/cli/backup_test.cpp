#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <functional>

#include "cli/backup/backup_list.hpp"
#include "tests/support/must.hpp"
#include "tests/unit/cli/tool.hpp"

using namespace tool;
namespace fs = std::filesystem;

namespace {

std::string place(const Tool& tool, const std::string& name) { return (fs::path(tool.data_dir()).parent_path() / name).string(); }

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

void flip_bit(const fs::path& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 0x10));
}

}  // namespace

TEST_CASE("what is restored from a backup is what was backed up") {
  for (const Over over : {Over::folder, Over::server})
    for (const bool copy : {false, true}) {
      const Tool tool(over);
      fill_two_segments(tool);
      const auto before = tool.ok({"export", "docs"}).out;
      const auto folder = place(tool, "backup"), restored = place(tool, "restored");
      std::vector<std::string> words = {"backup", folder, "--data-dir", tool.data_dir(), "--json"};
      if (copy) words.emplace_back("--copy");
      const auto made = Tool::call(words);
      INFO(made.err);
      REQUIRE(made.code == 0);
      CHECK((made.json().at("bytes_copied").to_number<int>() > 0) == copy);
      CHECK(made.json().at("collections").at(0).at("seq").to_number<int>() == 1504);

      const auto checked = Tool::call({"verify", "--data-dir", folder});
      CHECK(checked.out.starts_with("docs: ok, manifest "));
      CHECK(checked.out.find("note") == std::string::npos);
      CHECK(Tool::call({"export", "docs", "--data-dir", folder}).out == before);  // a backup can be read as it is

      const auto back = Tool::call({"restore", folder, "--data-dir", restored, "--json"});
      INFO(back.err);
      REQUIRE(back.code == 0);
      CHECK(Tool::call({"export", "docs", "--data-dir", restored}).out == before);
      CHECK(Tool::call({"verify", "--data-dir", restored}).code == 0);
      // It is written to like any other, and what it came from does not change.
      CHECK(Tool::call({"delete", "docs", "x", "--data-dir", restored}).code == 0);
      CHECK(Tool::call({"compact", "docs", "--data-dir", restored}).code == 0);
      CHECK(Tool::call({"count", "docs", "--data-dir", restored}).out == "1499\n");
      CHECK(Tool::call({"verify", "--data-dir", folder}).code == 0);
      CHECK(tool.ok({"export", "docs"}).out == before);
    }
}

TEST_CASE("a restored collection is another one, under any name") {
  const Tool tool;
  fill_two_segments(tool);
  const auto folder = place(tool, "backup");
  REQUIRE(Tool::call({"backup", folder, "docs", "--data-dir", tool.data_dir()}).code == 0);
  const auto exists = Tool::call({"restore", folder, "--data-dir", tool.data_dir()});
  CHECK(exists.code == 1);
  CHECK(exists.err.find("'docs' exists already") != std::string::npos);
  REQUIRE(Tool::call({"restore", folder, "docs", "--as", "again", "--data-dir", tool.data_dir(), "--link"}).code == 0);
  CHECK(tool.ok({"export", "again"}).out == tool.ok({"export", "docs"}).out);
  const auto uid = [&](const char* name) { return tool.json({"manifest", name}).at("collection_uid").as_string(); };
  CHECK(uid("again") != uid("docs"));
  CHECK(tool.json({"manifest", "again"}).at("name") == "again");
}

TEST_CASE("a backup against an earlier one uses its files, and outlives it") {
  const Tool tool;
  fill_two_segments(tool);
  const auto first = place(tool, "first"), second = place(tool, "second");
  REQUIRE(Tool::call({"backup", first, "--copy", "--data-dir", tool.data_dir()}).code == 0);
  tool.ok({"import", "docs", tool.file("new.jsonl", "{\"id\":\"new\",\"vector\":[7,2,3]}\n"), "--flush", "-q"});
  const auto answer = Tool::call({"backup", second, "--against", first, "--copy", "--json", "--data-dir", tool.data_dir()}).json();
  CHECK(answer.at("bytes_reused").to_number<int>() > 50'000);
  CHECK(answer.at("bytes_copied").to_number<int>() > 0);
  CHECK(answer.at("bytes_copied").to_number<int>() < answer.at("bytes_reused").to_number<int>());
  fs::remove_all(first);
  CHECK(Tool::call({"verify", "--data-dir", second}).code == 0);
  CHECK(Tool::call({"export", "docs", "--data-dir", second}).out == tool.ok({"export", "docs"}).out);
  CHECK(Tool::call({"backup", place(tool, "third"), "--against", first, "--data-dir", tool.data_dir()}).code == 1);
}

TEST_CASE("damage anywhere in a backup is found, and never restored") {
  const Tool tool;
  fill_two_segments(tool);
  const auto folder = place(tool, "backup"), restored = place(tool, "restored");
  REQUIRE(Tool::call({"backup", folder, "--copy", "--data-dir", tool.data_dir()}).code == 0);
  std::size_t tried = 0;
  for (const auto& path : files_in(folder)) {
    const auto bytes = fs::file_size(path);
    CAPTURE(path, bytes);
    // A block's padding carries nothing, but the first bytes of a file and the middle of its first section always do.
    for (const std::uint64_t at : {std::uint64_t{0}, std::min<std::uint64_t>(bytes - 1, 4096 + 8)}) {
      flip_bit(path, at);
      const auto answer = Tool::call({"verify", "--data-dir", folder});
      const auto refused = Tool::call({"restore", folder, "--data-dir", restored});
      flip_bit(path, at);
      CHECK(answer.code == 1);
      CHECK(refused.code == 1);
      CHECK((!fs::exists(restored) || fs::is_empty(restored)));
      ++tried;
    }
  }
  CHECK(tried >= 24);
  // The end of the log: where it is cut off, a live collection would look as after a crash.
  fs::path log;
  for (const auto& path : files_in(fs::path(folder) / "docs" / "wal"))
    if (fs::file_size(path) > 64) log = path;
  REQUIRE_FALSE(log.empty());
  fs::resize_file(log, 64);
  CHECK(Tool::call({"verify", "--data-dir", folder}).code == 1);
  CHECK(Tool::call({"restore", folder, "--data-dir", restored}).code == 1);
  fs::remove_all(fs::path(folder) / "docs");
  CHECK(Tool::call({"verify", "--data-dir", folder}).code == 1);
}

TEST_CASE("backup and restore refuse what they must not do") {
  const Tool tool;
  tool.ok({"create", "docs", "--dim", "2"});
  CHECK(Tool::call({"backup", place(tool, "b"), "--url", "http://127.0.0.1:1"}).code == 2);
  CHECK(Tool::call({"restore", place(tool, "b"), "--url", "http://127.0.0.1:1"}).code == 2);
  CHECK(Tool::call({"backup", tool.data_dir(), "--data-dir", tool.data_dir()}).err.find("is not empty") != std::string::npos);
  CHECK(Tool::call({"backup", place(tool, "b"), "nothere", "--data-dir", tool.data_dir()}).code == 1);
  CHECK_FALSE(fs::exists(place(tool, "b")));
  REQUIRE(Tool::call({"backup", place(tool, "b"), "--data-dir", tool.data_dir()}).code == 0);
  CHECK(Tool::call({"backup", place(tool, "b"), "--data-dir", tool.data_dir()}).err.find("is a backup already") != std::string::npos);
  CHECK(Tool::call({"restore", place(tool, "b"), "other", "--data-dir", place(tool, "new")}).code == 1);
  CHECK(Tool::call({"restore", place(tool, "b"), "--as", "x", "--data-dir", place(tool, "new")}).code == 2);
  fs::remove(fs::path(place(tool, "b")) / "BACKUP");  // as a backup that was killed leaves it
  CHECK(Tool::call({"restore", place(tool, "b"), "--data-dir", place(tool, "new")}).err.find("no whole backup") != std::string::npos);
  CHECK_FALSE(fs::exists(place(tool, "new")));
}

namespace {

/// A backup that somebody else made, or changed, and what is next to it and not meant to be read.
struct HostileBackup {
  Tool tool;
  std::string folder = place(tool, "backup"), restored = place(tool, "restored"), outside = place(tool, "outside");
  fs::path collection = fs::path(folder) / "docs";

  HostileBackup() {
    fill_two_segments(tool);
    REQUIRE(Tool::call({"backup", folder, "--copy", "--data-dir", tool.data_dir()}).code == 0);
    std::ofstream(outside) << "not yours";
  }
  /// Its list, changed, with the right checksum.
  void rewrite(const std::function<void(ndb::cli::BackupList&)>& change) const {
    auto list = ndb::test::must(ndb::cli::read_backup_list(folder));
    change(list);
    fs::remove(fs::path(folder) / "BACKUP");
    ndb::test::must(ndb::cli::write_backup_list(folder, list));
  }
  [[nodiscard]] fs::path a_segment_file() const {
    for (const auto& path : files_in(collection / "segments")) return path;
    FAIL("there are no segments");
    return {};
  }
  /// Neither restored, nor called sound, nor used by another backup; and nobody waits for a pipe.
  void check_refused(const char* why) const {
    for (const bool link : {false, true}) {
      std::vector<std::string> words = {"restore", folder, "--data-dir", restored};
      if (link) words.emplace_back("--link");
      const auto answer = Tool::call(words);
      INFO(answer.out << answer.err);
      CHECK(answer.code == 1);
      CHECK(answer.err.find(why) != std::string::npos);
      CHECK((!fs::exists(restored) || fs::is_empty(restored)));
    }
    CHECK(Tool::call({"verify", "--data-dir", folder}).code == 1);
    CHECK(fs::file_size(outside) == 9);
  }
  void check_not_used() const {
    const auto next = place(tool, "next");
    CHECK(Tool::call({"backup", next, "--against", folder, "--data-dir", tool.data_dir()}).code == 1);
    CHECK_FALSE(fs::exists(next));
  }
};

}  // namespace

TEST_CASE("a backup's list leads nowhere else") {
  for (const std::string path : {"../outside", "segments/../../../outside", "/etc/hostname", "..", ""}) {
    CAPTURE(path);
    const HostileBackup backup;
    backup.rewrite([&](ndb::cli::BackupList& list) { list.collections[0].files.push_back({.path = path, .bytes = 9}); });
    backup.check_refused("outside the backup");
    backup.check_not_used();
  }
  for (const std::string name : {"../docs", "/docs", "..", ""}) {
    CAPTURE(name);
    const HostileBackup backup;
    backup.rewrite([&](ndb::cli::BackupList& list) { list.collections[0].name = name; });
    backup.check_refused("name");
  }
}

TEST_CASE("links in a backup are not followed, wherever they lead") {
  using Change = std::function<void(const HostileBackup&)>;
  const auto replace_by_link = [](const fs::path& path, const fs::path& to) {
    fs::rename(path, to);  // with the very content that belongs there
    fs::create_symlink(to, path);
  };
  const Change changes[] = {
      [&](const HostileBackup& backup) { replace_by_link(backup.a_segment_file(), place(backup.tool, "elsewhere")); },
      [&](const HostileBackup& backup) { replace_by_link(backup.collection / "segments", place(backup.tool, "elsewhere")); },
      [&](const HostileBackup& backup) { replace_by_link(backup.collection / "EPOCH", place(backup.tool, "elsewhere")); },
      [&](const HostileBackup& backup) { replace_by_link(backup.collection, place(backup.tool, "elsewhere")); },
      [&](const HostileBackup& backup) { replace_by_link(fs::path(backup.folder) / "BACKUP", place(backup.tool, "elsewhere")); },
      [&](const HostileBackup& backup) { fs::create_symlink(backup.outside, backup.a_segment_file().parent_path() / "more"); },
      [&](const HostileBackup& backup) { fs::create_symlink("/dev/zero", backup.collection / "wal" / "more"); },
  };
  for (const auto& change : changes) {
    CAPTURE(&change - changes);
    const HostileBackup backup;
    change(backup);
    backup.check_refused("no plain f");
    backup.check_not_used();
  }
}

TEST_CASE("pipes and devices in a backup are not opened") {
  for (const char* const name : {"segment", "more", "manifest", "EPOCH", "BACKUP"}) {
    CAPTURE(name);
    const HostileBackup backup;
    const std::string which = name;
    fs::path path = which == "BACKUP" ? fs::path(backup.folder) / name : backup.collection / name;
    if (which == "segment") path = backup.a_segment_file();
    if (which == "more") path = backup.a_segment_file().parent_path() / "more";
    if (which == "manifest") path = files_in(backup.collection / "manifest").front();
    for (const bool device : {false, true}) {
      fs::remove(path);
      // What is linked by another name is no other thing: a pipe stays a pipe.
      const auto made = place(backup.tool, "odd");
      if ((device ? ::mknod(made.c_str(), S_IFCHR | 0600, makedev(1, 5)) : ::mkfifo(made.c_str(), 0600)) != 0) continue;  // devices are for root
      fs::create_hard_link(made, path);
      fs::remove(made);
      backup.check_refused("no plain f");
      backup.check_not_used();
    }
  }
}

TEST_CASE("a file that is linked into a backup from elsewhere is no part of it") {
  const HostileBackup backup;
  const auto segment = backup.a_segment_file();
  fs::create_hard_link(backup.outside, segment.parent_path() / "more");
  REQUIRE(Tool::call({"restore", backup.folder, "--data-dir", backup.restored}).code == 0);
  for (const auto& path : files_in(backup.restored)) CHECK(path.filename() != "more");
  fs::remove_all(backup.restored);
  // In the place of one that belongs there, and as long: its checksums are wrong.
  const auto bytes = fs::file_size(segment);
  fs::remove(segment);
  fs::create_hard_link(backup.outside, segment);
  fs::resize_file(backup.outside, bytes);
  CHECK(Tool::call({"restore", backup.folder, "--data-dir", backup.restored}).code == 1);
  CHECK(fs::is_empty(backup.restored));
}
