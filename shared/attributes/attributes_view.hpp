// The attribute index of a segment, used in place: which rows have which value at which dotted path.
//
// Threads: immutable; any number of readers.
// Damage: every access checks the blocks it touches, and every number before it is used. What does not add up reads as an empty set;
// the caller asks damage() before it answers anything that it read here. verify() looks at everything.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "shared/attributes/attribute_format.hpp"
#include "shared/attributes/row_set.hpp"
#include "shared/filter/compiled_filter.hpp"
#include "shared/format/section_file.hpp"

namespace ndb::attributes {

/// Values [begin, end) of a field, by their place in its order.
struct ValueRange {
  std::uint32_t begin = 0, end = 0;
};

class AttributesView {
 public:
  /// Opens the index in O(1). corruption unless it fits a segment of `rows` rows.
  [[nodiscard]] static Result<std::unique_ptr<const AttributesView>> open(std::shared_ptr<const format::SectionFile> file, Row rows);

  enum class Known : std::uint8_t {
    absent,      ///< no payload has the path
    indexed,
    not_indexed  ///< nothing is known of its values
  };
  struct Field {
    Known known = Known::absent;
    FieldRecord record{};
  };
  [[nodiscard]] Field find(std::string_view path) const;

  // Of an indexed field.
  /// Values equal to `operand`: one or none.
  [[nodiscard]] ValueRange equal(const Field& field, const filter::Scalar& operand) const;
  /// Values of the operand's type that are smaller (or equal), greater (or equal).
  [[nodiscard]] ValueRange below(const Field& field, const filter::Scalar& operand, bool or_equal) const;
  [[nodiscard]] ValueRange above(const Field& field, const filter::Scalar& operand, bool or_equal) const;
  /// Rows of those values, counted as often as they have one of them: no fewer than there are.
  [[nodiscard]] std::uint64_t count_entries(const Field& field, ValueRange range) const;
  /// The rows of those values are added to `into`.
  void add_rows(const Field& field, ValueRange range, RowUnion& into) const;
  /// The rows of one value, in place.
  [[nodiscard]] RowSet rows_of(const Field& field, std::uint32_t value) const;
  /// The rows in which the path leads to anything; of any field that is not absent.
  [[nodiscard]] RowSet present(const Field& field) const;

  [[nodiscard]] Row rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint32_t fields() const noexcept { return static_cast<std::uint32_t>(fields_.size()); }
  /// corruption if what was read so far does not add up.
  [[nodiscard]] Status damage() const;
  /// Reads everything; corruption names the first field that is wrong.
  [[nodiscard]] Status verify() const;

 private:
  AttributesView() = default;
  [[nodiscard]] std::unexpected<Error> corrupt(const std::string& what) const;
  void report_damage() const noexcept { inconsistent_.store(true, std::memory_order_relaxed); }

  /// `count` elements at `offset` of the data, or nothing where that is out of range or damaged.
  template <class T>
  [[nodiscard]] std::span<const T> array(std::uint64_t offset, std::uint64_t count) const;
  template <class T>
  [[nodiscard]] T element(std::uint64_t offset, std::uint64_t count, std::uint64_t i) const;
  [[nodiscard]] FieldRecord field_record(std::size_t i) const;
  [[nodiscard]] bool arrays_fit(const FieldRecord& record) const;
  [[nodiscard]] std::string_view path_of(const FieldRecord& record) const;
  [[nodiscard]] ValueRecord value(const FieldRecord& field, std::uint32_t i) const;
  [[nodiscard]] GroupRecord group(const FieldRecord& field, std::uint32_t i) const;
  [[nodiscard]] std::uint32_t group_end(const FieldRecord& field, std::uint32_t i) const;
  [[nodiscard]] std::uint32_t group_of(const FieldRecord& field, std::uint32_t value) const;
  [[nodiscard]] filter::Scalar scalar(const FieldRecord& field, const ValueRecord& value) const;
  /// The first value for which before(its scalar) is false.
  template <class Before>
  [[nodiscard]] std::uint32_t partition(const FieldRecord& field, Before before) const;
  /// Adds the rows of groups from `first` on, of which all of range is whole and has a bitmap, as far as one look-up goes; returns the last.
  std::uint32_t add_groups(const FieldRecord& field, std::uint32_t first, ValueRange range, RowUnion& into) const;
  [[nodiscard]] bool adds_up(const FieldRecord& field, const GroupRecord& group) const noexcept { return field.cumulative == 1 && group.single == 0; }
  [[nodiscard]] std::span<const Row> listed(const FieldRecord& field, ValueRange range) const;
  [[nodiscard]] std::span<const std::uint64_t> bitmap(const FieldRecord& field, std::uint32_t number) const;
  [[nodiscard]] std::span<const std::uint64_t> checked_words(std::uint64_t offset) const;

  [[nodiscard]] Status verify_field(const FieldRecord& field) const;
  [[nodiscard]] Status verify_values(const FieldRecord& field) const;
  [[nodiscard]] Status verify_groups(const FieldRecord& field) const;
  [[nodiscard]] bool group_fits(const FieldRecord& field, std::uint32_t i) const;

  std::shared_ptr<const format::SectionFile> file_;
  format::SectionFile::Section data_, fields_section_, paths_;
  std::span<const FieldRecord> fields_;
  Row rows_ = 0;
  bool complete_ = false;
  mutable std::atomic<bool> inconsistent_{false};  // relaxed: orders nothing
};

}  // namespace ndb::attributes
