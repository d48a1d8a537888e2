// ndb import is killed with SIGKILL at random moments, again and again, and started anew with the same words. In the end there must be
// exactly what one undisturbed import makes: every document once, every reject once.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <random>
#include <thread>

#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/tool_process.hpp"

using namespace ndb;

namespace {

constexpr int kRows = 12'000;
constexpr int kBatchRows = 40;
constexpr int kKills = 24;

/// Two files, so that the place between them is met, too; every 97th line is no record.
void write_sources(const std::filesystem::path& folder, std::mt19937& random) {
  for (const int part : {0, 1}) {
    std::ofstream file(folder / fmt::format("part-{}.jsonl", part));
    for (int i = 0; i < kRows / 2; ++i) {
      const int row = part * kRows / 2 + i;
      if (row % 97 == 5) file << "line " << row << " is broken\n";
      else file << fmt::format(R"({{"id":"d{}","vector":[{},{},1],"payload":{{"row":{},"text":"{}"}}}})", row, random() % 1000, random() % 1000, row,
                               std::string(random() % 60, 'x')) << '\n';
    }
  }
}

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// Returns when the import has done that many batches more, or has ended. Nothing but the state's length is looked at.
void wait_for_batches(test::ToolProcess& tool, const std::filesystem::path& state, std::uintmax_t batches) {
  constexpr std::uintmax_t kShortestLine = 150;  // bytes of a batch's line
  std::error_code error;
  std::uintmax_t start = 0;
  while (!tool.ended()) {
    const auto now = std::filesystem::file_size(state, error);
    if (!error && start == 0) start = now;
    if (!error && now >= start + batches * kShortestLine) return;
    std::this_thread::sleep_for(std::chrono::microseconds(200));  // between looks at the condition
  }
}

}  // namespace

TEST_CASE("an import that is killed again and again ends with what one in peace makes") {
  for (const auto seed : test::seeds(1)) {
    CAPTURE(seed);
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    const test::TempFolder folder;
    write_sources(folder.path(), random);
    const auto words = [&](const std::string& data, const std::string& rejects) {
      return std::vector<std::string>{"import", "docs", (folder.path() / "part-*.jsonl").string(), "--create", "--batch-rows", std::to_string(kBatchRows), "--data-dir",
                                      (folder.path() / data).string(), "--rejects", (folder.path() / rejects).string(), "--state",
                                      (folder.path() / (data + ".state")).string(), "--json"};
    };
    const auto output = folder.path() / "output";
    test::run_tool(NDB_TOOL_BINARY, words("peace", "peace.rejects"), output);

    int kills = 0, resumed = 0;
    std::uint64_t seq = 0;
    for (bool done = false; !done;) {
      test::ToolProcess tool(NDB_TOOL_BINARY, words("killed", "killed.rejects"), output);
      if (kills < kKills) wait_for_batches(tool, folder.path() / "killed.state", random() % (kRows / kBatchRows / kKills));
      if (kills < kKills && !tool.ended()) {
        tool.kill();
        ++kills;
      }
      done = tool.wait() == 0;
      resumed += tool.output().find("going on after") != std::string::npos ? 1 : 0;
      if (!done) continue;
      const auto text = tool.output();
      const auto answer = boost::json::parse(text.substr(text.find("{\"rows\""))).as_object();
      CHECK(answer.at("rows").to_number<int>() + answer.at("rejected").to_number<int>() == kRows);
      seq = answer.at("seq").to_number<std::uint64_t>();
    }
    CHECK(kills >= 20);
    CHECK(resumed >= kKills / 2);
    const auto exported = [&](const std::string& data) {
      return test::run_tool(NDB_TOOL_BINARY, {"export", "docs", "--data-dir", (folder.path() / data).string()}, output);
    };
    CHECK(exported("killed") == exported("peace"));
    CHECK(content(folder.path() / "killed.rejects") == content(folder.path() / "peace.rejects"));
    CHECK(content(folder.path() / "peace.rejects").size() > 100 * (kRows / 97));
    // What was done twice is at most one batch a kill, and replaced itself.
    CHECK(seq <= kRows + static_cast<std::uint64_t>(kills) * kBatchRows);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "killed.state"));
  }
}
