// The full check of an attribute index.
#include <algorithm>
#include <bit>
#include <functional>

#include "shared/attributes/attributes_view.hpp"

namespace ndb::attributes {
namespace {

bool ascending(std::span<const Row> rows, Row universe) {
  return std::ranges::adjacent_find(rows, std::greater_equal()) == rows.end() && (rows.empty() || rows.back() < universe);
}

std::uint64_t count_set(std::span<const std::uint64_t> words) {
  std::uint64_t count = 0;
  for (const auto word : words) count += static_cast<std::uint64_t>(std::popcount(word));
  return count;
}

}  // namespace

Status AttributesView::verify() const {
  std::string_view last;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const auto record = field_record(i);
    const auto path = path_of(record);
    if (i > 0 && path <= last) return corrupt("its fields are out of order");
    last = path;
    if (const auto status = verify_field(record); !status) return corrupt("field '" + std::string(path) + "': " + status.error().message);
  }
  NDB_TRY(file_->damage());
  return damage();
}

Status AttributesView::verify_field(const FieldRecord& record) const {
  const auto wrong = [](const char* what) { return fail(ErrorCode::corruption, what); };
  if (record.indexed > 1 || record.present_bitmap > 1 || record.cumulative > 1) return wrong("impossible flags");
  const RowSet rows = present({.known = Known::not_indexed, .record = record});
  if (rows.is_bitmap() ? count_set(rows.words()) != record.present : !ascending(rows.list(), rows_) || rows.count() != record.present)
    return wrong("the rows that have it are wrong");
  if (record.indexed == 0) return {};
  if (!arrays_fit(record)) return wrong("impossible numbers of values or groups");
  NDB_TRY(verify_values(record));
  return verify_groups(record);
}

Status AttributesView::verify_values(const FieldRecord& record) const {
  for (std::uint32_t i = 0; i < record.values; ++i) {
    const auto one = scalar(record, value(record, i));
    if (filter::type_order(one.kind) == filter::type_order(payload::Kind::invalid)) return fail(ErrorCode::corruption, "a value of no type");
    if (i > 0 && !filter::sorts_before(scalar(record, value(record, i - 1)), one))
      return fail(ErrorCode::corruption, "its values are out of order");
  }
  return {};
}

bool AttributesView::group_fits(const FieldRecord& record, std::uint32_t i) const {
  const auto one = group(record, i);
  const std::uint32_t end = group_end(record, i);
  if (one.first_value >= end || end > record.values || one.single > 1) return false;
  std::vector<std::uint64_t> words(bitmap_words(rows_));
  std::uint64_t entries = 0;
  for (std::uint32_t v = one.first_value; v < end; ++v) {
    entries += value(record, v).rows;
    if (one.single == 1) continue;
    const auto rows = listed(record, {v, v + 1});
    if (rows.size() != value(record, v).rows || !ascending(rows, rows_)) return false;
    for (const Row row : rows) words[row >> 6] |= std::uint64_t{1} << (row & 63);
  }
  if (entries != one.entries) return false;
  if (one.bitmap == kNoBitmap) return one.single == 0;
  const auto bits = bitmap(record, one.bitmap);
  if (adds_up(record, one) && i > 0 && adds_up(record, group(record, i - 1))) {
    const auto before = bitmap(record, group(record, i - 1).bitmap);
    for (std::size_t word = 0; word < before.size(); ++word) {
      if ((words[word] & before[word]) != 0) return false;
      words[word] |= before[word];
    }
  }
  if (one.single == 1) return end - one.first_value == 1 && count_set(bits) == entries;
  return std::ranges::equal(bits, words);
}

Status AttributesView::verify_groups(const FieldRecord& record) const {
  std::uint64_t entries = 0;
  for (std::uint32_t i = 0; i < record.groups; ++i) {
    if ((i == 0 && group(record, i).first_value != 0) || !group_fits(record, i))
      return fail(ErrorCode::corruption, "the rows of its values are wrong");
    entries += group(record, i).entries;
  }
  if (entries != record.entries) return fail(ErrorCode::corruption, "the number of its entries is wrong");
  return {};
}

}  // namespace ndb::attributes
