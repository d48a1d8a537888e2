// Rows whose vectors are byte for byte equal. The graph links one of each group only: hundreds of links of length zero
// would leave no way out of the group, nor into the rest of the graph.
//
// Threads: plain values.
#pragma once

#include <vector>

#include "ndb/types.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::index {

struct EqualRows {
  std::vector<Row> rows;                ///< [groups] the first row of each group of two or more, ascending
  std::vector<std::uint32_t> offsets;   ///< [groups + 1] where each group's other rows start in members
  std::vector<Row> members;             ///< the other rows, ascending within a group
  std::vector<Row> first;               ///< [all rows] the first row of its group, itself if alone

  [[nodiscard]] bool is_first(Row row) const noexcept { return first[row] == row; }
};

/// One pass over the vectors.
[[nodiscard]] EqualRows find_equal_rows(const VectorsView& vectors);

}  // namespace ndb::index
