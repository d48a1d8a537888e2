// The judge of kill_history_test.cpp: each kind of wrong history is found, and a right one is not.
#include "tests/process/recorded_history.hpp"

#include "tests/support/catch.hpp"

using ndb::test::ReadEvent;
using ndb::test::RecordedHistory;
using ndb::test::WriteEvent;

namespace {

constexpr int kGroup = 1;
constexpr int kClient = 7;

// Version 10 acknowledged at seq 3, version 11 never acknowledged, version 12 acknowledged at seq 9.
void write_three(RecordedHistory& history) {
  history.add(WriteEvent{.group = kGroup, .version = 10, .sent = 1, .acknowledged = 2, .over = 2, .seq = 3});
  history.add(WriteEvent{.group = kGroup, .version = 11, .sent = 3, .over = 4});
  history.add(WriteEvent{.group = kGroup, .version = 12, .sent = 5, .acknowledged = 6, .over = 6, .seq = 9});
}

ReadEvent saw(std::uint64_t version, std::uint64_t seq) {
  return {.client = kClient, .group = kGroup, .version = version, .seq = seq, .not_before = 0, .ended = 20};
}

std::string judged(std::vector<ReadEvent> reads) {
  RecordedHistory history;
  write_three(history);
  for (const auto& read : reads) history.add(read);
  return history.problem();
}

bool begins(const std::string& text, const std::string& with) {
  INFO(text);
  return text.starts_with(with);
}

}  // namespace

TEST_CASE("a history that one order explains is explained, with unacknowledged writes seen or not") {
  CHECK(judged({saw(0, 2), saw(10, 3), saw(10, 8), saw(12, 9), saw(12, 30)}) == "");
  CHECK(judged({saw(0, 0), saw(10, 3), saw(11, 6), saw(11, 8), saw(12, 9)}) == "");
}

TEST_CASE("each kind of wrong history is found") {
  CHECK(begins(judged({saw(10, 4), saw(10, 3)}), "the client's view went back"));
  CHECK(begins(judged({saw(0, 3)}), "a lost write"));
  CHECK(begins(judged({saw(10, 9)}), "not the newest at its seq"));
  CHECK(begins(judged({saw(12, 8)}), "not the newest at its seq"));
  CHECK(begins(judged({saw(99, 3)}), "nobody wrote it"));
  CHECK(begins(judged({saw(10, 4), saw(11, 4)}), "another one at the same seq"));
  CHECK(begins(judged({saw(11, 5), saw(10, 6)}), "it had been replaced"));
  CHECK(begins(judged({saw(11, 10)}), "an older write hides an acknowledged one"));
  auto early = saw(11, 5);
  early.ended = 2;
  CHECK(begins(judged({early}), "seen before it was sent"));
  auto stale = saw(10, 8);
  stale.not_before = 7;
  CHECK(begins(judged({stale}), "stale"));
}
