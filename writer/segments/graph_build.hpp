// Builds a segment's graph with the collection's parameters. Threads: a plain function; uses up to `threads` of low priority, so that
// searches and writes come first.
#pragma once

#include <atomic>
#include <stop_token>
#include <vector>

#include "shared/index/hnsw_build.hpp"
#include "shared/segment/segment_view.hpp"

namespace ndb::writer {

/// The graph as one FlatBuffer, grown from `reused` unless null. threads: 0 means all cores. progress: set to 0–1 while building.
[[nodiscard]] Result<std::vector<std::byte>> build_graph(const segment::SegmentView& view,
                                                         const index::ReusedGraph* reused, const HnswConfig& config,
                                                         std::uint32_t threads, std::atomic<double>& progress,
                                                         const std::stop_token& stop);

}  // namespace ndb::writer
