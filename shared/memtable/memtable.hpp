// Documents that are in the WAL but not in a segment yet. One memtable per WAL file.
//
// Append-only: a row, once written, never moves or changes; replacing an id appends a row and marks the old one. A search
// fixes a sequence number and sees the rows that were created up to it and not deleted up to it.
//
// Threads: one thread applies operations; any number read at the same time, without locks.
// Invariants:
//   - rows [0, row_count) are complete; row_count is published (release) after the row is;
//   - applied_seq is published after every row and mark of its batch, so batches are seen whole or not at all;
//   - chunks never move.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ndb/collection_config.hpp"
#include "ndb/types.hpp"
#include "shared/base/bytes.hpp"
#include "shared/format/file_names.hpp"
#include "shared/index/codes/row_codes.hpp"
#include "shared/index/vectors_view.hpp"
#include "shared/memtable/arena.hpp"
#include "shared/memtable/block_pool.hpp"
#include "shared/memtable/id_table.hpp"

namespace ndb::memtable {

class Memtable {
 public:
  static constexpr Row kChunkRows = index::RowCodes::kChunkRows;
  static constexpr Row kMaxRows = kChunkRows * 4096;

  /// For the operations behind `after`, which stand in the WAL file `wal`. coder: of earlier rows, or null; coded: searches want codes.
  Memtable(const CollectionConfig& config, format::WalName wal, Seq after, std::shared_ptr<const index::RowCoder> coder = nullptr, bool coded = false);
  ~Memtable();
  Memtable(const Memtable&) = delete;
  Memtable& operator=(const Memtable&) = delete;

  // --- the applying thread ---
  /// Appends a row; the caller has marked the older version. vector: dim float32, any alignment.
  void put(Seq seq, std::string_view id, base::ByteSpan vector, base::ByteSpan payload);
  /// Marks the newest row of the id, if it is in this memtable and live. True if it was.
  bool mark_deleted(Seq seq, std::string_view id);
  /// Remembers a deletion whose target may be in a segment.
  void note_removal(Seq seq, std::string_view id);
  /// Makes everything up to `seq` visible.
  void set_applied(Seq seq) noexcept { applied_seq_.store(seq.value, std::memory_order_release); }

  // --- everyone ---
  [[nodiscard]] format::WalName wal() const noexcept { return wal_; }
  [[nodiscard]] Seq after() const noexcept { return after_; }
  [[nodiscard]] Seq applied_seq() const noexcept { return Seq{applied_seq_.load(std::memory_order_acquire)}; }
  [[nodiscard]] Row row_count() const noexcept { return row_count_.load(std::memory_order_acquire); }
  [[nodiscard]] Row deleted_count() const noexcept { return deleted_count_.load(std::memory_order_relaxed); }
  /// Taken from the system, in blocks and ahead of the rows.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  /// What its rows and removals fill: grows with each of them, whatever the dimension.
  [[nodiscard]] std::uint64_t used_bytes() const noexcept { return used_bytes_.load(std::memory_order_relaxed); }
  /// Whether a search at `at` sees the row (row < row_count()).
  [[nodiscard]] bool visible(Row row, Seq at) const noexcept {
    const RowMeta& meta = meta_of(row);
    return meta.created.value <= at.value && meta.deleted_at.load(std::memory_order_acquire) > at.value;
  }
  [[nodiscard]] std::string_view row_id(Row row) const noexcept { return meta_of(row).id; }
  [[nodiscard]] base::ByteSpan payload(Row row) const noexcept { return meta_of(row).payload; }
  [[nodiscard]] Seq created(Row row) const noexcept { return meta_of(row).created; }
  [[nodiscard]] std::span<const float> vector(Row row) const noexcept;
  /// Rows [chunk * kChunkRows, …) as a matrix, as far as row_count() reached.
  [[nodiscard]] index::VectorsView chunk_vectors(Row chunk, Row rows_in_memtable) const noexcept;

  [[nodiscard]] index::RowCodes& codes() const noexcept { return *codes_; }
  /// The same for whoever goes on with them: a segment of exactly these rows.
  [[nodiscard]] const std::shared_ptr<index::RowCodes>& share_codes() const noexcept { return codes_; }
  /// Codes up to `at_most` rows more.
  void extend_codes(Row at_most) const {
    const Row rows = row_count();
    if (rows > 0)
      codes_->extend(rows, at_most, chunk_vectors(0, rows), [&](Row row) { return vector(row).data(); });
  }

  struct Lookup {
    bool known = false;      ///< this memtable decides: older places need not be asked
    std::optional<Row> row;  ///< the version that is live at that sequence number
  };
  /// The version of the id that is live at `at`.
  [[nodiscard]] Lookup find(std::string_view id, Seq at) const;

  /// Calls f(id, seq) for every put with after < seq <= up_to. Any thread, if up_to is at most applied_seq().
  template <class F>
  void for_each_put(Seq after, Seq up_to, F f) const {
    for (Row row = 0, rows = row_count(); row < rows; ++row)
      if (const Seq seq = created(row); seq > after && seq <= up_to) f(row_id(row), seq);
  }
  /// Calls f(id, seq) for every removal with after < seq. Applying thread only.
  template <class F>
  void for_each_removal(Seq after, F f) const {
    for (const auto& removal : removals_)
      if (removal.seq > after) f(removal.id, removal.seq);
  }

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  static constexpr Row kNone = std::numeric_limits<Row>::max();

  struct RowMeta {
    Seq created;
    std::atomic<std::uint64_t> deleted_at{kNever};
    std::string_view id;
    base::ByteSpan payload;
    Row previous = kNone;  ///< older version of the same id in this memtable
  };
  struct Chunk {
    BlockPool::Block vectors;
    std::unique_ptr<float[]> inverse_norms;
    std::array<RowMeta, kChunkRows> meta;
  };
  struct Removal {
    std::string_view id;
    Seq seq;
  };

  Chunk& chunk_for_append(Row row);
  [[nodiscard]] const Chunk& chunk_of(Row row) const noexcept {
    return *chunks_[row / kChunkRows].load(std::memory_order_acquire);
  }
  [[nodiscard]] const RowMeta& meta_of(Row row) const noexcept { return chunk_of(row).meta[row % kChunkRows]; }
  [[nodiscard]] RowMeta& meta_of(Row row) noexcept {
    return chunks_[row / kChunkRows].load(std::memory_order_relaxed)->meta[row % kChunkRows];
  }
  [[nodiscard]] std::optional<Row> newest(std::string_view id) const;

  // constant after construction
  const CollectionConfig config_;
  const format::WalName wal_;
  const Seq after_;
  const std::uint32_t stride_bytes_;
  // the applying thread's
  Arena arena_;
  std::vector<Removal> removals_;
  // own synchronization
  IdTable ids_;
  const std::shared_ptr<index::RowCodes> codes_;
  std::array<std::atomic<Chunk*>, kMaxRows / kChunkRows> chunks_{};
  std::atomic<Row> row_count_{0};
  std::atomic<Row> deleted_count_{0};
  std::atomic<std::uint64_t> applied_seq_;
  std::atomic<std::uint64_t> bytes_{0}, used_bytes_{0};
};

}  // namespace ndb::memtable
