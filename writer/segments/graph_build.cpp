#include "writer/segments/graph_build.hpp"

#include "shared/base/low_priority.hpp"
#include "shared/index/hnsw_build.hpp"

namespace ndb::writer {

Result<std::vector<std::byte>> build_graph(const segment::SegmentView& view, const index::ReusedGraph* reused,
                                           const HnswConfig& config, std::uint32_t threads, std::atomic<double>& progress,
                                           const std::stop_token& stop) {
  index::HnswBuildParams params;
  params.m = config.m;
  params.ef_construction = config.ef_construction;
  params.quantization = config.quantization;
  params.threads = threads;
  params.stop = stop;
  params.progress = [&progress](std::uint64_t done, std::uint64_t rows) {
    progress.store(static_cast<double>(done) / static_cast<double>(rows), std::memory_order_relaxed);
  };
  return base::run_at_low_priority([&] { return index::build_hnsw(view.vectors(), params, reused); });
}

}  // namespace ndb::writer
