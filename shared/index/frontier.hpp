// The nodes that a walk over estimates has met and not yet expanded. They stay in the groups in which they came, the neighbours of one
// expanded node each, unsorted: the nearest of each group is known, so the nearest of all is found by looking through groups, without a
// branch that depends on keys. Keeping them sorted takes several guesses a node, most of which are wrong.
//
// Threads: one owner.
// Invariants: groups begin at multiples of kLanes; what is behind their nodes, and what was taken, is infinitely far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "shared/simd/kernels.hpp"

namespace ndb::index {

class Frontier {
 public:
  void reset(const simd::Kernels& kernels) noexcept {
    kernels_ = &kernels;
    groups_ = 0;
    end_ = 0;
  }

  /// Room for `most` nodes, of which add() makes a group; until the next call.
  [[nodiscard]] std::uint32_t* room(std::size_t most) {
    const std::size_t end = end_ + most + kLanes;
    if (nodes_.size() < end) {
      nodes_.resize(2 * end);
      keys_.resize(2 * end);
    }
    if (nearest_.size() < groups_ + kLanes) {
      nearest_.resize(2 * (groups_ + kLanes));
      places_.resize(nearest_.size());
      begins_.resize(nearest_.size() + 1);
    }
    return nodes_.data() + end_;
  }

  /// Makes a group of the first `count` nodes in room(); returns its number. It counts once its keys are written and rate() is called.
  std::size_t add(std::size_t count) noexcept {
    begins_[groups_] = end_;
    set_far(keys_.data() + end_ + count);
    if (groups_ % kLanes == 0) set_far(nearest_.data() + groups_);
    end_ += round_up(count);
    begins_[groups_ + 1] = end_;
    return groups_++;
  }

  /// [count] of a group, until the next room(). A key that is no number, or infinite, is one of a node that is never taken.
  [[nodiscard]] float* keys(std::size_t group) noexcept { return keys_.data() + begins_[group]; }

  void rate(std::size_t group) noexcept {
    const std::size_t begin = begins_[group], count = begins_[group + 1] - begin;
    if (count == 0) return;
    const std::size_t place = begin + kernels_->lowest(keys_.data() + begin, count);
    places_[group] = place;
    nearest_[group] = keys_[place];
  }

  /// The key of the nearest node, infinity if there is none.
  [[nodiscard]] float nearest_key() noexcept {
    if (groups_ == 0) return kFar;
    at_ = kernels_->lowest(nearest_.data(), round_up(groups_));
    return nearest_[at_];
  }

  /// Takes the node of nearest_key(), which was not infinite, out.
  std::uint32_t take_nearest() noexcept {
    const std::size_t place = places_[at_];
    keys_[place] = kFar;
    rate(at_);
    return nodes_[place];
  }

 private:
  static constexpr std::size_t kLanes = 8;  // of Kernels::lowest
  static constexpr float kFar = std::numeric_limits<float>::infinity();

  static constexpr std::size_t round_up(std::size_t count) noexcept { return (count + kLanes - 1) / kLanes * kLanes; }
  static void set_far(float* keys) noexcept {
    for (std::size_t i = 0; i < kLanes; ++i) keys[i] = kFar;
  }

  const simd::Kernels* kernels_ = nullptr;
  std::vector<std::uint32_t> nodes_;
  std::vector<float> keys_;
  std::vector<float> nearest_;         // by group, its lowest key
  std::vector<std::size_t> places_;    // and where that is
  std::vector<std::size_t> begins_;    // of groups, and behind the last
  std::size_t groups_ = 0;
  std::size_t end_ = 0;
  std::size_t at_ = 0;                 // the group of nearest_key()
};

}  // namespace ndb::index
