// Answers searches, look-ups, counts and scrolls over one snapshot. Everything is as of the sequence number that the call fixes
// at its start.
//
// Threads: functions without state (scratch memory is kept per thread); a search over much data spreads itself over TBB's
// threads, one over little does not.
#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ndb/search.hpp"
#include "shared/live/snapshot.hpp"

namespace ndb::reader {

/// invalid_argument, naming the field under `prefix` ("searches[2]." or empty), unless the search fits the collection.
[[nodiscard]] Status validate_search(const Search& search, const CollectionConfig& config, std::string_view prefix = "");

/// What one answer may hold, its ids, payloads and vectors together: as much as a batch may write. Without it a request of a few
/// kilobytes could ask for more than there is memory.
inline constexpr std::uint64_t kMaxAnswerBytes = Limits::kMaxBatchBytes;

/// Counts what an answer holds. Thread-safe: the searches of a batch share one.
class AnswerBudget {
 public:
  /// False once it is used up. kItemBytes on top, for what holds the bytes.
  [[nodiscard]] bool take(std::uint64_t bytes) noexcept {
    return used_.fetch_add(bytes + kItemBytes, std::memory_order_relaxed) + bytes + kItemBytes <= kMaxAnswerBytes;
  }
  [[nodiscard]] bool used_up() const noexcept { return used_.load(std::memory_order_relaxed) > kMaxAnswerBytes; }

 private:
  static constexpr std::uint64_t kItemBytes = sizeof(Match);
  std::atomic<std::uint64_t> used_{0};  // relaxed: a number, nothing is published through it
};

/// search has been validated. deadline: `timeout` if it passes. corruption if a damaged block was met. invalid_argument if the
/// matches hold more than `budget` (null: one of its own) has left.
[[nodiscard]] Result<SearchResult> execute(const live::View& view, const Search& search,
                                           std::optional<std::chrono::steady_clock::time_point> deadline = {},
                                           AnswerBudget* budget = nullptr);

/// All at one state, in parallel, their matches within one AnswerBudget.
[[nodiscard]] Result<std::vector<SearchResult>> execute_batch(
    const live::View& view, std::span<const Search> searches,
    std::optional<std::chrono::steady_clock::time_point> deadline = {});

/// not_found if there is none.
[[nodiscard]] Result<Document> get_document(const live::View& view, std::string_view id);
/// Number of live documents that match.
[[nodiscard]] Result<std::uint64_t> count(const live::View& view, const Filter& filter);
/// Up to `limit` ids of matching documents, in order, after `after`.
[[nodiscard]] Result<std::vector<std::string>> matching_ids(const live::View& view, const Filter& filter,
                                                            std::optional<std::string_view> after,
                                                            std::optional<std::size_t> limit);

}  // namespace ndb::reader
