// Filters that a segment was asked for lately, with the rows that they let through: who searches under one filter mostly does so again, and
// evaluating a range or several fields takes longer than the search.
//
// Threads: any number.
// Invariants: at most kMost filters; what is kept owns its memory (about a bit a row), so it may outlive a mapping of the segment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "shared/attributes/row_set.hpp"

namespace ndb::attributes {

struct EvaluatedFilter {
  RowSet rows;                 ///< deleted ones included
  std::uint64_t expected = 0;  ///< how many, before it was known
};

class EvaluatedFilters {
 public:
  static constexpr std::size_t kMost = 8;

  /// The filter with this key (CompiledFilter::key()), or null.
  [[nodiscard]] std::shared_ptr<const EvaluatedFilter> find(std::string_view key);
  /// Keeps a filter in place of the one that was not asked for the longest. Not if it borrows its rows, or lets through none or all: then they cost
  /// nothing to have.
  void keep(std::string_view key, std::shared_ptr<const EvaluatedFilter> filter);

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const EvaluatedFilter> filter;
  };

  std::mutex mutex_;
  std::vector<Entry> entries_;  // the one asked for last at the end
};

}  // namespace ndb::attributes
