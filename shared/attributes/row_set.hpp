// A set of rows of one segment: ascending numbers while they are few, a bitmap otherwise; its own memory or a mapped file's.
//
// Threads: a plain value. Borrowed memory must outlive it.
// Invariant: every row is below universe(); a list is ascending.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ndb/types.hpp"

namespace ndb::attributes {

class RowSet {
 public:
  /// No row of `universe`.
  explicit RowSet(Row universe = 0) : universe_(universe) {}
  [[nodiscard]] static RowSet all(Row universe);
  /// rows: ascending, below universe.
  [[nodiscard]] static RowSet of_list(std::vector<Row> rows, Row universe);
  [[nodiscard]] static RowSet borrow_list(std::span<const Row> rows, Row universe);
  /// words: bitmap_words(universe), nothing set from universe on. Becomes a list where few are set.
  [[nodiscard]] static RowSet of_bits(std::vector<std::uint64_t> words, Row universe);
  /// count: how many are set.
  [[nodiscard]] static RowSet borrow_bits(std::span<const std::uint64_t> words, Row count, Row universe);

  RowSet(RowSet&&) = default;
  RowSet& operator=(RowSet&&) = default;
  RowSet(const RowSet&) = delete;
  RowSet& operator=(const RowSet&) = delete;

  [[nodiscard]] Row universe() const noexcept { return universe_; }
  [[nodiscard]] Row count() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] bool is_all() const noexcept { return count_ == universe_; }
  [[nodiscard]] bool is_bitmap() const noexcept { return bitmap_; }
  /// Whether it holds nothing of others: see borrow_list(), borrow_bits().
  [[nodiscard]] bool owns_memory() const noexcept { return list_.empty() && words_.empty(); }
  /// Of a bitmap.
  [[nodiscard]] std::span<const std::uint64_t> words() const noexcept { return own_words_.empty() ? words_ : own_words_; }
  /// Of a list.
  [[nodiscard]] std::span<const Row> list() const noexcept { return own_list_.empty() ? list_ : own_list_; }
  [[nodiscard]] RowSet copy() const { return bitmap_ ? of_bits(to_words(), universe_) : of_list(to_list(), universe_); }
  /// O(1) in a bitmap, O(log n) in a list.
  [[nodiscard]] bool contains(Row row) const noexcept;
  /// Ascending.
  [[nodiscard]] std::vector<Row> to_list() const;
  [[nodiscard]] std::vector<std::uint64_t> to_words() const;

  /// Calls f(row) for each row, ascending.
  template <class F>
  void for_each(F&& f) const {
    if (!bitmap_) {
      for (const Row row : list()) f(row);
      return;
    }
    const auto bits = words();
    for (std::size_t word = 0; word < bits.size(); ++word)
      for (auto left = bits[word]; left != 0; left &= left - 1)
        f(static_cast<Row>(word * 64 + static_cast<unsigned>(std::countr_zero(left))));
  }

  /// The rows of this for which keep(row) holds.
  template <class Keep>
  [[nodiscard]] RowSet filtered(Keep&& keep) const {
    if (!bitmap_) {
      std::vector<Row> rows;
      for (const Row row : list())
        if (keep(row)) rows.push_back(row);
      return of_list(std::move(rows), universe_);
    }
    auto bits = to_words();
    for_each([&](Row row) {
      if (!keep(row)) bits[row >> 6] &= ~(std::uint64_t{1} << (row & 63));
    });
    return of_bits(std::move(bits), universe_);
  }

  [[nodiscard]] static RowSet intersection(const RowSet& left, const RowSet& right);
  [[nodiscard]] static RowSet difference(const RowSet& left, const RowSet& right);

 private:
  Row universe_ = 0;
  Row count_ = 0;
  bool bitmap_ = false;
  std::span<const Row> list_;
  std::span<const std::uint64_t> words_;
  std::vector<Row> own_list_;
  std::vector<std::uint64_t> own_words_;
};

/// Adds up sets of one universe; what is small stays a list.
class RowUnion {
 public:
  explicit RowUnion(Row universe) : universe_(universe) {}
  /// rows: ascending; those from universe on are left out.
  void add_list(std::span<const Row> rows);
  void add_words(std::span<const std::uint64_t> words);
  /// Adds what is in `words` and not in `without` (which may be empty).
  void add_difference(std::span<const std::uint64_t> words, std::span<const std::uint64_t> without);
  void add(const RowSet& set);
  [[nodiscard]] RowSet take();

 private:
  void become_bitmap();

  Row universe_;
  std::vector<Row> rows_;  // not sorted
  std::vector<std::uint64_t> words_;
};

}  // namespace ndb::attributes
