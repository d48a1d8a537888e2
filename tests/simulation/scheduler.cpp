#include "tests/simulation/scheduler.hpp"

#include <algorithm>

namespace ndb::sim {

std::size_t Scheduler::spawn(std::string name, std::function<void()> body, std::function<bool()> may_run) {
  actors_.push_back({std::move(name), std::make_unique<Fiber>(std::move(body)), std::move(may_run), now_});
  return actors_.size() - 1;
}

std::size_t Scheduler::first_to_wake() const {
  std::size_t first = kNobody;
  for (std::size_t i = 0; i < actors_.size(); ++i) {
    const Actor& actor = actors_[i];
    if (actor.fiber->finished() || (first != kNobody && actor.wakes >= actors_[first].wakes)) continue;
    if (!actor.may_run || actor.may_run()) first = i;
  }
  return first;
}

void Scheduler::run(const std::function<void()>& after_each) {
  for (;;) {
    running_ = first_to_wake();
    if (running_ == kNobody) return;
    now_ = std::max(now_, actors_[running_].wakes);
    ++steps_;
    actors_[running_].fiber->resume();
    after_step_(running_);
    after_each();
  }
}

void Scheduler::sleep(Time duration) {
  Actor& self = actors_[running_];
  self.wakes = now_ + duration;
  self.fiber->pause();
}

}  // namespace ndb::sim
