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
constexpr std::uint64_t kSeeds = 3000;  // about 45 s of one core
#endif

// Printed, for Catch would wrap the lines of the story.
void tell(std::uint64_t seed, const Report& report) {
  const auto text = fmt::format("{}seed {}: {}\nagain, with more of the story: NDB_TEST_SEED={} NDB_TEST_STORY=2000 "
                                "ctest --test-dir build/release -R '^simulation$' --output-on-failure\n",
                                report.story, seed, report.complaint, seed);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void add(Report& sum, const Report& report) {
  sum.steps += report.steps;
  sum.batches += report.batches;
  sum.acknowledged += report.acknowledged;
  sum.take_overs += report.take_overs;
  sum.swaps += report.swaps;
  sum.collected += report.collected;
  sum.crashes += report.crashes;
}

}  // namespace

TEST_CASE("two writers and three readers on a bad network keep every promise") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  Report sum;
  std::uint64_t runs = 0, silent = 0;
  for (const auto seed : test::seeds(kSeeds)) {
    const Report report = sim::run(seed);
    if (!report.complaint.empty()) {
      tell(seed, report);
      FAIL("seed " << seed << ": " << report.complaint);
    }
    ++runs;
    silent += report.acknowledged == 0 ? 1 : 0;
    add(sum, report);
  }
  const auto line = fmt::format("simulation: {} runs, {} steps; {} of {} batches acknowledged, {} manifests, {} take-overs, {} files "
                                "collected, {} crashes",
                                runs, sum.steps, sum.acknowledged, sum.batches, sum.swaps, sum.take_overs, sum.collected, sum.crashes);
  std::puts(line.c_str());
  if (runs < 100) return;  // somebody looks at a few seeds
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
