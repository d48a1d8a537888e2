// Swapping manifests: at any sequence number a document is there exactly once, whatever was applied before, between and after
// preparing and installing.
#include <random>
#include <thread>

#include "tests/support/seeds.hpp"
#include "tests/unit/shared/live/live_bench.hpp"

using namespace ndb;
using test::Batch;
using test::Contents;
using test::LiveBench;

namespace {

Batch random_batch(std::mt19937_64& random, float value) {
  Batch batch(1 + random() % 4);
  for (auto& op : batch) {
    op.id = "id" + std::to_string(random() % 12);
    if (random() % 4 != 0) op.value = value;
  }
  return batch;
}

/// A view with what it must go on showing.
struct Held {
  live::View view;
  Contents expected;
};

}  // namespace

TEST_CASE("a replaced document is never missing and never there twice through a flush") {
  LiveBench bench;
  auto& state = *bench.state;
  test::apply(state, {{"a", 1.F}, {"b", 1.F}, {"c", 1.F}, {"d", 1.F}});
  bench.freeze();
  test::apply(state, {{"a", 2.F}});  // before the flush began
  const auto before = state.view();
  const auto next = bench.flush_oldest();
  test::apply(state, {{"b", 3.F}});  // while the segment was written
  auto prepared = bench.prepare(state, next, false);
  REQUIRE(prepared);
  test::apply(state, {{"c", 4.F}, {"d", {}}});  // after it was prepared
  const auto between = state.view();
  state.install(std::move(*prepared));
  const Contents now = {{"a", 2}, {"b", 3}, {"c", 4}};
  CHECK(test::contents(state) == now);
  CHECK(state.snapshot()->segments.size() == 1);
  CHECK(state.snapshot()->memtables.size() == 1);
  CHECK(test::contents(*before.snapshot, before.seq) == Contents{{"a", 2}, {"b", 1}, {"c", 1}, {"d", 1}});
  CHECK(test::contents(*between.snapshot, between.seq) == now);
  test::apply(state, {{"a", {}}, {"b", 5.F}});
  CHECK(test::contents(state) == Contents{{"b", 5}, {"c", 4}});
}

TEST_CASE("a fresh segment shows each version for exactly its time, however often its rows were replaced since") {
  LiveBench bench;
  auto& state = *bench.state;
  test::apply(state, {{"a", 1.F}, {"b", 1.F}});
  bench.freeze();
  std::vector<Contents> history = {test::contents(state)};
  const Seq flushed = state.applied_seq();
  for (const auto& batch : {Batch{{"a", 2.F}}, Batch{{"a", 3.F}}, Batch{{"b", {}}}, Batch{{"b", 4.F}}, Batch{{"a", {}}}}) {
    test::apply(state, batch);
    history.push_back(test::contents(state));
  }
  const auto next = bench.flush_oldest();
  auto prepared = bench.prepare(state, next, false);
  REQUIRE(prepared);
  for (const auto& batch : {Batch{{"b", 5.F}}, Batch{{"a", 5.F}}, Batch{{"b", {}}}}) {
    test::apply(state, batch);
    history.push_back(test::contents(state));
  }
  state.install(std::move(*prepared));
  for (std::size_t i = 0; i < history.size(); ++i) {
    CAPTURE(i);
    CHECK(test::contents(*state.snapshot(), Seq{flushed.value + i}) == history[i]);
  }
}

TEST_CASE("random operations, flushes and swaps agree with a map; views that are held do not change") {
  for (const auto seed : test::seeds(25)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    LiveBench bench;
    auto& state = *bench.state;
    Contents oracle;
    std::vector<Held> held;
    const auto write = [&](std::uint64_t batches) {
      for (; batches > 0; --batches) {
        const auto batch = random_batch(random, static_cast<float>(state.applied_seq().value));
        test::apply(state, batch);
        test::apply(oracle, batch);
        REQUIRE(test::contents(state) == oracle);
        if (random() % 4 == 0) held.push_back({state.view(), oracle});
      }
    };
    for (int round = 0; round < 12; ++round) {
      write(random() % 6);
      if (random() % 2 == 0 && state.snapshot()->memtables.size() < 4) bench.freeze();
      if (state.snapshot()->memtables.size() < 2) continue;
      const auto next = bench.flush_oldest();
      write(random() % 3);
      auto prepared = bench.prepare(state, next, false);
      REQUIRE(prepared);
      write(random() % 3);
      state.install(std::move(*prepared));
      bench.manifest = next;
      REQUIRE(test::contents(state) == oracle);
    }
    for (const auto& one : held) REQUIRE(test::contents(*one.view.snapshot, one.view.seq) == one.expected);
  }
}

