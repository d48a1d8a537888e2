#include "reader/past_versions.hpp"

#include <atomic>

#include "shared/base/time_text.hpp"
#include "tests/unit/writer/writer_bench.hpp"

using namespace ndb;
using reader::PastVersions;
using test::Call;
using test::Contents;
using test::Fault;
using test::WriterBench;

namespace {

class SetClock final : public base::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return std::chrono::steady_clock::time_point(std::chrono::milliseconds(steady)); }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return base::from_unix_ms(ms); }
  std::uint64_t ms = 10'000;
  std::atomic<std::int64_t> steady{0};  // ms
};

/// Versions 3 to 5 are a, ab and b, at 1, 2 and 3 seconds, after the creation at some real time.
class PastBench : public WriterBench {
 public:
  PastBench() : engine(open()) {
    test::must(engine->put({"a"}, 1));
    publish(1'000);
    test::must(engine->put({"b"}, 2));
    publish(2'000);
    test::must(engine->remove({"a"}));
    publish(3'000);
  }
  /// Flushes; the newest version is stamped with that time.
  void publish(std::uint64_t ms) {
    engine->flush();
    test::must(engine->publisher.publish([&](format::Manifest& next) -> Status {
      next.created_unix_ms = ms;
      return {};
    }));
    stamped.push_back(engine->publisher.current()->version);
  }
  [[nodiscard]] std::shared_ptr<const live::Snapshot> now() const { return engine->log.state().snapshot(); }
  [[nodiscard]] std::uint64_t uid() const { return engine->publisher.current()->collection_uid; }

  std::unique_ptr<test::Engine> engine;
  std::vector<ManifestVersion> stamped;
};

Contents contents(const reader::PastVersion& past) { return test::contents(*past.view().snapshot, past.view().seq); }

/// Deletes manifests before `first` as a collector does.
void forget_before(WriterBench& bench, ManifestVersion first) {
  for (ManifestVersion version{1}; version < first; version = version.next())
    std::filesystem::remove(format::manifest_path(bench.path(), version));
}

}  // namespace

TEST_CASE("a version is the state after its flushed_seq, without anything of the log") {
  PastBench bench;
  test::must(bench.engine->put({"later"}, 9));
  SetClock clock;
  PastVersions past(bench.fs, bench.path(), bench.uid(), [](auto) {}, {}, clock);
  const std::vector<Contents> expected = {{{"a", 1}}, {{"a", 1}, {"b", 2}}, {{"b", 2}}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto version = past.at_version(bench.stamped[i], *bench.now());
    test::must(version);
    CHECK(contents(**version) == expected[i]);
    CHECK((*version)->info() == VersionInfo{bench.stamped[i], Seq{i + 1}, base::from_unix_ms((i + 1) * 1'000)});
  }
}

TEST_CASE("a time means the newest version that had been published by then") {
  PastBench bench;
  forget_before(bench, bench.stamped.front());  // those before, and what flushes publish ahead of the stamped ones, have the time of today
  SetClock clock;
  PastVersions past(bench.fs, bench.path(), bench.uid(), [](auto) {}, {}, clock);
  const auto at = [&](std::uint64_t ms) {
    const auto found = past.at_time(base::from_unix_ms(ms), *bench.now());
    test::must(found);
    return (*found)->info().version;
  };
  CHECK(at(1'000) == bench.stamped[0]);
  CHECK(at(1'999) == bench.stamped[0]);
  CHECK(at(2'000) == bench.stamped[1]);
  CHECK(at(9'999) == bench.stamped[2]);
  bench.publish(4'000);
  CHECK(at(9'999) == bench.stamped[3]);  // it is newer than what was listed, so it is looked for
  const auto future = past.at_time(base::from_unix_ms(10'001), *bench.now());
  REQUIRE_FALSE(future);
  CHECK(future.error().code == ErrorCode::invalid_argument);
  CHECK(future.error().field == "at_time");
  const auto early = past.at_time(base::from_unix_ms(999), *bench.now());
  REQUIRE_FALSE(early);
  CHECK(early.error().code == ErrorCode::not_found);
  CHECK(test::contains(early.error().message, "versions " + std::to_string(bench.stamped[0].value)));
}

TEST_CASE("errors say which versions are kept, and names of versions to come are never asked for") {
  PastBench bench;
  SetClock clock;
  PastVersions past(bench.fs, bench.path(), bench.uid(), [](auto) {}, {}, clock);
  const auto newest = bench.stamped.back();
  forget_before(bench, ManifestVersion{3});
  const auto gone = past.at_version(ManifestVersion{2}, *bench.now());
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == ErrorCode::not_found);
  CHECK(gone.error().field == "at_version");
  CHECK(test::contains(gone.error().message, "version 2 is not kept any more; versions 3 to " + std::to_string(newest.value) + " are"));
  std::set<std::string> asked;
  bench.fs.set_rule([&](Call, const fs::Path& path) -> std::optional<Fault> {
    asked.insert(path.filename().string());
    return {};
  });
  const auto future = past.at_version(newest.next(), *bench.now());
  REQUIRE_FALSE(future);
  CHECK(future.error().code == ErrorCode::invalid_argument);
  CHECK_FALSE(asked.contains(format::manifest_path(bench.path(), newest.next()).filename().string()));
  CHECK(past.at_version(ManifestVersion{0}, *bench.now()).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("the oldest version that is held is pinned before its files are opened, and until it is let go") {
  PastBench bench;
  SetClock clock;
  std::vector<std::optional<ManifestVersion>> told;
  PastVersions past(bench.fs, bench.path(), bench.uid(), [&](auto oldest) { told.push_back(oldest); }, {}, clock);
  bool opened_unpinned = false;
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::open_read && test::in_folder(path, "manifest") && told.empty()) opened_unpinned = true;
    return {};
  });
  auto second = past.at_version(bench.stamped[1], *bench.now());
  test::must(second);
  auto first = past.at_version(bench.stamped[0], *bench.now());
  test::must(first);
  auto again = past.at_version(bench.stamped[0], *bench.now());
  test::must(again);
  CHECK_FALSE(opened_unpinned);
  first->reset();
  CHECK(told == std::vector<std::optional<ManifestVersion>>{bench.stamped[1], bench.stamped[0]});
  again->reset();
  second->reset();
  CHECK(told == std::vector<std::optional<ManifestVersion>>{bench.stamped[1], bench.stamped[0], bench.stamped[1], std::nullopt});
}

TEST_CASE("a version that was open and is collected meanwhile is not given out again") {
  PastBench bench;
  SetClock clock;
  PastVersions past(bench.fs, bench.path(), bench.uid(), [](auto) {}, {}, clock);
  const auto held = past.at_version(bench.stamped[0], *bench.now());
  test::must(held);
  forget_before(bench, bench.stamped[1]);
  CHECK(past.at_version(bench.stamped[0], *bench.now()).error().code == ErrorCode::not_found);
  CHECK(contents(**held) == Contents{{"a", 1}});  // who has it keeps it
}

TEST_CASE("a version is opened once however often it is asked for, and only so many stay open") {
  PastBench bench;
  SetClock clock;
  PastVersions past(bench.fs, bench.path(), bench.uid(), [](auto) {}, {.kept_open = 2}, clock);
  std::size_t manifests_read = 0;
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::open_read && test::in_folder(path, "manifest")) ++manifests_read;
    return {};
  });
  const auto ask = [&](std::size_t i) { test::must(past.at_version(bench.stamped[i], *bench.now())); };
  for (int round = 0; round < 3; ++round) {
    ask(0);
    ask(1);
  }
  CHECK(manifests_read == 2);
  ask(2);  // closes version 0, the one that was not used for longest
  ask(1);
  CHECK(manifests_read == 3);
  ask(0);
  CHECK(manifests_read == 4);
}

TEST_CASE("what nobody asked for lately is closed") {
  PastBench bench;
  SetClock clock;
  PastVersions past(bench.fs, bench.path(), bench.uid(), [](auto) {}, {.kept_for = std::chrono::milliseconds(40)}, clock);
  std::weak_ptr<const live::Snapshot> opened;
  {
    const auto held = past.at_version(bench.stamped[0], *bench.now());
    test::must(held);
    opened = (*held)->view().snapshot;
  }
  CHECK_FALSE(opened.expired());
  // Its own thread looks at that clock again and again.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  clock.steady = 41;
  while (!opened.expired() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(opened.expired());
}

TEST_CASE("a damaged manifest is not passed over for an older one") {
  PastBench bench;
  forget_before(bench, bench.stamped.front());
  SetClock clock;
  const auto damaged = format::manifest_path(bench.path(), bench.stamped[0].next());
  auto bytes = test::bytes_of_file(damaged);
  bytes[20] ^= std::byte{1};
  test::put_file(damaged, bytes);
  PastVersions past(bench.fs, bench.path(), bench.uid(), [](auto) {}, {}, clock);
  const auto found = past.at_time(base::from_unix_ms(1'500), *bench.now());
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ErrorCode::corruption);
  CHECK(past.at_version(bench.stamped[1], *bench.now()));
  CHECK(past.list()->size() == bench.stamped.back().value - bench.stamped.front().value);
}

TEST_CASE("what is kept of the past is counted: versions, and bytes that only they need") {
  PastBench bench;
  SetClock clock;
  PastVersions past(bench.fs, bench.path(), bench.uid(), [](auto) {}, {}, clock);
  const auto newest = bench.stamped.back();
  const auto stats = past.stats(newest);
  test::must(stats);
  CHECK(stats->versions == newest.value);
  CHECK(stats->oldest.version == ManifestVersion{1});
  std::uint64_t expected = 0;  // the segment of a alone went with a
  const auto old = format::read_manifest(bench.fs, bench.path(), bench.stamped[0]);
  test::must(old);
  for (const auto& segment : old->segments) expected += segment.bytes();
  CHECK(stats->bytes == expected);
  CHECK(expected > 0);
}
