// Simulated time and the actors that live in it. Exactly one runs at a time; it hands over only in sleep(), and the one that
// wakes first goes on. So a run is a function of its seed.
//
// Threads: one.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "tests/simulation/fiber.hpp"

namespace ndb::sim {

/// Since the beginning of the run.
using Time = std::chrono::microseconds;
using namespace std::chrono_literals;

/// Every decision of a run comes from here.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  /// In [0, below).
  [[nodiscard]] std::uint64_t below(std::uint64_t below) { return engine_() % below; }
  [[nodiscard]] bool one_in(std::uint64_t n) { return below(n) == 0; }
  [[nodiscard]] Time between(Time least, Time most) {
    return least + Time(static_cast<Time::rep>(below(static_cast<std::uint64_t>((most - least).count()) + 1)));
  }

 private:
  std::mt19937_64 engine_;
};

class Scheduler {
 public:
  /// after_step: called whenever an actor pauses, with its number; outside of every actor or on the actor's own stack.
  explicit Scheduler(std::function<void(std::size_t actor)> after_step) : after_step_(std::move(after_step)) {}

  /// may_run: while it is false the actor waits, however late it is. Returns the actor's number.
  std::size_t spawn(std::string name, std::function<void()> body, std::function<bool()> may_run = {});
  /// Runs until every actor has finished; after_each is called outside of all of them.
  void run(const std::function<void()>& after_each);

  [[nodiscard]] Time now() const noexcept { return now_; }
  /// The running actor pauses; others may come in between.
  void sleep(Time duration);
  /// Ends a sleep early.
  void wake(std::size_t actor) { actors_[actor].wakes = std::min(actors_[actor].wakes, now_); }
  [[nodiscard]] const std::string& name(std::size_t actor) const { return actors_[actor].name; }
  [[nodiscard]] const std::string& exception(std::size_t actor) const { return actors_[actor].fiber->exception(); }
  [[nodiscard]] std::size_t running() const noexcept { return running_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

 private:
  struct Actor {
    std::string name;
    std::unique_ptr<Fiber> fiber;
    std::function<bool()> may_run;
    Time wakes{0};
  };
  static constexpr std::size_t kNobody = ~std::size_t{0};

  [[nodiscard]] std::size_t first_to_wake() const;

  std::function<void(std::size_t)> after_step_;
  std::deque<Actor> actors_;
  std::size_t running_ = kNobody;
  Time now_{0};
  std::uint64_t steps_ = 0;
};

}  // namespace ndb::sim
