// Turns a finished graph into the bytes of its file. Format: shared/format/schema/hnsw.fbs.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ndb/error.hpp"
#include "shared/index/codes/bit_codec.hpp"
#include "shared/index/codes/codec.hpp"
#include "shared/index/builder/cells.hpp"
#include "shared/index/builder/equal_rows.hpp"
#include "shared/index/builder/graph_tables.hpp"

namespace ndb::index {

/// What the file says besides the links.
struct GraphFacts {
  std::uint32_t dim = 0;
  Distance distance = Distance::cosine;
  std::uint32_t ef_construction = 0;
  const Codec* codec = nullptr;  ///< null: no 8-bit codes
  std::span<const std::byte> codes = {};
  const BitCodec* bit_codec = nullptr;  ///< null: no 1-bit codes
  std::span<const std::byte> bit_rows = {};
  std::span<const std::byte> refined_rows = {};  ///< empty: no refined codes
  const Cells* cells = nullptr;  ///< null: none
  float candidates_for_ten = 0.0F;
  std::size_t recall_points = 0;  ///< zeros that are kept for what is measured once the graph is there
};

/// invalid_argument if the file would reach 2 GiB.
[[nodiscard]] Result<std::vector<std::byte>> encode_graph(const GraphTables& graph, const EqualRows& equal,
                                                          const GraphFacts& facts);

}  // namespace ndb::index
