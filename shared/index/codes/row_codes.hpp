// 1-bit codes of rows that have no graph (yet): those of a memtable, and of a segment that waits for its graph. A search compares them instead of
// the vectors, a thirtieth of the bytes.
//
// With a coder of a graph (RowCoder), the rows are divided into the cells of that graph as they are coded, and a search looks through the nearest
// cells only; else it scans all codes, side by side.
//
// They are made only once somebody searches (want()): then by whoever adds rows, as it goes, and by searches themselves for what is missing, a
// little each time, so that none waits long.
//
// Threads: any; one at a time makes codes, the others go on without.
// Invariants: rows [0, coded()) have codes, which never change; they lie in chunks of kChunkRows: with cells one after another, without in blocks
// of 32 rows that begin with a sample (packed_codes.hpp). Each coded row is in one cell (cell_lists.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "shared/index/codes/cell_lists.hpp"
#include "shared/index/codes/packed_codes.hpp"
#include "shared/index/hnsw_view.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::index {

/// How rows are coded and divided into cells. Immutable.
struct RowCoder {
  std::shared_ptr<const BitCodec> codec;
  std::uint32_t cells = 0;           ///< a multiple of kPackedRows; 0: rows are not divided
  AlignedBuffer<std::byte> centres;  ///< [cells · BitCodec::stride_bytes(dim)] their codes, packed

  /// As the rows of a graph, of which those to come are likely to be more; null if it has no 1-bit codes.
  [[nodiscard]] static std::shared_ptr<const RowCoder> of_graph(const HnswView& graph);
  [[nodiscard]] const std::byte* block(std::uint32_t cell) const noexcept {
    return centres.data() + cell * BitCodec::stride_bytes(static_cast<std::uint32_t>(codec->dim()));
  }
};

class RowCodes {
 public:
  static constexpr Row kChunkRows = 1024;
  static constexpr Row kBlockRows = kPackedRows;   ///< without cells, rows are coded so many at a time
  static constexpr std::uint32_t kMinDim = 64;  ///< below, vectors are about as short as their codes

  /// No coder yet: one without cells is made of the first chunk, once that is full.
  RowCodes() = default;
  /// With that of earlier rows of the collection, or null; wanted: by searches.
  RowCodes(std::shared_ptr<const RowCoder> coder, bool wanted);

  /// How many rows have codes.
  [[nodiscard]] Row coded() const noexcept { return coded_.load(std::memory_order_acquire); }
  /// [coded() − first row of the chunk, at most kChunkRows · BitCodec::stride_bytes(dim)]; the chunk begins below coded().
  [[nodiscard]] const std::byte* chunk(std::size_t chunk) const noexcept { return chunks_[chunk]; }
  /// Only if coded() is not 0.
  [[nodiscard]] const RowCoder& coder() const noexcept { return *coder_.load(std::memory_order_acquire); }
  [[nodiscard]] const BitCodec& codec() const noexcept { return *coder().codec; }
  /// Whether rows are divided into cells.
  [[nodiscard]] bool has_cells() const noexcept { return cells_.has_value(); }
  /// The rows of each cell. Rows from coded() on may be among them, whose codes are not ready. Only with cells.
  [[nodiscard]] const CellLists& cells() const noexcept { return *cells_; }
  /// For rows to come, or null.
  [[nodiscard]] std::shared_ptr<const RowCoder> share_coder() const;

  void want() noexcept {
    if (!wanted_.load(std::memory_order_relaxed)) wanted_.store(true, std::memory_order_relaxed);
  }
  [[nodiscard]] bool wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }

  /// Codes up to `at_most` more rows of those below `rows`, without cells in whole blocks, unless another thread is coding. Every row below `rows` must be
  /// complete; begin: a view whose first kChunkRows rows, as far as there are so many, are the first here; vector_of(row): [dim].
  template <class VectorOf>
  void extend(Row rows, Row at_most, const VectorsView& begin, VectorOf&& vector_of) {
    const Row from = coded(), step = has_cells() ? 1 : kBlockRows;
    if (rows - std::min(from, rows) < step || at_most < step || begin.dim < kMinDim) return;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || !make_coder(rows, begin)) return;
    for (Row row = coded(), end = std::min(rows, row + at_most); row + step <= end; row += step) {
      for (Row i = row; i < row + step; ++i) has_cells() ? add_to_cell(vector_of(i), i) : add_to_block(vector_of(i), i);
      coded_.store(row + step, std::memory_order_release);  // pairs with coded()
    }
  }

 private:
  static constexpr std::size_t kMaxChunks = 4096;

  // All under mutex_.
  bool make_coder(Row rows, const VectorsView& begin);
  std::byte* chunk_for(Row row);
  void add_to_block(const float* vector, Row row);
  void add_to_cell(const float* vector, Row row);
  [[nodiscard]] std::uint32_t nearest_cell() const noexcept;  // to query_

  std::atomic<Row> coded_{0};
  std::atomic<bool> wanted_{false};
  std::atomic<const RowCoder*> coder_{nullptr};
  std::optional<CellLists> cells_;                      // made with the object
  mutable std::mutex mutex_;
  std::shared_ptr<const RowCoder> made_coder_;          // guarded by mutex_
  std::vector<std::byte> code_;                         // guarded by mutex_; of the row at hand
  BitQueryBuffer query_;                                // guarded by mutex_; the same as a query for the centres
  PackedQuery packed_query_;                            // guarded by mutex_
  std::vector<AlignedBuffer<std::byte>> owned_;         // guarded by mutex_
  std::array<const std::byte*, kMaxChunks> chunks_{};   // written before coded_ says so
};

}  // namespace ndb::index
