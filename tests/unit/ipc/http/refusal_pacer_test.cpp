#include "ipc/http/refusal_pacer.hpp"

#include <map>

#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

using namespace std::chrono_literals;
using Clock = RefusalPacer::Clock;

constexpr auto kGap = Clock::duration(1s) / RefusalPacer::kPerSecond;
constexpr int kBurst = static_cast<int>(RefusalPacer::kBurst / kGap) + 1;

TEST_CASE("a burst of refusals is answered at once, and again after a pause") {
  RefusalPacer pacer(1);
  for (Clock::time_point now{10s}; now < Clock::time_point{12s}; now += 1s)
    for (int i = 0; i < kBurst; ++i) CHECK(pacer.next(now) == 0s);
}

TEST_CASE("refusals that come no faster than they may are answered at once for ever") {
  RefusalPacer pacer(1);
  Clock::time_point now{10s};
  for (int i = 0; i < 10 * kBurst; ++i, now += kGap) CHECK(pacer.next(now) == 0s);
}

TEST_CASE("refusals that come faster wait for whole steps of time, so many in each") {
  RefusalPacer pacer(1);
  const Clock::time_point now{10s + 123us};
  for (int i = 0; i < kBurst; ++i) static_cast<void>(pacer.next(now));
  std::map<Clock::duration, int> at;
  for (int i = 0; i < 80; ++i) {
    const auto wait = pacer.next(now);
    CHECK(wait > 0s);
    CHECK((now + wait).time_since_epoch() % RefusalPacer::kStep == 0s);
    ++at[wait];
  }
  CHECK(at.size() >= 80 / static_cast<std::size_t>(RefusalPacer::kStep / kGap));
}

TEST_CASE("nobody waits for longer than the longest, and the debt ends with the rush") {
  RefusalPacer pacer(1);
  const Clock::time_point now{10s};
  Clock::duration longest{0};
  for (int i = 0; i < 100 * kBurst; ++i) longest = std::max(longest, pacer.next(now));
  CHECK(longest >= RefusalPacer::kLongest);
  CHECK(longest < RefusalPacer::kLongest + RefusalPacer::kStep);
  CHECK(pacer.next(now + RefusalPacer::kLongest + kGap) == 0s);
}

TEST_CASE("more cores refuse more in the same time") {
  RefusalPacer pacer(8);
  const Clock::time_point now{10s};
  for (int i = 0; i < 8 * (kBurst - 1) + 1; ++i) CHECK(pacer.next(now) == 0s);
  CHECK(pacer.next(now) > 0s);
}

}  // namespace
}  // namespace ndb::http
