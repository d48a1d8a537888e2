#include <random>
#include <set>

#include "tests/unit/cli/tool.hpp"

using namespace tool;

namespace {

std::vector<std::filesystem::path> files_under(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

void flip(const std::filesystem::path& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 0x10));
}

}  // namespace

TEST_CASE("an undamaged folder verifies, also while a writer is at it") {
  for (const Over over : {Over::folder, Over::server}) {
    const Tool tool(over);
    fill_two_segments(tool);
    const auto answer = Tool::call({"verify", "--json", "--data-dir", tool.data_dir()});
    CAPTURE(answer.out);
    CHECK(answer.code == 0);
    const auto report = answer.json().at("collections").as_array()[0].as_object();
    CHECK(report.at("ok") == true);
    CHECK(report.at("graphs").to_number<int>() >= 1);
    CHECK(report.at("rows").to_number<int>() >= 1499);
    CHECK(report.at("problems").as_array().empty());
    CHECK(Tool::call({"verify", "docs", "--data-dir", tool.data_dir()}).out.starts_with("docs: ok, manifest "));
  }
}

TEST_CASE("a flipped bit in any segment file is found and its file named") {
  const Tool tool;
  fill_two_segments(tool);
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::filesystem::path docs = std::filesystem::path(tool.data_dir()) / "docs";
  const auto manifest = tool.ok({"manifest", "docs", "--json"}).out;
  std::size_t tried = 0;
  for (const auto& path : files_under(docs / "segments")) {
    const auto folder_is_live = Tool::call({"verify", "--data-dir", tool.data_dir()}).code == 0;
    REQUIRE(folder_is_live);
    const auto at = random() % std::filesystem::file_size(path);
    CAPTURE(path, at);
    flip(path, at);
    const auto answer = Tool::call({"verify", "--data-dir", tool.data_dir()});
    flip(path, at);
    // A file that the newest manifest does not name any more is not read; padding between sections carries nothing.
    if (answer.code == 0) continue;
    ++tried;
    CHECK(answer.code == 1);
    CHECK(answer.out.find("DAMAGED") != std::string::npos);
    CHECK(answer.out.find(path.filename().string()) != std::string::npos);
  }
  CHECK(tried >= 4);
}

TEST_CASE("damage in the manifest and a missing file are found") {
  const Tool tool;
  fill_two_segments(tool);
  const std::filesystem::path docs = std::filesystem::path(tool.data_dir()) / "docs";
  const auto newest = files_under(docs / "manifest").back();
  flip(newest, std::filesystem::file_size(newest) / 2);
  CHECK(Tool::call({"verify", "--data-dir", tool.data_dir()}).code == 1);
  flip(newest, std::filesystem::file_size(newest) / 2);
  CHECK(Tool::call({"verify", "--data-dir", tool.data_dir()}).code == 0);
  std::filesystem::remove_all(docs / "segments");
  const auto gone = Tool::call({"verify", "--data-dir", tool.data_dir()});
  CHECK(gone.code == 1);
  CHECK(gone.out.find("DAMAGED") != std::string::npos);
}

TEST_CASE("a log that is cut off is a note, not damage") {
  const Tool tool;
  fill_two_segments(tool);
  const std::filesystem::path docs = std::filesystem::path(tool.data_dir()) / "docs";
  std::filesystem::path log;
  for (const auto& path : files_under(docs / "wal"))
    if (std::filesystem::file_size(path) > 64) log = path;
  REQUIRE_FALSE(log.empty());
  std::ofstream(log, std::ios::binary | std::ios::app) << "torn";
  const auto answer = Tool::call({"verify", "--data-dir", tool.data_dir()});
  CAPTURE(answer.out);
  CHECK(answer.code == 0);
  CHECK(answer.out.find("are no whole batch") != std::string::npos);
}

TEST_CASE("verify refuses what it cannot look at") {
  const Tool tool;
  CHECK(Tool::call({"verify", "--url", "http://127.0.0.1:1"}).code == 2);
  CHECK(Tool::call({"verify", "--data-dir", "/nonexistent/folder"}).code == 1);
  tool.ok({"create", "docs", "--dim", "2"});
  CHECK(Tool::call({"verify", "nothere", "--data-dir", tool.data_dir()}).code == 1);
}

