// An HNSW graph under construction: the arrays of the finished format, and a lock for each row.
//
// Threads: links(), add and replace through a RowLock of the node's row; everything else is set up before threads start.
// Invariants: numbering and list lengths are those of shared/format/schema/hnsw.fbs.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "ndb/types.hpp"
#include "shared/index/aligned_buffer.hpp"
#include "shared/index/hnsw_view.hpp"

namespace ndb::index {

/// A byte of lock per row: held for a few microseconds, hardly ever contended.
class SpinLocks {
 public:
  explicit SpinLocks(std::size_t count) : locks_(std::make_unique<std::atomic<bool>[]>(count)) {}

  void lock(std::size_t i) noexcept {
    // acquire: pairs with the release in unlock(), so that the links written under the lock are seen
    for (unsigned spins = 0; locks_[i].exchange(true, std::memory_order_acquire); ++spins)
      if (spins > 64) std::this_thread::yield();
  }
  void unlock(std::size_t i) noexcept { locks_[i].store(false, std::memory_order_release); }

 private:
  std::unique_ptr<std::atomic<bool>[]> locks_;
};

class RowLock {
 public:
  RowLock(SpinLocks& locks, Row row) noexcept : locks_(&locks), row_(row) { locks_->lock(row_); }
  ~RowLock() { locks_->unlock(row_); }
  RowLock(const RowLock&) = delete;
  RowLock& operator=(const RowLock&) = delete;

 private:
  SpinLocks* locks_;
  Row row_;
};

class GraphTables {
 public:
  /// levels: [rows] how many levels above 0 each row is on.
  GraphTables(std::span<const std::uint8_t> levels, std::uint32_t m);

  [[nodiscard]] Row rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint32_t m() const noexcept { return m_; }
  [[nodiscard]] std::uint32_t nodes(std::uint32_t level) const noexcept {
    return level == 0 ? rows_ : static_cast<std::uint32_t>(upper_rows.size());
  }
  [[nodiscard]] std::uint32_t capacity(std::uint32_t level) const noexcept { return level == 0 ? 2 * m_ : m_; }
  [[nodiscard]] Row row_of(std::uint32_t level, std::uint32_t node) const noexcept {
    return level == 0 ? node : upper_rows[node];
  }
  /// The node of `row` on the levels above 0, if it is there.
  [[nodiscard]] std::optional<std::uint32_t> upper_node(Row row) const noexcept;
  [[nodiscard]] std::uint32_t levels_of(std::uint32_t upper_node) const noexcept {
    return (upper_offsets[upper_node + 1] - upper_offsets[upper_node]) / m_;
  }

  /// The whole list of a node that is on `level`, ended by kNoLink if not full. Under the row's lock while threads build.
  [[nodiscard]] std::span<std::uint32_t> links(std::uint32_t level, std::uint32_t node) noexcept {
    if (level == 0) return {base_links.data() + std::size_t{node} * 2 * m_, std::size_t{2} * m_};
    return {upper_links.data() + upper_offsets[node] + std::size_t{level - 1} * m_, m_};
  }

  /// Where insertions start: a node of top_level.
  std::uint32_t top_level = 0;
  std::uint32_t entry = 0;

  AlignedBuffer<std::uint32_t> base_links;
  std::vector<Row> upper_rows;
  std::vector<std::uint32_t> upper_offsets;
  std::vector<std::uint32_t> upper_links;
  SpinLocks locks;

 private:
  Row rows_;
  std::uint32_t m_;
};

/// Writes `from` into a list and ends it.
inline void write_links(std::span<std::uint32_t> list, std::span<const std::uint32_t> from) noexcept {
  const auto end = std::copy(from.begin(), from.end(), list.begin());
  std::fill(end, list.end(), kNoLink);
}

/// The links of a list before its end.
template <class T>
[[nodiscard]] std::span<T> used_links(std::span<T> list) noexcept {
  return list.first(static_cast<std::size_t>(std::find(list.begin(), list.end(), kNoLink) - list.begin()));
}

}  // namespace ndb::index
