// What concurrent clients wrote and saw, and whether one order of events explains it. Keys are groups of documents that are replaced as
// a whole, each time with a version that is used once; sequence numbers are the order that the database itself claims.
//
// Checked: nobody sees what nobody had sent; at sequence number S everybody sees exactly the last acknowledged write up to S, or one whose
// acknowledgement never came; who looks at the writer, or waits for a sequence number, sees at least everything acknowledged before
// (so each key is linearizable there); nobody's view ever goes back.
//
// Threads: add() from any; problem() when they are done.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace ndb::test {

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

struct WriteEvent {
  int group = 0;
  std::uint64_t version = 0;
  std::uint64_t sent = 0;              ///< time of the history
  std::uint64_t acknowledged = kNever; ///< likewise
  std::uint64_t seq = kNever;          ///< if acknowledged
};

struct ReadEvent {
  int client = 0;
  int group = 0;
  std::uint64_t version = 0;    ///< 0: nothing there
  std::uint64_t seq = 0;        ///< that the view was fixed at
  std::uint64_t not_before = 0; ///< every write acknowledged before this time must show; 0: none need to
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

  /// Empty if the history is explained.
  [[nodiscard]] std::string problem() const {
    std::map<std::pair<int, std::uint64_t>, WriteEvent> by_version;
    std::map<int, std::vector<WriteEvent>> acknowledged;  // by seq
    for (const auto& write : writes_) {
      by_version.emplace(std::pair{write.group, write.version}, write);
      if (write.acknowledged != kNever) acknowledged[write.group].push_back(write);
    }
    for (auto& [group, writes] : acknowledged) std::ranges::sort(writes, {}, &WriteEvent::seq);
    std::map<int, std::uint64_t> last_seq;
    for (const auto& read : reads_) {
      if (read.seq < last_seq[read.client]) return text("the client's view went back", read);
      last_seq[read.client] = read.seq;
      if (auto why = problem_of(read, by_version, acknowledged[read.group]); !why.empty()) return why;
    }
    return {};
  }

 private:
  static std::string text(const char* what, const ReadEvent& read) {
    return fmt::format("{}: client {} saw version {} of group {} at seq {}", what, read.client, read.version, read.group, read.seq);
  }

  static std::string problem_of(const ReadEvent& read, const std::map<std::pair<int, std::uint64_t>, WriteEvent>& by_version,
                                const std::vector<WriteEvent>& acknowledged) {
    const WriteEvent* expected = nullptr;
    for (const auto& write : acknowledged) {
      if (write.seq <= read.seq) expected = &write;
      else if (write.acknowledged < read.not_before) return text("stale: a later write had been acknowledged", read);
    }
    if (read.version == 0) return expected == nullptr ? "" : text("a lost write", read);
    const auto seen = by_version.find({read.group, read.version});
    if (seen == by_version.end()) return text("nobody wrote it", read);
    if (seen->second.sent > read.ended) return text("seen before it was sent", read);
    if (seen->second.acknowledged == kNever) return {};
    if (expected == nullptr || expected->version != read.version) return text("not the newest at its seq", read);
    return {};
  }

  std::atomic<std::uint64_t> clock_{0};
  std::mutex mutex_;
  std::vector<WriteEvent> writes_;
  std::vector<ReadEvent> reads_;
};

}  // namespace ndb::test
