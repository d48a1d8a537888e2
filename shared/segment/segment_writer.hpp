// Writes rows as an immutable segment. Threads: a plain function; the source is called from the caller's thread.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string_view>

#include "ndb/collection_config.hpp"
#include "shared/format/manifest.hpp"

namespace ndb::segment {

struct SegmentRow {
  std::string_view id;
  std::span<const float> vector;  ///< [dim]
  base::ByteSpan payload;         ///< FlexBuffers, or empty
};

/// Row number → row; each is asked for several times. May fail (a damaged source), which ends the writing.
using RowSource = std::function<Result<SegmentRow>(Row)>;

inline constexpr std::uint32_t kMaxSegmentRows = (1U << 23) - 1;  ///< keeps every offset in range and a graph below 2 GiB

/// Creates <segments>/<id>/ with its files, all synced, the folders too. rows ≥ 1; ids are unique.
/// The result can go into a manifest. On failure the folder may hold part of the files; nothing refers to them.
[[nodiscard]] Result<format::ManifestSegment> write_segment(fs::FileSystem& fs, const fs::Path& collection, SegmentId id,
                                                            const CollectionConfig& config, Row rows,
                                                            const RowSource& source, const std::stop_token& stop = {});

/// Adds a finished graph to a segment's folder, synced.
[[nodiscard]] Result<format::FileRef> write_hnsw(fs::FileSystem& fs, const fs::Path& collection, SegmentId id,
                                                 const std::string& file_name, base::ByteSpan graph);

}  // namespace ndb::segment
