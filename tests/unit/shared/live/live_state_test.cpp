#include "shared/live/live_state.hpp"

#include <future>

#include "tests/unit/shared/live/live_bench.hpp"

using namespace ndb;
using test::Contents;
using test::LiveBench;

TEST_CASE("operations are counted by what was there before, across memtables and segments") {
  LiveBench bench;
  auto& state = *bench.state;
  auto applied = test::apply(state, {{"a", 1.F}, {"b", 1.F}, {"a", 2.F}, {"nobody", {}}});
  CHECK(applied.inserted == 2);
  CHECK(applied.replaced == 1);
  CHECK(applied.deleted == 0);
  bench.freeze();
  applied = test::apply(state, {{"a", 3.F}, {"b", {}}, {"b", {}}});
  CHECK(applied.replaced == 1);
  CHECK(applied.deleted == 1);
  bench.install(state, bench.flush_oldest(), false);
  applied = test::apply(state, {{"a", {}}, {"b", 4.F}, {"c", 4.F}});
  CHECK(applied.deleted == 1);
  CHECK(applied.inserted == 2);
  CHECK(state.applied_seq() == Seq{10});
  CHECK(test::contents(state) == Contents{{"b", 4}, {"c", 4}});
  CHECK(state.snapshot()->documents() == 2);
}

TEST_CASE("a manifest without a WAL file is corruption") {
  const test::TempFolder folder;
  auto manifest = std::make_shared<format::Manifest>();
  manifest->config.dim = 2;
  CHECK(live::LiveState::open(fs::posix_file_system(), folder.path(), manifest).error().code == ErrorCode::corruption);
}

TEST_CASE("waiting ends when the number is visible, when time is up, or when it is interrupted") {
  LiveBench bench;
  auto& state = *bench.state;
  CHECK(state.wait_for(Seq{0}, std::chrono::milliseconds(0)));
  CHECK_FALSE(state.wait_for(Seq{1}, std::chrono::milliseconds(5)));
  auto reached = std::async(std::launch::async, [&] { return state.wait_for(Seq{2}, std::chrono::minutes(1)); });
  test::apply(state, {{"a", 1.F}});
  test::apply(state, {{"a", 1.F}});
  CHECK(reached.get());
  auto interrupted = std::async(std::launch::async, [&] { return state.wait_for(Seq{99}, std::chrono::minutes(1)); });
  state.interrupt();
  CHECK_FALSE(interrupted.get());
  CHECK_FALSE(state.wait_for(Seq{99}, std::chrono::minutes(1)));
}

TEST_CASE("many waiters are all woken by the operation that they wait for") {
  LiveBench bench;
  std::vector<std::future<bool>> waiters;
  for (std::uint64_t seq = 1; seq <= 20; ++seq)
    waiters.push_back(std::async(std::launch::async, [&, seq] { return bench.state->wait_for(Seq{seq}, std::chrono::minutes(1)); }));
  for (int i = 0; i < 20; ++i) test::apply(*bench.state, {{"a", 1.F}});
  for (auto& waiter : waiters) CHECK(waiter.get());
}

TEST_CASE("a manifest whose files are gone is not_found, and the state stays as it is") {
  LiveBench bench;
  test::apply(*bench.state, {{"a", 1.F}});
  bench.freeze();
  const auto next = bench.flush_oldest();
  std::filesystem::remove_all(format::segment_folder(bench.path(), next->segments.front().id));
  const auto prepared = bench.prepare(*bench.state, next, true);
  REQUIRE_FALSE(prepared);
  CHECK(prepared.error().code == ErrorCode::not_found);
  CHECK(test::contents(*bench.state) == Contents{{"a", 1}});
}