TEST_CASE("a follower that lags, skips manifests or jumps over a flush ends up with the writer's contents") {
  for (const auto seed : test::seeds(25)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    LiveBench bench;
    auto follower = bench.open();
    std::vector<std::pair<std::uint64_t, Batch>> log;  // with the WAL file of each
    std::map<Seq, Contents> history = {{Seq{0}, {}}};
    std::uint64_t wal = 0;
    // Reads some of the log that comes after what the follower has, as a tail does.
    const auto advance = [&](std::size_t most) {
      Seq seq{0};
      for (const auto& [file, batch] : log) {
        seq = Seq{seq.value + batch.size()};
        if (seq <= follower->applied_seq()) continue;
        if (most-- == 0) return;
        if (follower->snapshot()->memtables.back()->wal() != LiveBench::wal(file)) follower->start_memtable(LiveBench::wal(file));
        test::apply(*follower, batch);
        REQUIRE(test::contents(*follower) == history.at(seq));
      }
    };
    for (int round = 0; round < 20; ++round) {
      for (std::uint64_t batches = random() % 4; batches > 0; --batches) {
        log.emplace_back(wal, random_batch(random, static_cast<float>(log.size())));
        test::apply(*bench.state, log.back().second);
        auto contents = history.rbegin()->second;
        test::apply(contents, log.back().second);
        history[bench.state->applied_seq()] = contents;
      }
      if (random() % 2 == 0 && bench.state->snapshot()->memtables.size() < 4) bench.freeze(), ++wal;
      if (random() % 2 == 0 && bench.state->snapshot()->memtables.size() > 1) bench.install(*bench.state, bench.flush_oldest(), false);
      advance(random() % 4);
      if (random() % 3 != 0) continue;
      auto prepared = bench.prepare(*follower, bench.manifest, true);
      REQUIRE(prepared);
      follower->install(std::move(*prepared));
      REQUIRE(test::contents(*follower) == history.at(follower->applied_seq()));
    }
    advance(log.size());
    REQUIRE(test::contents(*follower) == history.rbegin()->second);
    auto reopened = bench.open();
    REQUIRE(test::contents(*reopened) == history.at(bench.manifest->flushed_seq));
  }
}

TEST_CASE("readers beside flushes and swaps see every state whole") {
  LiveBench bench;
  auto& state = *bench.state;
  std::mt19937_64 random(7);
  std::vector<Batch> batches;
  std::map<Seq, Contents> history = {{Seq{0}, {}}};
  for (int i = 0; i < 3'000; ++i) {
    batches.push_back(random_batch(random, static_cast<float>(i)));
    auto next = history.rbegin()->second;
    test::apply(next, batches.back());
    history[Seq{history.rbegin()->first.value + batches.back().size()}] = std::move(next);
  }
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> wrong{0}, checked{0};
  const auto read = [&] {
    while (!done || checked == 0) {
      const auto view = state.view();
      std::string why;
      const auto seen = test::walk(*view.snapshot, view.seq, why);
      const auto expected = history.find(view.seq);
      if (!seen || expected == history.end() || *seen != expected->second) ++wrong;
      ++checked;
    }
  };
  {
    std::jthread first(read), second(read);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      test::apply(state, batches[i]);
      if (i % 100 == 99) bench.freeze();
      if (i % 100 == 40 && i > 100) bench.install(state, bench.flush_oldest(), false);
    }
    done = true;
  }
  CHECK(wrong == 0);
  CHECK(test::contents(state) == history.rbegin()->second);
}
