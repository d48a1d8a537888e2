// Whether a disk that a power loss left behind keeps the promises: a reader opens it, then a writer takes it over, writes on, is killed
// and succeeded, and loses power again. All of it is the product's own code. One thread.
#pragma once

#include <set>
#include <string>

#include "tests/crash/life.hpp"
#include "tests/support/sim/power_loss.hpp"

namespace ndb::test {

struct StateCheck {
  Durability durability = Durability::buffered;
  History history;
  /// The journal's length when the collection's creation was acknowledged.
  std::size_t created = 0;
  bool goes_on = true;  ///< also what comes after opening

  /// Empty if all is well. time: the journal's length when the power went.
  [[nodiscard]] std::string problem(const sim::Image& image, std::size_t time, std::uint64_t seed) const;

 private:
  [[nodiscard]] std::string problem_for_a_reader(sim::SimDisk& disk, std::size_t time) const;
  [[nodiscard]] std::string problem_for_a_writer(sim::SimDisk& disk, std::size_t time, Seq& applied) const;
  [[nodiscard]] std::string problem_later(const sim::Image& image, Seq applied, std::size_t time, std::uint64_t seed) const;
  [[nodiscard]] std::string problem_creating(sim::SimDisk& disk, std::size_t time) const;
};

/// Runs through the journal and checks the states that a power loss can leave after each change.
struct StatesChecked {
  std::uint64_t states = 0;       ///< different ones
  std::uint64_t power_losses = 0; ///< points in time
  std::string problem;            ///< the first; empty if there is none
};
[[nodiscard]] StatesChecked check_states(const StateCheck& check, const sim::Image& start, const std::vector<sim::Op>& journal,
                                         std::uint64_t seed, std::size_t samples, std::set<std::uint64_t>& seen);

}  // namespace ndb::test
