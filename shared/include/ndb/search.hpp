// One search and its answer. Plain values; a Search may be used from several threads as long as nobody changes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ndb/document.hpp"
#include "ndb/filter.hpp"
#include "ndb/types.hpp"

namespace ndb {

/// What to look for, and how: Search{query}.top_k(10).ef(128).filter(Filter::eq("source", "wiki")).
class Search {
 public:
  Search() = default;
  /// query: [dim] finite values; not all zero under cosine.
  explicit Search(std::vector<float> query) : query_(std::move(query)) {}
  explicit Search(std::span<const float> query) : query_(query.begin(), query.end()) {}

  /// Number of matches wanted, 1–10,000. Default 10.
  Search& top_k(std::uint32_t k) { return top_k_ = k, *this; }
  /// Whether the graph may be used (default); false scans exactly.
  Search& approximate(bool on) { return approximate_ = on, *this; }
  /// Candidates kept while walking the graph, 1–16,384; raised to top_k. Default: the collection's hnsw.ef_search.
  Search& ef(std::uint32_t candidates) { return ef_ = candidates, *this; }
  /// Instead of ef: the share of the true nearest to be found, in (0, 1]; each graph knows, from a sample of searches when it was
  /// built, what ef it needs. 1 scans exactly. invalid_argument if ef is given, too.
  Search& recall(double wanted) { return recall_ = wanted, *this; }
  Search& filter(Filter filter) { return filter_ = std::move(filter), *this; }
  /// Whether matches carry their payload. Default true.
  Search& with_payload(bool on) { return with_payload_ = on, *this; }
  /// Whether matches carry their vector. Default false.
  Search& with_vector(bool on) { return with_vector_ = on, *this; }
  /// Wait until this write is visible here (read-your-writes); replica_lagging if that takes longer than timeout().
  Search& min_seq(Seq seq) { return min_seq_ = seq, *this; }
  /// Bound for waiting and searching together. Default 1 s for waiting, none for searching.
  Search& timeout(std::chrono::milliseconds bound) { return timeout_ = bound, *this; }
  /// Whether the answer tells how it was computed.
  Search& explain(bool on) { return explain_ = on, *this; }

  [[nodiscard]] std::span<const float> query() const noexcept { return query_; }
  [[nodiscard]] std::uint32_t top_k() const noexcept { return top_k_; }
  [[nodiscard]] bool approximate() const noexcept { return approximate_; }
  [[nodiscard]] std::optional<std::uint32_t> ef() const noexcept { return ef_; }
  [[nodiscard]] std::optional<double> recall() const noexcept { return recall_; }
  [[nodiscard]] const Filter& filter() const noexcept { return filter_; }
  [[nodiscard]] bool with_payload() const noexcept { return with_payload_; }
  [[nodiscard]] bool with_vector() const noexcept { return with_vector_; }
  [[nodiscard]] Seq min_seq() const noexcept { return min_seq_; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const noexcept { return timeout_; }
  [[nodiscard]] bool explain() const noexcept { return explain_; }

 private:
  std::vector<float> query_;
  std::uint32_t top_k_ = 10;
  bool approximate_ = true;
  std::optional<std::uint32_t> ef_;
  std::optional<double> recall_;
  Filter filter_;
  bool with_payload_ = true;
  bool with_vector_ = false;
  Seq min_seq_{};
  std::optional<std::chrono::milliseconds> timeout_;
  bool explain_ = false;
};

/// How an answer was computed.
struct SearchPlan {
  /// What the parts (segments and memtables) did, joined by '+': "exact" compared every vector (that the filter let through), "codes"
  /// estimated these by their 1-bit codes first, "graph" walked, "filtered_graph" walked and tested what it met against the filter,
  /// "two_hop" walked over matching rows only, through the others to their neighbours.
  std::string plan;
  std::uint64_t rows_estimated = 0;         ///< rows that the filter was expected to let through, before it was evaluated
  std::uint64_t rows_matched = 0;           ///< rows that it let through, where it was evaluated up front
  std::uint64_t distances = 0;              ///< exact distances computed
  std::uint64_t estimated_distances = 0;    ///< distances estimated on codes
  std::uint64_t hops = 0;                   ///< graph nodes expanded
  std::uint64_t bytes_touched = 0;          ///< of vectors, codes and links
};

/// Matches, best first (ties by id), and the state they were computed at.
struct SearchResult {
  std::vector<Match> matches;
  Seq seq;                           ///< every write up to it was seen, and none after
  ManifestVersion manifest_version;
  std::uint64_t took_us = 0;
  std::optional<SearchPlan> plan;    ///< if explain was asked for

  [[nodiscard]] auto begin() const noexcept { return matches.begin(); }
  [[nodiscard]] auto end() const noexcept { return matches.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return matches.size(); }
  [[nodiscard]] bool empty() const noexcept { return matches.empty(); }
  [[nodiscard]] const Match& operator[](std::size_t i) const noexcept { return matches[i]; }
};

}  // namespace ndb
