// ndb bench is killed with SIGKILL in the middle: what it made is removed all the same, by its second process.
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  const int own_input = ::dup(STDIN_FILENO);
  REQUIRE(::dup2(pipe[0], STDIN_FILENO) == STDIN_FILENO);
  test::ToolProcess tool(NDB_TOOL_BINARY, {"bench", "-", "--work-dir", work.string()}, folder.path() / "output");
  REQUIRE(::dup2(own_input, STDIN_FILENO) == STDIN_FILENO);
  ::close(own_input);
  std::string rows;
  for (int i = 0; i < 5'000; ++i) rows += fmt::format("{{\"id\":\"r{0}\",\"vector\":[{0},1]}}\n", i);
  // In pieces, as a pipe holds less; the reading end stays open here, so that a tool that ends is no SIGPIPE.
  for (std::size_t at = 0; at < rows.size() && !tool.ended();) {
    pollfd room{pipe[1], POLLOUT, 0};
    if (::poll(&room, 1, 100) != 1) continue;
    const auto written = ::write(pipe[1], rows.data() + at, std::min<std::size_t>(PIPE_BUF, rows.size() - at));
    REQUIRE(written > 0);
    at += static_cast<std::size_t>(written);
  }
  INFO(tool.output());
  REQUIRE(holds_soon([&] { return has_collection(work); }));
  REQUIRE_FALSE(tool.ended());
  tool.kill();
  CHECK(holds_soon([&] { return fs::is_empty(work); }));
  for (const int end : pipe) ::close(end);
}
