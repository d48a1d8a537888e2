#include "writer/segments/pace.hpp"

#include <thread>

#include "tests/support/catch.hpp"

using namespace ndb;
using Clock = std::chrono::steady_clock;

TEST_CASE("what is written takes as long as its rate says") {
  writer::Pace pace(1'000'000);
  const auto start = Clock::now();
  for (int i = 0; i < 5; ++i) pace.spend(50'000, {});  // the last waits for the four before
  CHECK(Clock::now() - start >= std::chrono::milliseconds(200 - 5));
}

TEST_CASE("several threads share the rate") {
  writer::Pace pace(1'000'000);
  const auto start = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] { for (int i = 0; i < 5; ++i) pace.spend(10'000, {}); });
  }
  CHECK(Clock::now() - start >= std::chrono::milliseconds(190 - 5));
}

TEST_CASE("whoever is stopped does not wait, and without a limit nobody does") {
  writer::Pace slow(1);
  std::stop_source stop;
  slow.spend(1'000'000'000, stop.get_token());
  std::jthread waiting([&] { slow.spend(1, stop.get_token()); });  // would wait for thirty years
  stop.request_stop();
  waiting.join();
  writer::Pace none(0);
  for (int i = 0; i < 1000; ++i) none.spend(~std::uint64_t{0}, {});
}
