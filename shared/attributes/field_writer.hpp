// Puts one field after another into the data section of an attribute index. Private to shared/attributes.
//
// Threads: one owner.
#pragma once

#include "shared/attributes/payload_walk.hpp"
#include "shared/format/section_file.hpp"

namespace ndb::attributes {

class FieldWriter {
 public:
  /// file: in its data section; outlives this.
  FieldWriter(format::SectionFileWriter& file, Row rows) : file_(file), rows_(rows) {}

  /// Writes the sorted values of a field and fills its record in.
  [[nodiscard]] Status put_values(Field& field);
  /// Writes where the field is.
  [[nodiscard]] Status put_present(Field& field);
  [[nodiscard]] std::uint64_t bytes() const noexcept { return written_; }

 private:
  using Entries = std::span<const FieldValues::Entry>;
  /// A value: entries [begin, end).
  struct Run {
    std::size_t begin, end;
  };

  [[nodiscard]] bool one_value_a_row(Entries entries) const;
  [[nodiscard]] std::vector<Run> runs_of(const FieldValues& values) const;
  [[nodiscard]] std::vector<GroupRecord> groups_of(const std::vector<Run>& runs) const;
  Status put_value_records(Field& field, const std::vector<Run>& runs, const std::vector<GroupRecord>& groups);
  Status put_rows(Field& field, const std::vector<Run>& runs, const std::vector<GroupRecord>& groups);
  Status put_bitmaps(Field& field, const std::vector<Run>& runs, const std::vector<GroupRecord>& groups);
  Status put_text(Field& field, const std::vector<Run>& runs);
  /// Values [first, end) of group i.
  [[nodiscard]] static std::pair<std::size_t, std::size_t> values_of(const std::vector<GroupRecord>& groups, std::size_t i,
                                                                     std::size_t values);
  Status put(base::ByteSpan bytes);
  /// Ends an array: what follows starts at a multiple of 8.
  Status align();

  format::SectionFileWriter& file_;
  Row rows_;
  std::uint64_t written_ = 0;
};

}  // namespace ndb::attributes
