#include "examples/text_search/passages.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace ndb::text_search;

namespace {

std::vector<Passage> passages_of(const std::string& content) {
  const ndb::test::TemporaryFolder folder;
  std::ofstream(folder / "f", std::ios::binary) << content;
  auto passages = read_passages(folder / "f");
  REQUIRE(passages);
  return *passages;
}

}  // namespace

TEST_CASE("paragraphs become passages that know their line") {
  const auto passages = passages_of("\n  one\ttwo \nthree\r\n\n\nfour\n");
  REQUIRE(passages.size() == 2);
  CHECK(passages[0].line == 2);
  CHECK(passages[0].text == "one two three");
  CHECK(passages[1].line == 6);
  CHECK(passages[1].text == "four");
}

TEST_CASE("long paragraphs are cut, also inside one line, at whole characters") {
  std::string line;
  for (int i = 0; i < 400; ++i) line += "ü";
  const auto passages = passages_of(line + "\n" + std::string(500, 'x') + "\n" + std::string(500, 'y') + "\n");
  REQUIRE(passages.size() == 3);
  CHECK(passages[0].text.size() == kMaxPassageBytes);
  CHECK(passages[2].line == 3);
}

TEST_CASE("bytes that are no UTF-8 are replaced, and binary files have no passages") {
  CHECK(passages_of("a\xff" "b \xc0\xaf \xed\xa0\x80\n").at(0).text == "a?b ?? ???");
  CHECK(passages_of(std::string("a\0b", 3)).empty());
  CHECK(read_passages("/nowhere/at/all").error().code == ndb::ErrorCode::not_found);
}
