#include "reader/follower.hpp"

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>
#include <utility>

#include "shared/index/hnsw_build.hpp"
#include "tests/unit/writer/writer_bench.hpp"

using namespace ndb;
using reader::Follower;
using test::Call;
using test::Fault;
using test::WriterBench;

namespace {

class HandClock final : public base::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return start_ + moved; }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return {}; }
  std::chrono::minutes moved{0};

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

constexpr reader::FollowerOptions kByHand{.shared_memory = false, .own_thread = false};

std::unique_ptr<Follower> follow(WriterBench& bench, const base::Clock& clock) {
  auto follower = Follower::open(bench.fs, bench.path(), kByHand, clock);
  test::must(follower);
  return std::move(*follower);
}

}  // namespace

TEST_CASE("a look shows what was written and published since the last one") {
  WriterBench bench;
  const auto engine = bench.open();
  const HandClock clock;
  const auto follower = follow(bench, clock);
  test::must(engine->put({"a"}, 1.0F));
  engine->flush();
  test::must(engine->put({"b"}, 2.0F));
  CHECK(follower->state()->applied_seq() == Seq{0});
  follower->follow_once();
  CHECK(test::contents(*follower->state()->snapshot(), follower->state()->applied_seq()) == engine->contents());
  test::must(follower->health());
}

TEST_CASE("a new graph is read and checked before it is searched, by the look that finds it") {
  WriterBench bench;
  const auto writer = bench.open();
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(std::to_string(i));
  test::must(writer->put(ids, 1.0F));
  writer->flush();
  const HandClock clock;
  const auto follower = follow(bench, clock);
  const auto build = [](const segment::SegmentView& view, const index::ReusedGraph*) { return index::build_hnsw(view.vectors(), {}); };
  test::must(writer::index_segment(writer->context, writer->segment_ids().front(), build, {}));
  const auto segment = bench.newest().segments.front();
  const auto graph = format::segment_folder(bench.path(), segment.id) / segment.hnsw->name;
  test::flip_bit(graph, std::filesystem::file_size(graph) / 2);
  REQUIRE(follower->state()->snapshot()->damage().has_value());
  follower->follow_once();
  REQUIRE(follower->state()->snapshot()->segments.front().view->hnsw() != nullptr);
  CHECK_FALSE(follower->state()->snapshot()->damage().has_value());
}

TEST_CASE("a look that stalls confirms what was asked at its beginning, not what is so at its end") {
  WriterBench bench;
  const auto engine = bench.open();
  HandClock clock;
  const auto follower = follow(bench, clock);
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::open_read && test::in_folder(path, "wal")) clock.moved += std::chrono::minutes(10);
    return {};
  });
  follower->follow_once();
  CHECK(follower->since_confirmed() >= std::chrono::minutes(10));
  CHECK_FALSE(follower->health());  // files of what it shows may be gone by now
  bench.fs.clear();
  follower->follow_once();
  CHECK(follower->since_confirmed() == std::chrono::minutes(0));
  test::must(follower->health());
}

TEST_CASE("searches go on while the follower finds out what a missing file means") {
  WriterBench bench;
  const auto engine = bench.open();
  const HandClock clock;
  const auto follower = follow(bench, clock);
  test::must(engine->put({"a"}, 1.0F));
  engine->flush();
  int looks = 0, answered = 0;
  std::vector<std::future<std::shared_ptr<live::LiveState>>> searches;
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::open_read && test::in_folder(path, "manifest")) return Fault{{ErrorCode::not_found, "gone", {}}};
    if (call == Call::open_read && path.filename() == "CURRENT") {
      ++looks;
      searches.push_back(std::async(std::launch::async, [&] { return follower->state(); }));
      answered += searches.back().wait_for(std::chrono::seconds(10)) == std::future_status::ready ? 1 : 0;
    }
    return {};
  });
  follower->follow_once();
  CHECK(looks == 3);  // twice to follow it, once to tell what happened
  CHECK(answered == looks);
}

TEST_CASE("what went missing while CURRENT moved on is no damage") {
  for (const bool current_itself : {true, false}) {
    CAPTURE(current_itself);
    WriterBench bench;
    const auto engine = bench.open();
    HandClock clock;
    const auto follower = follow(bench, clock);
    test::must(engine->put({"a"}, 1.0F));
    engine->flush();
    int looks = 0;
    bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
      if (call != Call::open_read) return {};
      const bool current = path.filename() == "CURRENT";
      looks += current ? 1 : 0;
      const bool missed = current_itself ? current && looks <= 2 : test::in_folder(path, "manifest");
      if (missed) return Fault{{ErrorCode::not_found, "stale", {}}};
      if (current && looks == 3 && !current_itself) {
        const auto newest = engine->publisher.current();
        REQUIRE(format::write_current(fs::posix_file_system(), bench.path(), {newest->version.next(), newest->collection_uid}));
      }
      return {};
    });
    follower->follow_once();
    CHECK(looks == 3);  // twice to follow it, once to tell what happened
    clock.moved += std::chrono::minutes(10);
    const auto health = follower->health();
    REQUIRE_FALSE(health);
    CHECK(health.error().code == ErrorCode::unavailable);
    CHECK(health.error().message.find("stale") != std::string::npos);
  }
}

TEST_CASE("a file that the newest manifest names and that is missing is damage") {
  WriterBench bench;
  static_cast<void>(bench.open());
  const HandClock clock;
  std::filesystem::remove(bench.wal(1, 0));
  const auto opened = Follower::open(bench.fs, bench.path(), kByHand, clock);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::corruption);
  CHECK(opened.error().message.find(bench.wal(1, 0).string()) != std::string::npos);
}

