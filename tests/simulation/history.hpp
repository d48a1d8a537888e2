// What was written, by whom, and what was acknowledged; and from that, whether what a process shows can be true.
//
// Each batch puts one document of its own, "b<batch>", that nobody replaces or removes, and puts or removes some of a few documents that
// all batches share. So a view tells exactly which batches it holds, and the shared documents whether it holds each one whole.
//
// Threads: one.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "shared/format/wal.hpp"
#include "shared/live/snapshot.hpp"
#include "tests/simulation/scheduler.hpp"

namespace ndb::sim {

inline constexpr std::size_t kShared = 8;  ///< documents "s0" … "s7"
inline constexpr std::uint32_t kDim = 2;

struct Batch {
  std::size_t number = 0;
  Epoch epoch{};
  Seq first{};
  struct Operation {
    std::size_t shared = 0;
    bool put = true;
  };
  std::vector<Operation> operations;  // after the put of its own document
  bool acknowledged = false;
  bool durable = false;               // acknowledged, and must survive the crash of its host
  Time acknowledged_at{0};
  int host = 0;

  [[nodiscard]] std::uint64_t size() const noexcept { return operations.size() + 1; }
  [[nodiscard]] Seq last() const noexcept { return Seq{first.value + size() - 1}; }
  [[nodiscard]] format::WalBodyBuilder body() const;
};

[[nodiscard]] std::string describe(const Batch& batch);

/// What a process showed at some moment.
struct Shown {
  Seq seq{};
  ManifestVersion version{};
  std::vector<bool> batches;  // by number
  [[nodiscard]] bool holds(std::size_t batch) const { return batch < batches.size() && batches[batch]; }
};

class History {
 public:
  Batch& begin(Epoch epoch, Seq first, int host, Random& random);
  /// The writer said so to its caller. A complaint if it must not have.
  [[nodiscard]] std::string acknowledge(std::size_t batch, Seq seq, bool durable, Time now);
  /// Everything of this host and epoch acknowledged up to seq is durable now (`buffered`).
  void synced(Epoch epoch, Seq seq);
  /// What was acknowledged but not durable may be gone: of one host, or of all but one.
  void forgive(const std::function<bool(int host)>& of);
  /// The first manifest of an epoch is there. `buffered` over a network: what other hosts had acknowledged and not synced, or still
  /// acknowledge without a sync, this take-over could not see; it is lost as in a power loss.
  void replaced(Epoch by, int host);
  /// A take-over was published with this content: nothing else of older epochs may ever be acknowledged.
  void taken_over(Epoch epoch, int host, const Shown& content) { take_overs_.push_back({epoch, host, content}); }

  /// What the view shows; a complaint if it contradicts itself, or misses what was acknowledged.
  /// Whoever has no manifest of a successor yet, a reader or the replaced writer itself, may still show what that writer logged in vain,
  /// in the place of what the successor acknowledged.
  [[nodiscard]] std::string look(const live::View& view, Shown& shown) const;
  /// A complaint if a reader that showed `before` must not show `after`.
  [[nodiscard]] std::string went_on(const Shown& before, const Shown& after) const;
  /// The newest batch that was acknowledged before `at` and is missing; nullopt if there is none.
  [[nodiscard]] const Batch* missing(const Shown& shown, Time at) const;

  [[nodiscard]] const std::vector<Batch>& batches() const noexcept { return batches_; }
  [[nodiscard]] std::size_t acknowledged() const;

 private:
  [[nodiscard]] std::string replay(const Shown& shown, Epoch excused_from, const std::array<float, kShared>& shared) const;

  struct TakeOver {
    Epoch epoch;
    int host;
    Shown content;
  };
  struct Replaced {
    Epoch by;
    int host;
  };
  std::vector<Batch> batches_;
  std::vector<TakeOver> take_overs_;
  std::vector<Replaced> replaced_;
};

}  // namespace ndb::sim
