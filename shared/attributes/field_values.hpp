// The values of one field while an index is built: collected row by row, then sorted. Private to shared/attributes.
//
// Threads: one owner.
// Invariant: rows are added in ascending order.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shared/attributes/row_set.hpp"
#include "shared/filter/compiled_filter.hpp"

namespace ndb::attributes {

class FieldValues {
 public:
  struct Entry {
    std::uint64_t bits;  ///< of the scalar; of a string its number
    Row row;
    payload::Kind kind;
  };

  explicit FieldValues(Row universe) : rows_(universe) {}
  FieldValues(FieldValues&&) = default;
  FieldValues& operator=(FieldValues&&) = default;
  FieldValues(const FieldValues&) = delete;  // numbers_ refers to strings_
  FieldValues& operator=(const FieldValues&) = delete;

  /// The path leads to something in `row`.
  void add_row(Row row) {
    if (any_row_ && last_row_ == row) return;
    any_row_ = true;
    last_row_ = row;
    rows_.add_list({&row, 1});
  }
  /// It leads to this scalar there.
  void add(const filter::Scalar& scalar, Row row);

  /// Where it leads to something; once, after the last row.
  [[nodiscard]] RowSet take_rows() { return rows_.take(); }
  /// What the values take in memory, and about what they will take in the file.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept;
  [[nodiscard]] std::uint64_t file_bytes() const noexcept;
  /// Sorts by value and row, each pair once. Nothing is added afterwards.
  void sort();
  [[nodiscard]] std::span<const Entry> entries() const noexcept { return entries_; }
  [[nodiscard]] filter::Scalar scalar(const Entry& entry) const noexcept;
  [[nodiscard]] bool same_value(const Entry& left, const Entry& right) const noexcept;
  /// Frees the values, but not the rows.
  void drop_values();

 private:
  void rank_strings();

  RowUnion rows_;
  Row last_row_ = 0;
  bool any_row_ = false;
  std::vector<Entry> entries_;
  std::deque<std::string> strings_;  // by their number; a deque, so that the map's keys stay where they are
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
  std::uint64_t text_bytes_ = 0;
};

}  // namespace ndb::attributes
