// The records of an attribute index, as they lie in a segment's file "attributes" (docs/formats.md, "Attributes").
//
// Invariants of a file that is whole: fields are sorted by path; the values of a field by type and value; a group is a run of values
// of one field; the rows of a value are ascending and distinct; in a bitmap nothing is set behind the last row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ndb/types.hpp"

namespace ndb::attributes {

inline constexpr std::uint32_t kDataSection = 1;    // what the fields refer to, one field after another
inline constexpr std::uint32_t kFieldsSection = 2;  // FieldRecord
inline constexpr std::uint32_t kPathsSection = 3;   // dotted paths, without separators
inline constexpr std::uint32_t kHeaderSection = 4;  // one FileHeader

struct FileHeader {
  std::uint32_t format_version;
  std::uint32_t rows;      ///< of the segment
  std::uint32_t complete;  ///< 1: a path that is not among the fields is in no payload; 0: nothing is known of it
  std::uint32_t reserved;
};
static_assert(sizeof(FileHeader) == 16);
inline constexpr std::uint32_t kAttributesVersion = 2;  // 1: no field is cumulative

/// One dotted path. Offsets are from the start of the data section, multiples of 8.
struct FieldRecord {
  std::uint64_t path_offset;     ///< in the paths section
  std::uint32_t path_bytes;
  std::uint32_t indexed;         ///< 0: it occurs, but its values are not here
  std::uint64_t present_offset;  ///< rows in which the path leads to anything, null included: a bitmap or a list
  std::uint32_t present;         ///< how many
  std::uint32_t present_bitmap;
  std::uint64_t entries;         ///< pairs of a value and a row: more than present where arrays have several values
  std::uint64_t values_offset;   ///< ValueRecord, sorted
  std::uint64_t groups_offset;   ///< GroupRecord, in the order of their values
  std::uint32_t values;
  std::uint32_t groups;
  std::uint64_t rows_offset;     ///< uint32: the rows of one value after another
  std::uint64_t listed_rows;
  std::uint64_t bitmaps_offset;  ///< bitmaps of bitmap_words(rows) uint64 each
  std::uint64_t text_offset;     ///< the strings
  std::uint64_t text_bytes;
  std::uint32_t bitmaps;
  std::uint32_t cumulative;      ///< 1: no row has two of the values, and groups are added up (GroupRecord)
};
static_assert(sizeof(FieldRecord) == 112);

/// One distinct value of a field. Numbers that are equal (3, 3.0) are one value.
struct ValueRecord {
  std::uint64_t bits;         ///< as payload::Value has them; of a string its offset in the field's text
  std::uint64_t first_row;    ///< place of the first of its rows in the field's rows; in a group of one value unused
  std::uint32_t rows;
  std::uint32_t kind_bytes;   ///< payload::Kind in the lower 8 bits, the length of a string above
};
static_assert(sizeof(ValueRecord) == 24);

/// Successive values that together have enough rows for a bitmap. One value with that many rows is a group of its own, and its rows are in the
/// bitmap only. In a cumulative field the bitmap of another group holds the rows of all groups since the last such value, too: what a range needs
/// of whole groups is then the difference of two bitmaps, and otherwise the union of theirs.
struct GroupRecord {
  std::uint32_t first_value;  ///< within the field
  std::uint32_t single;       ///< 1: the group is one value
  std::uint64_t entries;      ///< rows of its values, summed
  std::uint32_t bitmap;       ///< its number; kNoBitmap where a group is too small for one
  std::uint32_t reserved;
};
static_assert(sizeof(GroupRecord) == 24);

inline constexpr std::uint32_t kNoBitmap = ~std::uint32_t{0};

/// From so many rows on a set is a bitmap: it is then no larger than the list, and needs no merging.
[[nodiscard]] constexpr std::uint64_t bitmap_threshold(Row rows) noexcept { return rows / 32 + 1; }
[[nodiscard]] constexpr std::size_t bitmap_words(Row rows) noexcept { return (std::size_t{rows} + 63) / 64; }

}  // namespace ndb::attributes
