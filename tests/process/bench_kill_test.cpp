// ndb bench is killed with SIGKILL in the middle: what it made is removed all the same, by its second process.
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "tests/support/temp_folder.hpp"
#include "tests/support/tool_process.hpp"

using namespace ndb;
namespace fs = std::filesystem;

namespace {

template <class Condition>
bool holds_soon(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // between looks at the condition
  }
  return true;
}

bool has_collection(const fs::path& work) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(work, error))
    if (fs::exists(entry.path() / "data" / "bench" / "CURRENT", error)) return true;
  return false;
}

}  // namespace

TEST_CASE("a bench that is killed leaves nothing behind") {
  const test::TempFolder folder;
  const auto work = folder.path() / "work";
  fs::create_directory(work);
  // Standard input that does not end: the bench waits for more rows when it is killed.
  fs::path pipe = folder.path() / "rows.jsonl";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  test::ToolProcess tool(NDB_TOOL_BINARY, {"bench", pipe.string(), "--work-dir", work.string()}, folder.path() / "output");
  std::ofstream rows(pipe);  // returns when the tool reads
  for (int i = 0; i < 5'000; ++i) rows << "{\"id\":\"r" << i << "\",\"vector\":[" << i << ",1]}\n";
  rows << std::flush;
  INFO(tool.output());
  REQUIRE(holds_soon([&] { return has_collection(work); }));
  REQUIRE_FALSE(tool.ended());
  tool.kill();
  CHECK(holds_soon([&] { return fs::is_empty(work); }));
}
