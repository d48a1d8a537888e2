// What is pushed of the log, when, and to whom.
#include <future>

#include "shared/format/wal.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"
#include "writer/wal_feed.hpp"
#include "writer/wal_file.hpp"

namespace {

using namespace ndb;
using namespace ndb::writer;
using format::WalName;
using Answer = Result<WalChunk>;

template <class T>
T must_have(Result<T> result) {
  REQUIRE(result);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

constexpr WalName kFirst{Epoch{3}, 0}, kSecond{Epoch{3}, 1}, kThird{Epoch{3}, 2};
constexpr std::uint64_t kHeader = format::kWalFileHeaderBytes;

struct Bench {
  test::TempFolder folder;
  WalFeed feed{fs::posix_file_system(), folder.path()};

  Bench() { std::filesystem::create_directory(format::wal_folder(folder.path())); }
  std::shared_ptr<WalFile> file(WalName name) { return must_have(WalFile::create(fs::posix_file_system(), folder.path(), name, 77)); }
  void append(WalFile& file, std::string_view text, bool commit = true) {
    must_have(file.append(base::as_bytes(text)));
    if (commit) feed.committed(file.name(), file.bytes());
  }
  std::future<Answer> ask(const WalPlace& place, std::chrono::milliseconds wait = std::chrono::hours(1)) {
    std::promise<Answer> promise;
    auto answer = promise.get_future();
    feed.when_more(place, WalFeed::Clock::now() + wait, [promise = std::move(promise)](Answer chunk) mutable { promise.set_value(std::move(chunk)); });
    return answer;
  }
};

bool is_there(const std::future<Answer>& answer) { return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
std::string text_of(const WalChunk& chunk) { return std::string(base::as_text(chunk.bytes)); }

}  // namespace

TEST_CASE("what is there already is answered at once, and only what is committed") {
  Bench bench;
  const auto file = bench.file(kFirst);
  bench.append(*file, "abc");
  bench.append(*file, "not committed", false);
  auto answer = bench.ask({.file = kFirst, .offset = kHeader + 1});
  REQUIRE(is_there(answer));
  const auto chunk = must_have(answer.get());
  CHECK(text_of(chunk) == "bc");
  CHECK_FALSE(chunk.next);
  const auto whole = must_have(bench.ask({.file = kFirst}).get());
  CHECK(whole.bytes.size() == kHeader + 3);
}

TEST_CASE("who has everything is answered by the next commit, the next manifest, or with nothing at the deadline") {
  Bench bench;
  const auto file = bench.file(kFirst);
  bench.append(*file, "abc");
  bench.feed.published(ManifestVersion{5});
  const WalPlace place{.file = kFirst, .offset = kHeader + 3, .manifest = ManifestVersion{5}};
  auto one = bench.ask(place), two = bench.ask(place);
  CHECK_FALSE(is_there(one));
  bench.append(*file, "de");
  CHECK(text_of(must_have(one.get())) == "de");
  CHECK(text_of(must_have(two.get())) == "de");

  auto waits = bench.ask({.file = kFirst, .offset = kHeader + 5, .manifest = ManifestVersion{5}});
  CHECK_FALSE(is_there(waits));
  bench.feed.published(ManifestVersion{6});
  const auto told = must_have(waits.get());
  CHECK(told.bytes.empty());
  CHECK(told.manifest == ManifestVersion{6});

  const auto nothing = must_have(bench.ask({.file = kFirst, .offset = kHeader + 5, .manifest = ManifestVersion{6}}, std::chrono::milliseconds(5)).get());
  CHECK(nothing.bytes.empty());
  CHECK_FALSE(nothing.next);
}

TEST_CASE("a file that was left is given to its end, then the one that goes on is named") {
  Bench bench;
  const auto first = bench.file(kFirst);
  bench.append(*first, "abc");
  const auto second = bench.file(kSecond);
  auto waits = bench.ask({.file = kFirst, .offset = kHeader + 3});
  auto ahead = bench.ask({.file = kSecond, .offset = kHeader});  // a manifest has named it before anything is in it
  CHECK(must_have(bench.ask({.file = kSecond}, std::chrono::milliseconds(0)).get()).bytes.size() == kHeader);
  CHECK_FALSE(is_there(waits));
  CHECK_FALSE(is_there(ahead));
  bench.append(*second, "de");
  CHECK(must_have(waits.get()).next == kSecond);
  CHECK(text_of(must_have(ahead.get())) == "de");
  bench.append(*bench.file(kThird), "f");
  CHECK(must_have(bench.ask({.file = kFirst, .offset = kHeader + 3}).get()).next == kSecond);
  CHECK(text_of(must_have(bench.ask({.file = kFirst, .offset = kHeader}).get())) == "abc");
  CHECK(must_have(bench.ask({.file = kSecond, .offset = kHeader + 2}).get()).next == kThird);
  // What was written before this writer's time goes on with its first file.
  CHECK(bench.ask({.file = {Epoch{2}, 9}}).get().error().code == ErrorCode::not_found);
  const auto before = bench.file({Epoch{2}, 9});
  CHECK(must_have(bench.ask({.file = {Epoch{2}, 9}, .offset = kHeader}).get()).next == kFirst);
}

TEST_CASE("large parts of a log come in chunks") {
  Bench bench;
  const auto file = bench.file(kFirst);
  bench.append(*file, std::string(WalFeed::kMostBytes + 10, 'x'));
  const auto chunk = must_have(bench.ask({.file = kFirst}).get());
  CHECK(chunk.bytes.size() == WalFeed::kMostBytes);
  CHECK(must_have(bench.ask({.file = kFirst, .offset = chunk.bytes.size()}).get()).bytes.size() == kHeader + 10);
}

TEST_CASE("closing answers everybody, and too many are told so") {
  Bench bench;
  const auto file = bench.file(kFirst);
  bench.append(*file, "abc");
  std::vector<std::future<Answer>> waiting;
  for (std::size_t i = 0; i < WalFeed::kMostWaiting; ++i) waiting.push_back(bench.ask({.file = kFirst, .offset = kHeader + 3}));
  CHECK(bench.ask({.file = kFirst, .offset = kHeader + 3}).get().error().code == ErrorCode::overloaded);
  bench.feed.close();
  for (auto& answer : waiting) REQUIRE(answer.get().error().code == ErrorCode::unavailable);
  CHECK(bench.ask({.file = kFirst}).get().error().code == ErrorCode::unavailable);
}
