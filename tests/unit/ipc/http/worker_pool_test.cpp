#include "ipc/http/worker_pool.hpp"

#include <atomic>
#include <latch>
#include <memory>

#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

TEST_CASE("a pool runs as many jobs at once as it has threads, and queues or refuses the rest") {
  WorkerPool pool(3, 2, std::chrono::hours(1));
  std::latch started(3);
  std::latch release(1);
  std::atomic<int> done{0};
  const auto submit = [&](bool counts) {
    Job job = [&, counts](Turn) {
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
  Job late = [](Turn) {};
  CHECK_FALSE(pool.submit(late));
}

TEST_CASE("a stopped pool drops what waits and finishes what runs") {
  WorkerPool pool(1, 8, std::chrono::hours(1));
  std::latch started(1);
  std::latch release(1);
  std::atomic<bool> finished{false};
  Job first = [&](Turn) {
    started.count_down();
    release.wait();
    finished = true;
  };
  REQUIRE(pool.submit(first));
  started.wait();
  auto token = std::make_shared<int>(0);
  std::weak_ptr<int> alive = token;
  Job waiting = [token](Turn) {};
  REQUIRE(pool.submit(waiting));
  token.reset();
  std::thread stopper([&] { pool.stop(); });
  while (!alive.expired() && !finished) release.try_wait() ? void() : release.count_down();
  stopper.join();
  CHECK(finished);
  waiting = nullptr;
  CHECK(alive.expired());
}

TEST_CASE("a job that waited for a thread for too long is told so") {
  WorkerPool pool(1, 8, std::chrono::milliseconds(0));
  std::latch started(1);
  std::latch release(1);
  std::latch ended(2);
  Turn first_turn = Turn::late;
  Turn second_turn = Turn::now;
  Job first = [&](Turn turn) {
    first_turn = turn;
    started.count_down();
    release.wait();
    ended.count_down();
  };
  REQUIRE(pool.submit(first));
  started.wait();
  Job second = [&](Turn turn) {
    second_turn = turn;
    ended.count_down();
  };
  REQUIRE(pool.submit(second));
  release.count_down();
  ended.wait();
  CHECK(first_turn == Turn::now);
  CHECK(second_turn == Turn::late);
}

}  // namespace
}  // namespace ndb::http
