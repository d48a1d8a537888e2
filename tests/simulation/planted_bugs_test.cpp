// Every mistake in the list must be found by the seeds that the simulation runs by default.
#include <cstdio>

#include "shared/base/log.hpp"
#include "tests/simulation/world.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;

namespace {
constexpr unsigned kSeeds = 3000;  // as many as simulation_test.cpp tries
}

TEST_CASE("every planted bug is found") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  int found = 0;
  for (const auto& [bug, what] : sim::kBugs) {
    unsigned seed = 0;
    sim::Report report;
    while (report.complaint.empty() && seed < kSeeds) report = sim::run(++seed, bug);
    const bool is_found = !report.complaint.empty();
    found += is_found ? 1 : 0;
    std::printf("planted: %s: %s %u: %s\n", what, is_found ? "found by seed" : "NOT FOUND by seeds up to", seed, report.complaint.c_str());
    std::fflush(stdout);
    INFO(what);
    CHECK(is_found);
  }
  std::printf("planted bugs found: %d of %zu\n", found, sim::kBugs.size());
}
