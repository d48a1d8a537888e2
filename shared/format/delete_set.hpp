// A segment's deleted rows as an immutable file: a Roaring bitmap in the portable serialization, in a section file.
// Threads: plain functions.
#pragma once

#include <vector>

#include "ndb/types.hpp"
#include "shared/base/result.hpp"
#include "shared/format/section_file.hpp"

namespace ndb::format {

/// rows: ascending.
[[nodiscard]] Result<FileRef> write_delete_set(fs::FileSystem& fs, const fs::Path& path, SegmentId segment,
                                               std::span<const Row> rows);
/// Ascending rows, each below row_count; corruption otherwise.
[[nodiscard]] Result<std::vector<Row>> read_delete_set(fs::FileSystem& fs, const fs::Path& path, SegmentId segment,
                                                       const FileRef& expected, Row row_count);
/// The same for whatever generation of the segment's delete sets stands in that file, not the one that a manifest names.
[[nodiscard]] Result<std::vector<Row>> read_any_delete_set(fs::FileSystem& fs, const fs::Path& path, SegmentId segment,
                                                           Row row_count);

}  // namespace ndb::format
