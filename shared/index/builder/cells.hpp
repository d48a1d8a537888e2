// Divides the rows of a graph into cells by the nearest of a few centres, for searches that a filter keeps from walking the graph.
// Source: Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011 (inverted lists).
//
// Threads: make_cells uses the calling thread and those it is given.
// Invariants: the same for any number of threads; every row is in exactly one cell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "shared/index/codes/bit_codec.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::index {

struct Cells {
  std::vector<std::byte> codes;        ///< of the centres, in blocks of kPackedRows (packed_codes.hpp)
  std::vector<std::uint32_t> offsets;  ///< [cells + 1] into rows; empty: there are no cells
  std::vector<Row> rows;               ///< [rows] by cell, ascending within one
};

/// How many cells there are for so many rows: about twice their square root, a multiple of kPackedRows; 0 for few rows, which are sooner
/// scanned.
[[nodiscard]] std::uint32_t cell_count(Row rows) noexcept;

/// Rows are compared by their codes: `codes` [rows · BitCodec::stride_bytes(dim)]. No cells if the numbers of a centre do not fit or it was
/// stopped.
[[nodiscard]] Cells make_cells(const VectorsView& vectors, const BitCodec& codec, const std::byte* codes, std::uint32_t cells, unsigned threads,
                               std::stop_token stop);

}  // namespace ndb::index
