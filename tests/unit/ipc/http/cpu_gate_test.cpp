#include "ipc/http/cpu_gate.hpp"

#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

using namespace std::chrono_literals;

// A gate whose clock and threads are the test's.
struct Bench {
  CpuGate::Clock::time_point time{};
  std::deque<std::move_only_function<void()>> posted;
  std::vector<std::pair<int, Turn>> order;
  CpuGate gate;

  explicit Bench(std::size_t slots, std::size_t max_queued = 1'000)
      : gate(slots, max_queued, [this](std::move_only_function<void()> job) { posted.push_back(std::move(job)); },
             [this] { return time; }) {}

  // A job that takes that long.
  Job job(int number, std::chrono::microseconds took = 0us) {
    return [this, number, took](Turn turn) {
      order.emplace_back(number, turn);
      if (turn != Turn::late) time += took;
    };
  }
  bool run(int number, std::chrono::microseconds took = 0us) {
    Job one = job(number, took);
    return gate.run(one);
  }
  // What a pool thread does next; false if there is nothing.
  bool step() {
    if (posted.empty()) return false;
    auto next = std::move(posted.front());
    posted.pop_front();
    next();
    return true;
  }
};

TEST_CASE("a gate runs a job on the caller's thread while there is room and posts it later otherwise") {
  Bench bench(1, 1);
  Job outer = [&](Turn turn) {
    CHECK(turn == Turn::now);
    CHECK(bench.run(2));        // no room: waits
    CHECK_FALSE(bench.run(3));  // no room to wait either
    CHECK(bench.order.empty());
  };
  CHECK(bench.gate.run(outer));
  REQUIRE(bench.posted.size() == 1);
  CHECK(bench.step());
  CHECK(bench.order == std::vector<std::pair<int, Turn>>{{2, Turn::waited}});
  CHECK(bench.run(4));
  CHECK(bench.order.back() == std::pair(4, Turn::now));
}

TEST_CASE("a burst waits and is done whole") {
  Bench bench(2);
  for (int i = 0; i < 50; ++i) CHECK(bench.run(i, 1000us));  // so that the gate knows what is usual
  bench.order.clear();
  Job outer = [&](Turn) {
    Job second = [&](Turn) {
      for (int i = 0; i < 100; ++i) CHECK(bench.run(i, 1000us));
      bench.time += 1ms;
    };
    CHECK(bench.gate.run(second));
  };
  CHECK(bench.gate.run(outer));
  while (bench.step()) {
  }
  CHECK(bench.order.size() == 100);
  for (const auto& [number, turn] : bench.order) CHECK(turn == Turn::waited);
}

// Jobs that take `took` come every `gap` for `total`, whatever becomes of them: load on one slot.
struct Load {
  std::chrono::microseconds gap, took, total;
  Bench bench{1};
  CpuGate::Clock::time_point next_arrival{};
  int done = 0;
  int refused = 0;
  std::chrono::microseconds longest_wait{0};  // of what was done, after the first second

  void arrive() {
    const auto came = bench.time = std::max(bench.time, next_arrival);
    next_arrival += gap;
    Job job = [this, came](Turn turn) {
      if (turn == Turn::late) {
        ++refused;
        return;
      }
      ++done;
      const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(bench.time - came);
      if (came.time_since_epoch() > 1s) longest_wait = std::max(longest_wait, waited);
      const auto end = bench.time + took;
      while (next_arrival < end) arrive();  // meanwhile
      bench.time = end;
    };
    if (!bench.gate.run(job)) ++refused;
  }
  void run() {
    while (next_arrival.time_since_epoch() < total) {
      if (!bench.step()) arrive();
    }
  }
};

TEST_CASE("overload: as much is done as can be, what is accepted waits a few jobs' time, the rest is refused") {
  Load quiet{.gap = 2ms, .took = 1ms, .total = 10s};
  quiet.run();
  CHECK(quiet.refused == 0);
  CHECK(quiet.done == 5'000);
  CHECK(quiet.longest_wait == 0us);
  Load fourfold{.gap = 250us, .took = 1ms, .total = 10s};
  fourfold.run();
  CHECK(fourfold.done > 9'900);
  CHECK(fourfold.longest_wait <= 3ms);
  CHECK(fourfold.refused > 29'000);
}

TEST_CASE("one slow job is no overload: what comes meanwhile is done after it") {
  Load load{.gap = 2ms, .took = 100us, .total = 200ms};
  load.run();
  load.total = 3s;
  Job slow = [&](Turn) {
    const auto end = load.bench.time + 2s;
    while (load.next_arrival < end) load.arrive();
    load.bench.time = end;
  };
  CHECK(load.bench.gate.run(slow));
  load.run();
  CHECK(load.refused == 0);
  CHECK(load.done >= 1'490);
}

}  // namespace
}  // namespace ndb::http