TEST_CASE("a CURRENT that a replaced writer set back leads nobody astray for long") {
  WriterBench bench;
  const auto engine = bench.open();
  HandClock clock;
  const auto before = follow(bench, clock);
  const auto old = before->state()->snapshot()->manifest->version;
  test::must(engine->put({"a"}, 1.0F));
  engine->flush();
  const auto newest = bench.newest().version;
  const auto after = follow(bench, clock);
  REQUIRE(format::write_current(bench.fs, bench.path(), {old, bench.newest().collection_uid}));
  const auto version = [](const std::unique_ptr<Follower>& follower) {
    follower->follow_once();
    test::must(follower->health());
    return follower->state()->snapshot()->manifest->version;
  };
  CHECK(version(follow(bench, clock)) == newest);
  clock.moved += std::chrono::minutes(3);
  CHECK(version(before) == old);  // cannot tell, and its files are safe for now
  CHECK(version(after) == newest);
  CHECK(after->since_confirmed() == std::chrono::minutes(0));
  clock.moved += std::chrono::minutes(1);  // more than half of the time after which it fences itself
  CHECK(version(before) == newest);
}

TEST_CASE("what a replaced writer logged in vain leaves no mark, even if its log was flushed by its successor meanwhile") {
  WriterBench bench;
  const auto replaced = bench.open();
  const HandClock clock;
  test::must(replaced->put({"a"}, 1.0F));
  replaced->flush();
  const auto follower = follow(bench, clock);
  const auto shown = [&] { return test::contents(*follower->state()->snapshot(), follower->state()->applied_seq()); };
  bool scanned = false;  // by the take-over, which is about to publish
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call != Call::link || !test::in_folder(path, "manifest") || std::exchange(scanned, true)) return {};
    CHECK(replaced->remove({"a"}).error().code == ErrorCode::fenced);
    follower->follow_once();
    CHECK(shown().empty());  // nobody has replaced that writer yet, as far as a reader can tell
    return {};
  });
  const auto successor = bench.open();
  bench.fs.clear();
  CHECK(scanned);
  test::must(successor->put({"b"}, 2.0F));
  test::must(successor->put({"c"}, 3.0F));
  successor->flush();
  follower->follow_once();
  CHECK(shown() == test::Contents{{"a", 1.0F}, {"b", 2.0F}, {"c", 3.0F}});
}

TEST_CASE("a sealed log that ends too early may be an old view of the volume: no damage, but no answer either") {
  WriterBench bench;
  const HandClock clock;
  test::must(bench.open()->put({"a"}, 1.0F));
  const auto engine = bench.open();
  const auto bytes = test::bytes_of_file(bench.wal(1, 0));
  std::filesystem::resize_file(bench.wal(1, 0), bytes.size() - 1);
  const auto early = Follower::open(bench.fs, bench.path(), kByHand, clock);
  REQUIRE_FALSE(early);
  CHECK(early.error().code == ErrorCode::unavailable);
  CHECK(early.error().message.find("before its seal") != std::string::npos);
  test::put_file(bench.wal(1, 0), bytes);
  CHECK(follow(bench, clock)->state()->applied_seq() == Seq{1});
}

TEST_CASE("news of the log are looked at without asking the volume what is newest") {
  WriterBench bench;
  const auto engine = bench.open();
  std::atomic<int> asked = 0;
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    asked += call == Call::open_read && path.filename() == "CURRENT" ? 1 : 0;
    return {};
  });
  auto follower = Follower::open(bench.fs, bench.path(), {.poll_interval = std::chrono::minutes(10), .shared_memory = false});
  test::must(follower);
  const auto& state = *(*follower)->state();
  const auto shows = [&](Seq seq) { return (*follower)->state()->wait_for(seq, std::chrono::seconds(60)); };
  test::must(engine->put({"a"}, 1.0F));
  (*follower)->poke();  // one whole look, after which the next one is due in ten minutes
  REQUIRE(shows(Seq{1}));
  const int before = asked;
  test::must(engine->put({"b"}, 2.0F));
  (*follower)->poke(Follower::News::log);
  CHECK(shows(Seq{2}));
  CHECK(asked == before);
  test::must(engine->put({"c"}, 3.0F));
  (*follower)->poke(Follower::News::log);
  (*follower)->poke(Follower::News::everything);  // with other news, these count
  CHECK(shows(Seq{3}));
  engine->flush();
  (*follower)->poke();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (state.snapshot()->manifest->version < engine->publisher.current()->version && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  CHECK(asked > before);
  CHECK(state.snapshot()->manifest->version == engine->publisher.current()->version);
}

TEST_CASE("a volume that is not there is no dropped collection: what was read goes on answering") {
  const test::TempFolder folder;
  const auto data = folder.path() / "data";
  test::FaultyFileSystem fs;
  std::filesystem::create_directory(data);
  test::must(writer::create_collection(fs, data, "docs", {.dim = 2}));
  const HandClock clock;
  auto opened = Follower::open(fs, data / "docs", kByHand, clock);
  test::must(opened);
  Follower& follower = **opened;
  std::filesystem::rename(data, folder.path() / "elsewhere");
  follower.follow_once();
  test::must(follower.health());
  std::filesystem::rename(folder.path() / "elsewhere", data);
  follower.follow_once();
  test::must(follower.health());
  std::filesystem::remove_all(data / "docs");
  follower.follow_once();
  REQUIRE_FALSE(follower.health());
  CHECK(follower.health().error().code == ErrorCode::not_found);
}
