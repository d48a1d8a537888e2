// The rows of a segment that a filter lets through, as far as its attribute index tells. Private to reader/.
//
// Threads: plain values; a set may refer to the segment's mapped file, which the snapshot holds.
#pragma once

#include <memory>
#include <vector>

#include "reader/part.hpp"
#include "shared/attributes/evaluated_filters.hpp"
#include "shared/attributes/filter_rows.hpp"

namespace ndb::reader {

using PartRows = std::shared_ptr<const attributes::EvaluatedFilter>;

/// Ready to estimate and evaluate; part is a segment.
[[nodiscard]] attributes::FilterRows filter_rows(const Part& part, const filter::CompiledFilter& filter);
/// Evaluates `rows`, made for this part and filter, or finds out that this was done before.
[[nodiscard]] PartRows evaluate(const Part& part, const filter::CompiledFilter& filter, const attributes::FilterRows& rows);
/// Null for memtables, and where every payload would have to be read.
[[nodiscard]] PartRows rows_by_index(const Part& part, const filter::CompiledFilter& filter);
/// How many of the rows are visible: exact.
[[nodiscard]] std::uint64_t count_visible(const Part& part, const attributes::RowSet& rows);
/// The visible ones of [begin, end), ascending.
[[nodiscard]] std::vector<Row> visible_rows(const Part& part, const attributes::RowSet& rows, Row begin, Row end);
/// Some visible rows from all over the set, to start walks from.
[[nodiscard]] std::vector<Row> spread_rows(const Part& part, const attributes::RowSet& rows, std::size_t most);

/// Calls f(row) for every visible row that matches.
template <class F>
void for_each_match(const Part& part, const filter::CompiledFilter& filter, F&& f) {
  const auto known = filter.matches_all() ? nullptr : rows_by_index(part, filter);
  if (known) {
    known->rows.for_each([&](Row row) {
      if (part.visible(row)) f(row);
    });
    return;
  }
  for (Row row = 0; row < part.rows(); ++row)
    if (part.visible(row) && (filter.matches_all() || filter.matches(part.payload(row)))) f(row);
}

}  // namespace ndb::reader