TEST_CASE("a damaged collection is repaired on request, and what is lost is said") {
  for (const bool as_json : {false, true}) {
    const Tool tool;
    fill_two_segments(tool);
    const std::filesystem::path docs = std::filesystem::path(tool.data_dir()) / "docs";
    const auto payloads = files_under(docs / "segments").front().parent_path() / "payloads";
    flip(payloads, 4096);
    CHECK(Tool::call({"verify", "--data-dir", tool.data_dir()}).code == 1);
    std::vector<std::string> words = {"verify", "--repair", "--data-dir", tool.data_dir()};
    if (as_json) words.emplace_back("--json");
    const auto answer = Tool::call(words);
    CAPTURE(answer.out, answer.err);
    CHECK(answer.code == 0);
    if (as_json) {
      const auto report = answer.json().at("collections").at(0).as_object();
      CHECK(report.at("ok") == true);
      CHECK(report.at("repaired").at("lost_documents").to_number<int>() > 0);
      CHECK(report.at("repaired").at("lost_ids").as_array().size() == report.at("repaired").at("lost_documents").to_number<std::size_t>());
      CHECK(std::filesystem::exists(std::string(report.at("repaired").at("evidence").as_string())));
    } else {
      for (const std::string part : {"docs: repaired as manifest", "was damaged: ", "4096 bytes at offset 4096", "lost: segment", "lost document: ",
                                     "set aside: ", "docs: ok"})
        CHECK(answer.out.find(part) != std::string::npos);
    }
    CHECK(Tool::call({"verify", "--data-dir", tool.data_dir()}).code == 0);
    CHECK(Tool::call({"verify", "--repair", "--data-dir", tool.data_dir()}).out.starts_with("docs: ok"));
    tool.ok({"import", "docs", tool.file("after.jsonl", "{\"id\":\"z\",\"vector\":[1,2,3]}\n"), "-q"});
  }
}

TEST_CASE("damage in what only an old version needs is found as long as old versions are kept") {
  const Tool tool;
  fill_two_segments(tool);
  tool.ok({"history", "docs", "--retention", "1h"});
  // From now on every version is kept; this one has these segments.
  std::set<std::uint64_t> ids;
  const auto manifest = tool.json({"manifest", "docs"});
  for (const auto& segment : manifest.at("segments").as_array()) ids.insert(segment.at("id").to_number<std::uint64_t>());
  tool.ok({"delete", "docs", "--filter", R"({"n":{"$gte":0}})"});
  tool.ok({"compact", "docs"});
  const auto verify = [&] { return Tool::call({"verify", "docs", "--data-dir", tool.data_dir()}); };
  const auto sound = verify();
  CAPTURE(sound.out);
  CHECK(sound.code == 0);
  CHECK(sound.out.find(" old ones, ") != std::string::npos);
  std::size_t tried = 0;
  for (const auto& path : files_under(std::filesystem::path(tool.data_dir()) / "docs" / "segments")) {
    if (path.filename() != "vectors" || !ids.contains(std::stoull(path.parent_path().filename().string()))) continue;
    ++tried;
    CAPTURE(path);
    const auto bytes = std::filesystem::file_size(path);
    if (bytes > 16'384) {  // not that of a single row, which is mostly padding
      flip(path, bytes / 2);
      const auto damaged = verify();
      flip(path, bytes / 2);
      CHECK(damaged.code == 1);
      CHECK(damaged.out.find("(needed by version ") != std::string::npos);
    }
    std::filesystem::rename(path, path.string() + ".gone");
    const auto lost = verify();
    std::filesystem::rename(path.string() + ".gone", path);
    CHECK(lost.code == 1);
    CHECK(lost.out.find("(needed by version ") != std::string::npos);
  }
  CHECK(tried >= 2);
  CHECK(verify().code == 0);
}
