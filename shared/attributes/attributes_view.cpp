#include "shared/attributes/attributes_view.hpp"

#include <algorithm>
#include <bit>

namespace ndb::attributes {
namespace {

using filter::Scalar;
using payload::Kind;

bool is_type_before(const Scalar& left, const Scalar& right) { return filter::type_order(left.kind) < filter::type_order(right.kind); }

}  // namespace

std::unexpected<Error> AttributesView::corrupt(const std::string& what) const {
  return fail(ErrorCode::corruption, file_->path().string() + ": " + what);
}

Result<std::unique_ptr<const AttributesView>> AttributesView::open(std::shared_ptr<const format::SectionFile> file, Row rows) {
  std::unique_ptr<AttributesView> view(new AttributesView);
  view->file_ = std::move(file);
  view->rows_ = rows;
  const auto& from = *view->file_;
  NDB_TRY_ASSIGN(view->data_, from.section(kDataSection));
  NDB_TRY_ASSIGN(view->fields_section_, from.section(kFieldsSection));
  NDB_TRY_ASSIGN(view->paths_, from.section(kPathsSection));
  NDB_TRY_ASSIGN(const auto header_section, from.section(kHeaderSection));
  NDB_TRY_ASSIGN(view->fields_, format::array_of<FieldRecord>(from, view->fields_section_));
  NDB_TRY_ASSIGN(const auto headers, format::array_of<FileHeader>(from, header_section));
  if (headers.size() != 1) return view->corrupt("has no header");
  if (!header_section.verifier->ensure(0, sizeof(FileHeader))) return view->corrupt("damaged header");
  const FileHeader& header = headers.front();
  if (header.format_version == 0 || header.format_version > kAttributesVersion)
    return view->corrupt("has format version " + std::to_string(header.format_version) + "; this nDB reads up to " +
                         std::to_string(kAttributesVersion));
  if (header.rows != rows) return view->corrupt("has another number of rows than the segment");
  view->complete_ = header.complete == 1;
  return view;
}

template <class T>
std::span<const T> AttributesView::array(std::uint64_t offset, std::uint64_t count) const {
  if (count == 0) return {};
  const std::uint64_t size = data_.bytes.size();
  if (offset % alignof(T) != 0 || offset > size || count > (size - offset) / sizeof(T)) {
    report_damage();
    return {};
  }
  if (!data_.verifier->ensure(offset, count * sizeof(T))) return {};
  return {reinterpret_cast<const T*>(data_.bytes.data() + offset), count};
}

template <class T>
T AttributesView::element(std::uint64_t offset, std::uint64_t count, std::uint64_t i) const {
  if (i >= count || offset > data_.bytes.size()) {
    report_damage();
    return T{};
  }
  const auto one = array<T>(offset + i * sizeof(T), 1);
  return one.empty() ? T{} : one.front();
}

FieldRecord AttributesView::field_record(std::size_t i) const {
  return fields_section_.verifier->ensure(i * sizeof(FieldRecord), sizeof(FieldRecord)) ? fields_[i] : FieldRecord{};
}

std::string_view AttributesView::path_of(const FieldRecord& record) const {
  const auto size = paths_.bytes.size();
  if (record.path_offset > size || record.path_bytes > size - record.path_offset) {
    report_damage();
    return {};
  }
  if (!paths_.verifier->ensure(record.path_offset, record.path_bytes)) return {};
  return base::as_text(paths_.bytes.subspan(record.path_offset, record.path_bytes));
}

AttributesView::Field AttributesView::find(std::string_view path) const {
  std::size_t low = 0;
  for (std::size_t high = fields_.size(); low < high;) {
    const std::size_t middle = low + (high - low) / 2;
    if (path_of(field_record(middle)) < path) low = middle + 1;
    else high = middle;
  }
  Field field{.known = complete_ ? Known::absent : Known::not_indexed, .record = {}};
  if (low == fields_.size()) return field;
  const FieldRecord record = field_record(low);
  if (path_of(record) != path) return field;
  if (!arrays_fit(record)) {
    report_damage();
    return {.known = Known::not_indexed, .record = {}};
  }
  return {.known = record.indexed == 1 ? Known::indexed : Known::not_indexed, .record = record};
}

// So that nobody counts to a number of elements that cannot be there.
bool AttributesView::arrays_fit(const FieldRecord& record) const {
  const std::uint64_t size = data_.bytes.size();
  return record.values <= size / sizeof(ValueRecord) && record.groups <= size / sizeof(GroupRecord) && record.groups <= record.values &&
         (record.groups == 0) == (record.values == 0);
}

ValueRecord AttributesView::value(const FieldRecord& field, std::uint32_t i) const {
  return element<ValueRecord>(field.values_offset, field.values, i);
}

GroupRecord AttributesView::group(const FieldRecord& field, std::uint32_t i) const {
  return element<GroupRecord>(field.groups_offset, field.groups, i);
}

std::uint32_t AttributesView::group_end(const FieldRecord& field, std::uint32_t i) const {
  return i + 1 < field.groups ? group(field, i + 1).first_value : field.values;
}

std::uint32_t AttributesView::group_of(const FieldRecord& field, std::uint32_t value) const {
  std::uint32_t low = 0;
  for (std::uint32_t high = field.groups; low + 1 < high;) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (group(field, middle).first_value <= value) low = middle;
    else high = middle;
  }
  return low;
}

