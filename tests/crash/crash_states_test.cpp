// Power goes at every moment of many small lives of a collection; what may be left of the disk is opened and compared with what was
// promised. See power_loss.hpp for what may be left, history.hpp for what is compared.
#include "shared/base/log.hpp"
#include "tests/crash/state_check.hpp"
#include "tests/support/seeds.hpp"

using namespace ndb;
using namespace ndb::test;

namespace {

constexpr int kSteps = 26;
constexpr int kGenerations = kSanitized ? 1 : 3;  // each goes on from a disk that a power loss left
constexpr std::size_t kSamples = kSanitized ? 1 : 4;

struct Totals {
  std::uint64_t lives = 0, power_losses = 0, states = 0, calls = 0;
};

/// One life, all its power losses, and the disk that one of them leaves; empty problem if all is well.
std::string live_through(Durability durability, std::uint64_t seed, std::set<std::uint64_t>& seen, Totals& totals) {
  std::mt19937_64 random(seed);
  sim::Image start = sim::Image::with_folder(kSimFolder);
  StateCheck check{.durability = durability, .history = {}, .created = 0};
  for (int generation = 0; generation < kGenerations; ++generation) {
    sim::SimDisk disk(start);
    Life life(disk, check.history, durability, random());
    if (start.find(kSimCollection) == sim::kNoNode) {
      if (const auto status = life.create(); !status) return "creating: " + status.error().message;
      check.created = disk.journal_size();
    }
    for (int i = 0; i < kSteps && life.problem().empty(); ++i)
      if (const auto status = life.step(); !status) return "without any fault: " + status.error().message;
    if (!life.problem().empty()) return "without any fault: " + life.problem();
    const auto journal = disk.journal();
    const auto checked = check_states(check, start, journal, random(), kSamples, seen);
    ++totals.lives;
    totals.power_losses += checked.power_losses;
    totals.states += checked.states;
    totals.calls += disk.calls();
    if (!checked.problem.empty()) return fmt::format("generation {}: {}", generation, checked.problem);

    sim::PowerLoss loss(start);
    const std::size_t time = 1 + random() % journal.size();
    for (std::size_t i = 0; i < time; ++i) loss.apply(journal[i]);
    std::vector<sim::Fate> fates(loss.units());
    for (auto& fate : fates) fate = static_cast<sim::Fate>(random() % 3);
    start = loss.left(fates, random);
    if (start.find(kSimCollection) == sim::kNoNode) {
      check = {.durability = durability, .history = {}, .created = 0};
      continue;
    }
    sim::SimDisk again(start);
    const auto taken = writer::take_over(again, kSimCollection, "1@next/boot");
    if (!taken) return "going on: " + taken.error().message;
    check.history.start_over_from(taken->state->applied_seq(), time);
    check.created = 0;
  }
  return {};
}

}  // namespace

TEST_CASE("whatever a power loss leaves opens by itself with everything that was promised and nothing by halves") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);  // torn tails are dropped by the thousand
  for (const auto durability : {Durability::buffered, Durability::sync}) {
    const char* name = durability == Durability::sync ? "sync" : "buffered";
    Totals totals;
    std::set<std::uint64_t> seen;
    for (const auto seed : seeds(1)) {
      const auto problem = live_through(durability, seed, seen, totals);
      INFO(name << ", replay with NDB_TEST_SEED=" << seed << " ctest -R crash_states");
      REQUIRE(problem == "");
    }
    fmt::print("{}: {} crash states checked, left by {} power losses in {} lives ({} file-system calls)\n", name, totals.states,
               totals.power_losses, totals.lives, totals.calls);
  }
}
