// Merges segments into one without their dead rows, with its graph, beside ingest and searches. Threads: one merge or graph build
// at a time (the caller's optimizing thread).
//
// Rows that die while a merge runs are found at its end in the sources' tombstones and carried over: those up to the
// manifest's flushed_seq into the new segment's delete set, later ones by LiveState from the memtables.
#pragma once

#include <functional>

#include "shared/index/hnsw_build.hpp"
#include "writer/segments/flush.hpp"

namespace ndb::writer {

/// Builds a graph for a segment's view, starting from an older graph unless null.
using BuildGraph =
    std::function<Result<std::vector<std::byte>>(const segment::SegmentView& view, const index::ReusedGraph* reused)>;

/// Replaces the segments by one. Its graph grows from the largest of theirs that has kept most of its rows. index_min_rows: fewer rows get no graph. The published version.
[[nodiscard]] Result<ManifestVersion> merge_segments(const FlushContext& context, const std::vector<SegmentId>& ids,
                                                     std::uint32_t index_min_rows, const BuildGraph& build,
                                                     const std::stop_token& stop);

/// Builds (anew) and publishes the graph of one segment; not_found if a merge took the segment away meanwhile.
[[nodiscard]] Result<ManifestVersion> index_segment(const FlushContext& context, SegmentId id, const BuildGraph& build,
                                                    const std::stop_token& stop = {});

}  // namespace ndb::writer