Scalar AttributesView::scalar(const FieldRecord& field, const ValueRecord& value) const {
  const auto kind = static_cast<Kind>(value.kind_bytes & 0xFFU);
  if (kind != Kind::string) return {kind > Kind::string ? Kind::invalid : kind, value.bits, {}};
  const std::uint64_t bytes = value.kind_bytes >> 8U;
  if (bytes > field.text_bytes || value.bits > field.text_bytes - bytes || field.text_offset > data_.bytes.size()) {
    report_damage();
    return {};
  }
  const auto text = array<std::byte>(field.text_offset + value.bits, bytes);
  return {kind, 0, base::as_text(text)};
}

template <class Before>
std::uint32_t AttributesView::partition(const FieldRecord& field, Before before) const {
  std::uint32_t low = 0;
  for (std::uint32_t high = field.values; low < high;) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (before(scalar(field, value(field, middle)))) low = middle + 1;
    else high = middle;
  }
  return low;
}

ValueRange AttributesView::equal(const Field& field, const Scalar& operand) const {
  const auto begin = partition(field.record, [&](const Scalar& value) { return filter::sorts_before(value, operand); });
  if (begin == field.record.values) return {begin, begin};
  const bool found = std::is_eq(filter::compare(scalar(field.record, value(field.record, begin)), operand));
  return {begin, begin + (found ? 1U : 0U)};
}

ValueRange AttributesView::below(const Field& field, const Scalar& operand, bool or_equal) const {
  const auto begin = partition(field.record, [&](const Scalar& value) { return is_type_before(value, operand); });
  const auto end = partition(field.record, [&](const Scalar& value) {
    return or_equal ? !filter::sorts_before(operand, value) : filter::sorts_before(value, operand);
  });
  return {begin, std::max(begin, end)};
}

ValueRange AttributesView::above(const Field& field, const Scalar& operand, bool or_equal) const {
  const auto begin = partition(field.record, [&](const Scalar& value) {
    return or_equal ? filter::sorts_before(value, operand) : !filter::sorts_before(operand, value);
  });
  const auto end = partition(field.record, [&](const Scalar& value) { return !is_type_before(operand, value); });
  return {begin, std::max(begin, end)};
}

std::span<const Row> AttributesView::listed(const FieldRecord& field, ValueRange range) const {
  if (range.begin >= range.end) return {};
  const auto first = value(field, range.begin), last = value(field, range.end - 1);
  const std::uint64_t end = last.first_row + last.rows;
  if (first.first_row > end || end > field.listed_rows || field.rows_offset > data_.bytes.size()) {
    report_damage();
    return {};
  }
  return array<Row>(field.rows_offset + first.first_row * sizeof(Row), end - first.first_row);
}

std::span<const std::uint64_t> AttributesView::checked_words(std::uint64_t offset) const {
  const auto words = array<std::uint64_t>(offset, bitmap_words(rows_));
  if (!words.empty() && rows_ % 64 != 0 && words.back() >> (rows_ % 64) != 0) {
    report_damage();
    return {};
  }
  return words;
}

