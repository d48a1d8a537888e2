#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/cli/tool.hpp"

namespace ndb::cli {
namespace {

TEST_CASE("a folder's volume is tried, told with every check, and left as it was") {
  const test::TempFolder folder;
  const auto answer = tool::Tool::call({"probe", folder.path().string()});
  INFO(answer.out << answer.err);
  CHECK(answer.code == 0);
  for (const char* check : {"sync", "exclusive creation", "second names", "rename", "append", "mapping", "lock"})
    CHECK(answer.out.find(check) != std::string::npos);
  const auto json = tool::Tool::call({"probe", "--json", "--data-dir", folder.path().string()}).json();
  CHECK_FALSE(json.at("volume").at("type").as_string().empty());
  CHECK(json.at("findings").as_array().size() >= 10);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("what cannot be tried ends with exit code 1, a server with 2") {
  const test::TempFolder folder;
  const auto missing = tool::Tool::call({"probe", (folder.path() / "none").string(), "--json"});
  CHECK(missing.code == 1);
  CHECK(missing.json().at("verdict") == "unchecked");
  CHECK(tool::Tool::call({"probe", "--url", "http://127.0.0.1:1"}).code == 2);
}

}  // namespace
}  // namespace ndb::cli
