// What concurrent clients wrote and saw, and whether one order of events explains it. Keys are groups of documents that are replaced as
// a whole, each time with a version that is used once; sequence numbers are the order that the database itself claims.
//
// Checked: nobody sees what nobody had sent; at one sequence number everybody sees the same version of a group, and a version that was
// replaced never comes back at a later one; at S it is the last acknowledged write up to S, or one whose acknowledgement never came (and
// that was not over before the acknowledged one began); who looks at the writer, or waits for a sequence number, sees at least everything
// acknowledged before (so each group is linearizable there); nobody's view ever goes back.
//
// Threads: add() and now() from any; problem() when they are done.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace ndb::test {

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

struct WriteEvent {
  int group = 0;
  std::uint64_t version = 0;
  std::uint64_t sent = 0;               ///< time of the history
  std::uint64_t acknowledged = kNever;  ///< likewise
  std::uint64_t over = kNever;          ///< likewise: from then on it has happened or never will
  std::uint64_t seq = kNever;           ///< if acknowledged
};

struct ReadEvent {
  int client = 0;
  int group = 0;
  std::uint64_t version = 0;     ///< 0: nothing there
  std::uint64_t seq = 0;         ///< that the view was fixed at
  std::uint64_t not_before = 0;  ///< every write acknowledged before this time must show; 0: none need to
  std::uint64_t ended = 0;
};

class RecordedHistory {
 public:
  [[nodiscard]] std::uint64_t now() noexcept { return clock_.fetch_add(1, std::memory_order_seq_cst) + 1; }
  void add(const WriteEvent& event) {
    const std::scoped_lock lock(mutex_);
    writes_.push_back(event);
  }
  void add(const ReadEvent& event) {
    const std::scoped_lock lock(mutex_);
    reads_.push_back(event);
  }
  [[nodiscard]] std::size_t writes() const noexcept { return writes_.size(); }
  [[nodiscard]] std::size_t reads() const noexcept { return reads_.size(); }
  [[nodiscard]] std::size_t unacknowledged() const {
    return static_cast<std::size_t>(std::ranges::count(writes_, kNever, &WriteEvent::acknowledged));
  }

  /// Empty if the history is explained.
  [[nodiscard]] std::string problem() const {
    if (auto why = problem_of_views(); !why.empty()) return why;
    std::map<int, Group> groups;
    for (const auto& write : writes_) {
      auto& group = groups[write.group];
      group.by_version.emplace(write.version, write);
      if (write.acknowledged != kNever) group.acknowledged.push_back(write);
    }
    for (const auto& read : reads_) groups[read.group].reads.push_back(read);
    for (auto& [name, group] : groups) {
      std::ranges::sort(group.acknowledged, {}, &WriteEvent::seq);
      for (const auto& read : group.reads)
        if (auto why = problem_of(read, group); !why.empty()) return why;
      if (auto why = problem_of_order(group); !why.empty()) return why;
    }
    return {};
  }

 private:
  struct Group {
    std::map<std::uint64_t, WriteEvent> by_version;
    std::vector<WriteEvent> acknowledged;  // by seq
    std::vector<ReadEvent> reads;
  };

  static std::string text(const char* what, const ReadEvent& read) {
    return fmt::format("{}: client {} saw version {} of group {} at seq {}", what, read.client, read.version, read.group, read.seq);
  }

  // In the order in which each client recorded them.
  [[nodiscard]] std::string problem_of_views() const {
    std::map<int, std::uint64_t> last_seq;
    for (const auto& read : reads_) {
      if (read.seq < last_seq[read.client]) return text("the client's view went back", read);
      last_seq[read.client] = read.seq;
    }
    return {};
  }

  // What was acknowledged at a sequence number counts as seen there.
  static std::string problem_of_order(const Group& group) {
    std::vector<ReadEvent> sightings = group.reads;
    for (const auto& write : group.acknowledged) sightings.push_back({.client = 0, .group = write.group, .version = write.version, .seq = write.seq});
    std::ranges::stable_sort(sightings, {}, &ReadEvent::seq);
    std::set<std::uint64_t> replaced;
    const ReadEvent* last = nullptr;
    for (const auto& read : sightings) {
      if (last != nullptr && read.version != last->version) {
        if (read.seq == last->seq) return text("another one at the same seq", read);
        replaced.insert(last->version);
      }
      if (replaced.contains(read.version)) return text("it had been replaced", read);
      last = &read;
    }
    return {};
  }

  static std::string problem_of(const ReadEvent& read, const Group& group) {
    const WriteEvent* expected = nullptr;
    for (const auto& write : group.acknowledged) {
      if (write.seq <= read.seq) expected = &write;
      else if (write.acknowledged < read.not_before) return text("stale: a later write had been acknowledged", read);
    }
    if (read.version == 0) return expected == nullptr ? "" : text("a lost write", read);
    const auto found = group.by_version.find(read.version);
    if (found == group.by_version.end()) return text("nobody wrote it", read);
    const WriteEvent& seen = found->second;
    if (seen.sent > read.ended) return text("seen before it was sent", read);
    if (seen.acknowledged == kNever)
      return expected != nullptr && seen.over < expected->sent ? text("an older write hides an acknowledged one", read) : "";
    return expected == nullptr || expected->version != read.version ? text("not the newest at its seq", read) : "";
  }

  std::atomic<std::uint64_t> clock_{0};
  std::mutex mutex_;
  std::vector<WriteEvent> writes_;
  std::vector<ReadEvent> reads_;
};

}  // namespace ndb::test
