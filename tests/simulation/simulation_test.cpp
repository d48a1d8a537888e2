// Publishing, following, taking over, fencing and collecting on a simulated shared volume, and the same with mistakes put back on
// purpose. docs/testing.md, "Simulation", says what is simulated.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "shared/base/log.hpp"
#include "tests/simulation/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/seeds.hpp"

using namespace ndb;
using sim::Bug;
using sim::Report;

namespace {

#ifdef NDB_SANITIZED
constexpr std::uint64_t kSeeds = 150;
#else
constexpr std::uint64_t kSeeds = 2000;
#endif

std::string told(std::uint64_t seed, const Report& report) {
  return fmt::format("{}\n{}again: NDB_TEST_SEED={} ctest -R '^simulation$' --output-on-failure", report.complaint, report.story, seed);
}

}  // namespace

TEST_CASE("two writers and three readers on a bad network keep every promise") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  Report sum;
  std::uint64_t runs = 0, silent = 0;
  for (const auto seed : test::seeds(kSeeds)) {
    const Report report = sim::run(seed);
    if (!report.complaint.empty()) FAIL(told(seed, report));
    ++runs;
    silent += report.acknowledged == 0 ? 1 : 0;
    sum.steps += report.steps;
    sum.batches += report.batches;
    sum.acknowledged += report.acknowledged;
    sum.take_overs += report.take_overs;
    sum.swaps += report.swaps;
    sum.collected += report.collected;
    sum.crashes += report.crashes;
  }
  std::printf("simulation: %zu runs, %zu steps; %zu of %zu batches acknowledged, %zu manifests, %zu take-overs, %zu files collected, "
              "%zu crashes\n",
              static_cast<std::size_t>(runs), static_cast<std::size_t>(sum.steps), sum.acknowledged, sum.batches, sum.swaps,
              sum.take_overs, sum.collected, sum.crashes);
  // A simulation in which nothing happens finds nothing.
  CHECK(silent * 50 <= runs);
  CHECK(sum.acknowledged >= runs * 30);
  CHECK(sum.take_overs >= runs * 2);
  CHECK(sum.collected >= runs * 10);
}

TEST_CASE("a seed is a story: told twice, it is the same") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  for (const auto seed : {1U, 2U, 3U, 4U, 5U}) {
    const auto first = sim::run(seed), second = sim::run(seed);
    CHECK(first.fingerprint == second.fingerprint);
    CHECK(first.steps == second.steps);
    CHECK(first.acknowledged == second.acknowledged);
  }
}
