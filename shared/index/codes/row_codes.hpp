// 1-bit codes of rows that have no graph (yet): those of a memtable, and of a segment that waits for its graph. A search compares them instead of
// the vectors, a thirtieth of the bytes.
//
// They are made only once somebody searches (want()): then by whoever adds rows, as it goes, and by searches themselves for what is missing, a
// little each time, so that none waits long.
//
// Threads: any; one at a time makes codes, the others go on without.
// Invariants: rows [0, coded()) have codes, which never change; they lie in chunks of kChunkRows, in blocks of 32 rows that begin with a sample
// (packed_codes.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "shared/index/codes/packed_codes.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::index {

class RowCodes {
 public:
  static constexpr Row kChunkRows = 1024;
  static constexpr Row kBlockRows = kPackedRows;   ///< rows are coded so many at a time
  static constexpr std::uint32_t kMinDim = 64;  ///< below, vectors are about as short as their codes

  /// No codec yet: it is made of the first chunk, once that is full.
  RowCodes() = default;
  /// With that of earlier rows of the collection, or null.
  explicit RowCodes(std::shared_ptr<const BitCodec> codec) : wanted_(codec != nullptr), made_codec_(std::move(codec)) {
    codec_.store(made_codec_.get(), std::memory_order_relaxed);
  }

  /// How many rows have codes.
  [[nodiscard]] Row coded() const noexcept { return coded_.load(std::memory_order_acquire); }
  /// [coded() − first row of the chunk, at most kChunkRows · BitCodec::stride_bytes(dim)]; the chunk begins below coded().
  [[nodiscard]] const std::byte* chunk(std::size_t chunk) const noexcept { return chunks_[chunk]; }
  /// Only if coded() is not 0.
  [[nodiscard]] const BitCodec& codec() const noexcept { return *codec_.load(std::memory_order_acquire); }
  /// For rows to come, or null.
  [[nodiscard]] std::shared_ptr<const BitCodec> share_codec() const;

  void want() noexcept {
    if (!wanted_.load(std::memory_order_relaxed)) wanted_.store(true, std::memory_order_relaxed);
  }
  [[nodiscard]] bool wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }

  /// Codes up to `at_most` more rows of those below `rows`, in whole blocks, unless another thread is coding. Every row below `rows` must be
  /// complete; begin: a view whose first kChunkRows rows, as far as there are so many, are the first here; vector_of(row): [dim].
  template <class VectorOf>
  void extend(Row rows, Row at_most, const VectorsView& begin, VectorOf&& vector_of) {
    const Row from = coded();
    if (rows - std::min(from, rows) < kBlockRows || at_most < kBlockRows || begin.dim < kMinDim) return;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || !make_codec(rows, begin)) return;
    for (Row row = coded(), end = std::min(rows, row + at_most); row + kBlockRows <= end; row += kBlockRows) {
      std::byte* codes = block(row);
      for (Row i = 0; i < kBlockRows; ++i) encode(vector_of(row + i), i, codes);
      coded_.store(row + kBlockRows, std::memory_order_release);  // pairs with coded()
    }
  }

 private:
  static constexpr std::size_t kMaxChunks = 4096;

  // All under mutex_.
  bool make_codec(Row rows, const VectorsView& begin);
  std::byte* block(Row row);
  void encode(const float* vector, Row at, std::byte* codes) noexcept;

  std::atomic<Row> coded_{0};
  std::atomic<bool> wanted_{false};
  std::atomic<const BitCodec*> codec_{nullptr};
  mutable std::mutex mutex_;
  std::shared_ptr<const BitCodec> made_codec_;          // guarded by mutex_
  std::vector<std::byte> code_;                         // guarded by mutex_; of the row at hand
  std::vector<AlignedBuffer<std::byte>> owned_;         // guarded by mutex_
  std::array<const std::byte*, kMaxChunks> chunks_{};   // written before coded_ says so
};

}  // namespace ndb::index
