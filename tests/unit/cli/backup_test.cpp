#include <algorithm>

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