std::span<const std::uint64_t> AttributesView::bitmap(const FieldRecord& field, std::uint32_t number) const {
  if (number >= field.bitmaps || field.bitmaps_offset > data_.bytes.size()) {
    report_damage();
    return {};
  }
  return checked_words(field.bitmaps_offset + std::uint64_t{number} * bitmap_words(rows_) * sizeof(std::uint64_t));
}

std::uint64_t AttributesView::count_entries(const Field& field, ValueRange range) const {
  const auto& record = field.record;
  if (range.begin >= range.end || range.end > record.values) return 0;
  std::uint64_t entries = 0;
  for (std::uint32_t i = group_of(record, range.begin); i < record.groups; ++i) {
    const auto one = group(record, i);
    if (one.first_value >= range.end) break;
    const ValueRange part{std::max(range.begin, one.first_value), std::min(range.end, group_end(record, i))};
    const bool whole = part.begin == one.first_value && part.end == group_end(record, i);
    entries += whole ? one.entries : listed(record, part).size();
  }
  return entries;
}

void AttributesView::add_rows(const Field& field, ValueRange range, RowUnion& into) const {
  const auto& record = field.record;
  if (range.begin >= range.end || range.end > record.values) return;
  for (std::uint32_t i = group_of(record, range.begin); i < record.groups; ++i) {
    const auto one = group(record, i);
    if (one.first_value >= range.end) break;
    const ValueRange part{std::max(range.begin, one.first_value), std::min(range.end, group_end(record, i))};
    const bool whole = part.begin == one.first_value && part.end == group_end(record, i);
    if (whole && one.bitmap != kNoBitmap) i = add_groups(record, i, range, into);
    else into.add_list(listed(record, part));
  }
}

std::uint32_t AttributesView::add_groups(const FieldRecord& field, std::uint32_t first, ValueRange range, RowUnion& into) const {
  const auto one = group(field, first);
  if (!adds_up(field, one)) {
    into.add_words(bitmap(field, one.bitmap));
    return first;
  }
  std::uint32_t last = first;
  auto last_bitmap = one.bitmap;
  while (last + 1 < field.groups && group_end(field, last + 1) <= range.end) {
    const auto next = group(field, last + 1);
    if (!adds_up(field, next) || next.bitmap == kNoBitmap) break;
    last_bitmap = next.bitmap;
    ++last;
  }
  std::span<const std::uint64_t> before;
  if (first > 0)
    if (const auto previous = group(field, first - 1); adds_up(field, previous)) before = bitmap(field, previous.bitmap);
  into.add_difference(bitmap(field, last_bitmap), before);
  return last;
}

RowSet AttributesView::rows_of(const Field& field, std::uint32_t number) const {
  const auto& record = field.record;
  const auto one = group(record, group_of(record, number));
  if (one.single == 1) {
    const auto words = bitmap(record, one.bitmap);
    return words.empty() ? RowSet(rows_) : RowSet::borrow_bits(words, static_cast<Row>(std::min<std::uint64_t>(one.entries, rows_)), rows_);
  }
  const auto rows = listed(record, {number, number + 1});
  if (!rows.empty() && std::ranges::max(rows) >= rows_) {
    report_damage();
    return RowSet(rows_);
  }
  return RowSet::borrow_list(rows, rows_);
}

RowSet AttributesView::present(const Field& field) const {
  const auto& record = field.record;
  if (record.present > rows_) {
    report_damage();
    return RowSet(rows_);
  }
  if (record.present_bitmap == 1) {
    const auto words = checked_words(record.present_offset);
    return words.empty() ? RowSet(rows_) : RowSet::borrow_bits(words, record.present, rows_);
  }
  const auto rows = array<Row>(record.present_offset, record.present);
  if (!rows.empty() && std::ranges::max(rows) >= rows_) {
    report_damage();
    return RowSet(rows_);
  }
  return RowSet::borrow_list(rows, rows_);
}

Status AttributesView::damage() const {
  if (inconsistent_.load(std::memory_order_relaxed)) return corrupt("its tables do not fit one another");
  return {};
}

}  // namespace ndb::attributes
