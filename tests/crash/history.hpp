// What a collection was asked to do, what was promised about it when, and whether what is found later keeps the promises. Time is the
// length of the disk's journal. One thread.
//
// A state is right if it is exactly the collection after one of the batches begun so far (so none is half there and none is missing
// in between), and not before the last one that was promised.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ndb/types.hpp"
#include "tests/support/contents.hpp"

namespace ndb::test {

class History {
 public:
  /// A batch is on its way that leaves the collection like this, with `last` as its last operation.
  void begin(Seq last, Contents after, std::size_t now) { steps_.push_back({last, std::move(after), now}); }
  /// The newest batch was refused before anything was written.
  void cancel() { steps_.pop_back(); }
  /// It was acknowledged: a killed process must not lose it.
  void acknowledged(Seq seq) { acknowledged_ = std::max(acknowledged_, seq); }
  /// Everything up to `seq` survives a power loss from now on.
  void durable(Seq seq, std::size_t now) {
    if (promises_.empty() || seq > promises_.back().seq) promises_.push_back({now, seq});
  }

  /// Of the newest batch.
  [[nodiscard]] const Contents& contents() const { return steps_.back().after; }
  [[nodiscard]] Seq acknowledged() const { return acknowledged_; }
  [[nodiscard]] Seq durable_at(std::size_t time) const {
    Seq seq{};
    for (const auto& promise : promises_)
      if (promise.time <= time) seq = promise.seq;
    return seq;
  }

  /// Why this is not what must be there; empty if it is. not_before: the last promised operation; time: batches that began later
  /// cannot be there.
  [[nodiscard]] std::string problem(Seq applied, const Contents& found, Seq not_before, std::size_t time) const {
    if (applied < not_before) return fmt::format("lost: seq {} was promised, {} is there", not_before.value, applied.value);
    const auto step = std::ranges::find(steps_, applied, &Step::last);
    if (step == steps_.end()) return fmt::format("half a batch: seq {} ends none", applied.value);
    if (step->begun > time) return fmt::format("from the future: seq {}", applied.value);
    if (found == step->after) return {};
    return fmt::format("other documents than after seq {}: {} instead of {}", applied.value, text(found), text(step->after));
  }

  /// Life goes on from what was found on a disk: later batches never happened, and earlier ones are promised.
  void go_on_from(Seq applied, std::size_t now) {
    std::erase_if(steps_, [&](const Step& step) { return step.last > applied; });
    std::erase_if(promises_, [&](const Promise& promise) { return promise.seq > applied; });
    acknowledged_ = applied;
    durable(applied, now);
  }
  /// The same on another disk, whose time begins at 0, with what was promised at `time` on this one: that a writer would find more
  /// there is no promise before one has taken it over.
  void start_over_from(Seq applied, std::size_t time) {
    const Seq promised = durable_at(time);
    promises_.clear();
    for (auto& step : steps_) step.begun = 0;
    go_on_from(applied, 0);
    promises_ = {{0, promised}};
  }

 private:
  struct Step {
    Seq last{};
    Contents after{};
    std::size_t begun = 0;
  };
  struct Promise {
    std::size_t time = 0;
    Seq seq{};
  };

  static std::string text(const Contents& contents) {
    std::string out = "{";
    for (const auto& [id, value] : contents) out += fmt::format(" {}={}", id, value);
    return out + " }";
  }

  std::vector<Step> steps_{Step{}};
  std::vector<Promise> promises_;
  Seq acknowledged_{};
};

}  // namespace ndb::test
