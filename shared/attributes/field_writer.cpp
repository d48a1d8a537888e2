#include "shared/attributes/field_writer.hpp"

#include <array>

namespace ndb::attributes {

using payload::Kind;

Status FieldWriter::put(base::ByteSpan bytes) {
  written_ += bytes.size();
  return file_.append(bytes);
}

Status FieldWriter::align() {
  static constexpr std::array<std::byte, 8> kZeros{};
  return put(std::span(kZeros).first((8 - written_ % 8) % 8));
}

bool FieldWriter::one_value_a_row(Entries entries) const {
  std::vector<bool> met(rows_);
  for (const auto& entry : entries) {
    if (met[entry.row]) return false;
    met[entry.row] = true;
  }
  return true;
}

std::vector<FieldWriter::Run> FieldWriter::runs_of(const FieldValues& values) const {
  std::vector<Run> runs;
  const auto entries = values.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i == 0 || !values.same_value(entries[i - 1], entries[i])) runs.push_back({i, i});
    ++runs.back().end;
  }
  return runs;
}

std::vector<GroupRecord> FieldWriter::groups_of(const std::vector<Run>& runs) const {
  const std::uint64_t enough = bitmap_threshold(rows_);
  std::vector<GroupRecord> groups;
  std::uint32_t bitmaps = 0;
  bool open = false;  // the last group takes more values
  for (std::size_t value = 0; value < runs.size(); ++value) {
    const std::uint64_t rows = runs[value].end - runs[value].begin;
    const bool single = rows >= enough;
    if (!open || single)
      groups.push_back({.first_value = static_cast<std::uint32_t>(value), .single = single ? 1U : 0U, .entries = 0,
                        .bitmap = kNoBitmap, .reserved = 0});
    auto& group = groups.back();
    group.entries += rows;
    open = group.entries < enough;
    if (!open) group.bitmap = bitmaps++;
  }
  return groups;
}

std::pair<std::size_t, std::size_t> FieldWriter::values_of(const std::vector<GroupRecord>& groups, std::size_t i, std::size_t values) {
  return {groups[i].first_value, i + 1 < groups.size() ? groups[i + 1].first_value : values};
}

Status FieldWriter::put_values(Field& field) {
  const auto runs = runs_of(field.values);
  const auto groups = groups_of(runs);
  auto& record = field.record;
  record.values = static_cast<std::uint32_t>(runs.size());
  record.groups = static_cast<std::uint32_t>(groups.size());
  record.entries = field.values.entries().size();
  record.cumulative = one_value_a_row(field.values.entries()) ? 1 : 0;
  NDB_TRY(put_value_records(field, runs, groups));
  record.groups_offset = written_;
  NDB_TRY(put(std::as_bytes(std::span(groups))));
  NDB_TRY(put_rows(field, runs, groups));
  NDB_TRY(put_bitmaps(field, runs, groups));
  return put_text(field, runs);
}

Status FieldWriter::put_value_records(Field& field, const std::vector<Run>& runs, const std::vector<GroupRecord>& groups) {
  field.record.values_offset = written_;
  const auto entries = field.values.entries();
  std::uint64_t listed = 0, text = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto [begin, end] = values_of(groups, i, runs.size());
    for (std::size_t value = begin; value < end; ++value) {
      const auto& entry = entries[runs[value].begin];
      const auto scalar = field.values.scalar(entry);
      const bool is_text = entry.kind == Kind::string;
      const auto rows = static_cast<std::uint32_t>(runs[value].end - runs[value].begin);
      const ValueRecord record{.bits = is_text ? text : scalar.bits,
                               .first_row = groups[i].single != 0 ? 0 : listed,
                               .rows = rows,
                               .kind_bytes = static_cast<std::uint32_t>(entry.kind) | static_cast<std::uint32_t>(scalar.text.size()) << 8U};
      if (groups[i].single == 0) listed += rows;
      text += scalar.text.size();
      NDB_TRY(put(std::as_bytes(std::span(&record, 1))));
    }
  }
  return {};
}

Status FieldWriter::put_rows(Field& field, const std::vector<Run>& runs, const std::vector<GroupRecord>& groups) {
  field.record.rows_offset = written_;
  const auto entries = field.values.entries();
  std::vector<Row> rows;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].single != 0) continue;
    const auto [begin, end] = values_of(groups, i, runs.size());
    rows.clear();
    for (std::size_t at = runs[begin].begin; at < runs[end - 1].end; ++at) rows.push_back(entries[at].row);
    field.record.listed_rows += rows.size();
    NDB_TRY(put(std::as_bytes(std::span(rows))));
  }
  return align();
}

Status FieldWriter::put_bitmaps(Field& field, const std::vector<Run>& runs, const std::vector<GroupRecord>& groups) {
  field.record.bitmaps_offset = written_;
  const auto entries = field.values.entries();
  std::vector<std::uint64_t> words;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].bitmap == kNoBitmap) continue;  // the last of those that add up
    const auto [begin, end] = values_of(groups, i, runs.size());
    const bool adds_up = field.record.cumulative == 1 && i > 0 && groups[i - 1].single == 0 && groups[i].single == 0;
    if (!adds_up) words.assign(bitmap_words(rows_), 0);
    for (std::size_t at = runs[begin].begin; at < runs[end - 1].end; ++at)
      words[entries[at].row >> 6] |= std::uint64_t{1} << (entries[at].row & 63);
    ++field.record.bitmaps;
    NDB_TRY(put(std::as_bytes(std::span(words))));
  }
  return {};
}

Status FieldWriter::put_text(Field& field, const std::vector<Run>& runs) {
  field.record.text_offset = written_;
  for (const auto& run : runs) {
    const auto scalar = field.values.scalar(field.values.entries()[run.begin]);
    field.record.text_bytes += scalar.text.size();
    NDB_TRY(put(base::as_bytes(scalar.text)));
  }
  return align();
}

Status FieldWriter::put_present(Field& field) {
  const RowSet rows = field.values.take_rows();
  field.record.present_offset = written_;
  field.record.present = rows.count();
  field.record.present_bitmap = rows.is_bitmap() ? 1 : 0;
  NDB_TRY(put(rows.is_bitmap() ? std::as_bytes(rows.words()) : std::as_bytes(rows.list())));
  return align();
}

}  // namespace ndb::attributes
