#include "ipc/http/worker_pool.hpp"

#include <atomic>
#include <latch>
#include <memory>

#include "ipc/http/cpu_gate.hpp"
#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

TEST_CASE("a pool runs as many jobs at once as it has threads, and queues or refuses the rest") {
  WorkerPool pool(3, 2);
  std::latch started(3);
  std::latch release(1);
  std::atomic<int> done{0};
  const auto submit = [&](bool counts) {
    Job job = [&, counts] {
      if (counts) started.count_down();
      release.wait();
      ++done;
    };
    return pool.submit(job);
  };
  for (int i = 0; i < 3; ++i) REQUIRE(submit(true));
  started.wait();
  CHECK(submit(false));
  CHECK(submit(false));
  CHECK_FALSE(submit(false));
  release.count_down();
  while (done < 5) std::this_thread::yield();
  pool.stop();
  CHECK(done == 5);
  Job late = [] {};
  CHECK_FALSE(pool.submit(late));
}

TEST_CASE("a stopped pool drops what waits and finishes what runs") {
  WorkerPool pool(1, 8);
  std::latch started(1);
  std::latch release(1);
  std::atomic<bool> finished{false};
  Job first = [&] {
    started.count_down();
    release.wait();
    finished = true;
  };
  REQUIRE(pool.submit(first));
  started.wait();
  auto token = std::make_shared<int>(0);
  std::weak_ptr<int> alive = token;
  Job waiting = [token] {};
  REQUIRE(pool.submit(waiting));
  token.reset();
  std::thread stopper([&] { pool.stop(); });
  while (!alive.expired() && !finished) release.try_wait() ? void() : release.count_down();
  stopper.join();
  CHECK(finished);
  waiting = nullptr;
  CHECK(alive.expired());
}

TEST_CASE("a gate runs a job on the caller's thread while there is room and posts it later otherwise") {
  std::deque<Job> posted;
  CpuGate gate(1, 1, [&](Job job) { posted.push_back(std::move(job)); });
  std::vector<int> order;
  Job outer = [&] {
    order.push_back(1);
    Job inner = [&] { order.push_back(2); };
    CHECK(gate.run(inner));  // no room: waits
    Job refused = [&] { order.push_back(3); };
    CHECK_FALSE(gate.run(refused));
    CHECK(order.size() == 1);
  };
  CHECK(gate.run(outer));
  REQUIRE(posted.size() == 1);
  posted.front()();
  CHECK(order == std::vector<int>{1, 2});
  Job again = [&] { order.push_back(4); };
  CHECK(gate.run(again));
  CHECK(order.back() == 4);
}

}  // namespace
}  // namespace ndb::http
