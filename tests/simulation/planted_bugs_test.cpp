// Every mistake in the list must be found by the seeds that the simulation runs by default.
#include <cstdio>

#include "shared/base/log.hpp"
#include "tests/simulation/world.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;

namespace {
constexpr std::uint64_t kSeeds = 2000;  // as many as simulation_test.cpp tries
}

TEST_CASE("every planted bug is found") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  for (const auto& [bug, what] : sim::kBugs) {
    std::uint64_t seed = 0;
    sim::Report report;
    while (report.complaint.empty() && seed < kSeeds) report = sim::run(++seed, bug);
    if (report.complaint.empty()) {
      std::printf("planted: %-55s NOT FOUND in %zu seeds\n", what, static_cast<std::size_t>(seed));
    } else {
      std::printf("planted: %-55s found by seed %zu: %s\n", what, static_cast<std::size_t>(seed), report.complaint.c_str());
    }
    std::fflush(stdout);
    INFO(what);
    CHECK_FALSE(report.complaint.empty());
  }
}
