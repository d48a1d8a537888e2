#include "tests/crash/state_check.hpp"

#include "reader/follower.hpp"

namespace ndb::test {
namespace {

std::string text(const Error& error) { return std::string(error_code_name(error.code)) + ": " + error.message; }

}  // namespace

std::string StateCheck::problem_creating(sim::SimDisk& disk, std::size_t time) const {
  if (time >= created) return "the collection is gone";
  History fresh;
  Life life(disk, fresh, durability, 1);
  if (const auto status = life.create(); !status) return "creating again: " + text(status.error());
  if (const auto status = life.open(); !status) return "opening what was created again: " + text(status.error());
  return life.problem();
}

std::string StateCheck::problem_for_a_reader(sim::SimDisk& disk, std::size_t time) const {
  const auto follower = reader::Follower::open(disk, kSimCollection, {.poll_interval = std::chrono::hours(1), .shared_memory = false});
  if (!follower) return "a reader: " + text(follower.error());
  const auto view = (*follower)->state()->view();
  std::string why;
  const auto found = walk(*view.snapshot, view.seq, why);
  if (found) why = history.problem(view.seq, *found, history.durable_at(time), time);
  return why.empty() ? why : "a reader: " + why;
}

std::string StateCheck::problem_for_a_writer(sim::SimDisk& disk, std::size_t time, Seq& applied) const {
  const auto taken = writer::take_over(disk, kSimCollection, "1@after/boot");
  if (!taken) return "a writer: " + text(taken.error());
  applied = taken->state->applied_seq();
  std::string why;
  const auto found = walk(*taken->state->snapshot(), applied, why);
  if (found) why = history.problem(applied, *found, history.durable_at(time), time);
  return why.empty() ? why : "a writer: " + why;
}

// Life goes on: the next writer writes, flushes, merges and collects, and loses power once more.
std::string StateCheck::problem_later(const sim::Image& image, Seq applied, std::size_t time, std::uint64_t seed) const {
  sim::SimDisk disk(image);
  History again = history;
  again.start_over_from(applied, time);
  Life life(disk, again, durability, seed);
  const auto lived = [&]() -> Status {
    NDB_TRY(life.open());
    NDB_TRY(life.put());
    NDB_TRY(life.sync());
    NDB_TRY(life.flush());
    NDB_TRY(life.merge());
    NDB_TRY(life.collect());
    NDB_TRY(life.put());
    return life.open();
  }();
  if (!lived) return "later: " + text(lived.error());
  if (!life.problem().empty()) return "later: " + life.problem();

  std::mt19937_64 random(seed);
  sim::PowerLoss loss(image);
  const auto journal = disk.journal();
  const std::size_t until = 1 + random() % journal.size();
  for (std::size_t i = 0; i < until; ++i) loss.apply(journal[i]);
  std::vector<sim::Fate> fates(loss.units());
  for (auto& fate : fates) fate = static_cast<sim::Fate>(random() % 3);
  StateCheck second{.durability = durability, .history = again};
  sim::SimDisk left(loss.left(fates, random));
  auto why = second.problem_for_a_reader(left, until);
  if (why.empty()) why = second.problem_for_a_writer(left, until, applied);
  return why.empty() ? why : fmt::format("after a second power loss, {} of {} changes later: {}", until, journal.size(), why);
}

std::string StateCheck::problem(const sim::Image& image, std::size_t time, std::uint64_t seed) const {
  sim::SimDisk disk(image);
  if (image.find(kSimCollection) == sim::kNoNode) return problem_creating(disk, time);
  if (auto why = problem_for_a_reader(disk, time); !why.empty()) return why;
  Seq applied;
  if (auto why = problem_for_a_writer(disk, time, applied); !why.empty()) return why;
  return goes_on ? problem_later(image, applied, time, seed) : "";
}

StatesChecked check_states(const StateCheck& check, const sim::Image& start, const std::vector<sim::Op>& journal,
                           std::uint64_t seed, std::size_t samples, std::set<std::uint64_t>& seen) {
  StatesChecked result;
  std::mt19937_64 random(seed);
  sim::PowerLoss loss(start);
  for (std::size_t time = 1; time <= journal.size(); ++time) {
    loss.apply(journal[time - 1]);
    if (journal[time - 1].kind == sim::Op::Kind::make_node) continue;  // nothing that shows yet
    ++result.power_losses;
    for (const auto& fates : sim::interesting_fates(loss, random, samples)) {
      const auto image = loss.left(fates, random);
      // The same disk again is a new question only when more was promised about it.
      if (!seen.insert(image.hash() ^ (check.history.durable_at(time).value * 0x9E3779B97F4A7C15ULL) ^ (time >= check.created ? 1U : 0U)).second)
        continue;
      ++result.states;
      if (auto why = check.problem(image, time, random()); !why.empty()) {
        result.problem = fmt::format("power loss after change {} of {}: {}", time, journal.size(), why);
        return result;
      }
    }
  }
  return result;
}

}  // namespace ndb::test
