// Searching a segment that has a graph for rows that a filter lets through: picks the plan and runs it. Private to reader/
// (docs/adr/0011-attribute-index.md).
//
// Threads: any; scratch is per thread.
// Invariant: never fewer than top_k matches if so many rows match: what a walk does not find, a scan does.
#pragma once

#include "reader/part_rows.hpp"
#include "reader/part_search.hpp"

namespace ndb::reader {

/// rows: what the filter lets through. share: as for search_part().
[[nodiscard]] PartResult filtered_search(const Part& part, const PartQuery& query, const attributes::EvaluatedFilter& rows, double share);

/// The same where the attribute index does not know all that the filter asks for.
[[nodiscard]] PartResult filtered_search_by_payload(const Part& part, const PartQuery& query, double share);

}  // namespace ndb::reader
