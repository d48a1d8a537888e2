#include "writer/segments/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "shared/base/crash_point.hpp"
#include "shared/format/delete_set.hpp"
#include "shared/segment/segment_writer.hpp"

namespace ndb::writer {
namespace {

// The live rows of the sources, in order: row i of the merged segment.
struct MergePlan {
  struct Source {
    live::SegmentSlot slot;
    Row first_row = 0;             // in the merged segment
    std::vector<Row> rows;         // ascending rows that were live when the merge began
  };
  std::vector<Source> sources;
  Row total = 0;

  [[nodiscard]] std::pair<const Source*, Row> at(Row merged) const {
    auto source = std::ranges::upper_bound(sources, merged, {}, &Source::first_row);
    --source;
    return {&*source, source->rows[merged - source->first_row]};
  }

  /// Ascending rows of the merged segment whose source died up to `seq`.
  [[nodiscard]] std::vector<Row> died_up_to(Seq seq) const {
    std::vector<Row> died;
    for (const auto& source : sources)
      for (const Row row : source.slot.tombstones->rows_deleted_up_to(seq)) {
        const auto place = std::ranges::lower_bound(source.rows, row);
        if (place != source.rows.end() && *place == row)
          died.push_back(source.first_row + static_cast<Row>(place - source.rows.begin()));
      }
    return died;
  }
};

Result<MergePlan> make_plan(const live::Snapshot& snapshot, const std::vector<SegmentId>& ids) {
  MergePlan plan;
  const Seq flushed = snapshot.manifest->flushed_seq;
  for (const auto& slot : snapshot.segments) {
    if (std::ranges::find(ids, slot.view->id()) == ids.end()) continue;
    MergePlan::Source source{.slot = slot, .first_row = plan.total, .rows = {}};
    for (Row row = 0; row < slot.view->rows(); ++row)
      if (slot.tombstones->visible(row, flushed)) source.rows.push_back(row);
    plan.total += static_cast<Row>(source.rows.size());
    if (!source.rows.empty()) plan.sources.push_back(std::move(source));
  }
  return plan;
}

Result<segment::SegmentRow> source_row(const MergePlan& plan, Row merged) {
  const auto [source, row] = plan.at(merged);
  const auto& view = *source->slot.view;
  const segment::SegmentRow result{view.row_id(row), view.vector(row), view.payload(row)};
  if ((merged & 0xFFU) == 0 || merged + 1 == plan.total) NDB_TRY(view.damage());
  if (result.id.empty()) NDB_TRY(view.damage());
  return result;
}

// A graph that lost more than this share of its rows is not grown from: mending so many lists costs recall.
constexpr double kMostLost = 0.3;

bool worth_reusing(const MergePlan::Source& source, const HnswConfig& config) {
  const index::HnswView* graph = source.slot.view->hnsw();
  return graph != nullptr && graph->m() == config.m &&
         static_cast<double>(source.rows.size()) >= (1.0 - kMostLost) * static_cast<double>(graph->rows());
}

// The largest graph to grow from, or null.
const MergePlan::Source* choose_reused(const MergePlan& plan, const HnswConfig& config) {
  const MergePlan::Source* best = nullptr;
  for (const auto& source : plan.sources)
    if (worth_reusing(source, config) && (best == nullptr || source.rows.size() > best->rows.size())) best = &source;
  // What is damaged may not spread into the new graph.
  return best != nullptr && best->slot.view->hnsw()->verify() ? best : nullptr;
}

Status add_graph(const FlushContext& context, format::ManifestSegment& segment, const CollectionConfig& config,
                 const MergePlan& plan, const BuildGraph& build, const std::stop_token& stop) {
  NDB_TRY_ASSIGN(const auto view, segment::SegmentView::open(context.fs, context.collection, config, segment, nullptr));
  const MergePlan::Source* source = choose_reused(plan, config.hnsw);
  std::vector<Row> new_rows;
  index::ReusedGraph reused;
  if (source != nullptr) {
    new_rows.assign(source->slot.view->hnsw()->rows(), index::kNoRow);
    for (std::size_t i = 0; i < source->rows.size(); ++i) new_rows[source->rows[i]] = source->first_row + static_cast<Row>(i);
    reused = {.graph = source->slot.view->hnsw(), .new_rows = new_rows};
  }
  NDB_TRY_ASSIGN(const auto graph, build(*view, source != nullptr ? &reused : nullptr));
  NDB_TRY(view->damage());
  context.spend(graph.size(), stop);
  NDB_TRY_ASSIGN(segment.hnsw, segment::write_hnsw(context.fs, context.collection, segment.id,
                                                   context.publisher.new_hnsw_name(), graph));
  return {};
}

Status replace_in_manifest(const FlushContext& context, const MergePlan& plan, const std::vector<SegmentId>& ids,
                           std::optional<format::ManifestSegment> merged, format::Manifest& next) {
  const auto is_source = [&](const format::ManifestSegment& s) { return std::ranges::find(ids, s.id) != ids.end(); };
  auto place = std::ranges::find_if(next.segments, is_source);
  const auto index = place - next.segments.begin();
  std::erase_if(next.segments, is_source);
  if (!merged) return {};
  if (!next.index_enabled) merged->hnsw.reset();
  const auto died = plan.died_up_to(next.flushed_seq);
  if (died.size() == merged->rows) return {};
  if (!died.empty()) {
    const auto folder = format::segment_folder(context.collection, merged->id);
    NDB_TRY_ASSIGN(merged->delete_set, format::write_delete_set(context.fs, folder / context.publisher.new_deleted_name(),
                                                                merged->id, died));
    NDB_TRY(context.fs.sync_directory(folder));
    merged->deleted = static_cast<std::uint32_t>(died.size());
  }
  next.segments.insert(next.segments.begin() + std::min<std::ptrdiff_t>(index, std::ssize(next.segments)), *merged);
  return {};
}

// At least what a graph takes: its links, and codes of several bits a dimension.
std::uint64_t graph_bytes(std::uint64_t rows, const CollectionConfig& config) {
  return rows * (std::uint64_t{config.hnsw.m} * 2 * sizeof(std::uint32_t) + config.dim);
}

struct DiskNeed {
  std::uint64_t written = 0;
  std::uint64_t removed = 0;  // once nobody reads it any more; nothing while versions are kept
};

// Merges and graphs wait for room rather than take what writes need; but for those that make more room than they take.
Status check_room(const FlushContext& context, const DiskNeed& need, const std::string& what) {
  const auto free = context.fs.free_bytes(context.collection);
  const bool shrinks = need.removed >= 2 * need.written;
  const std::uint64_t left = shrinks ? 0 : context.left_to_writes;
  if (!free || need.written == 0 || need.written + left <= *free) return {};
  return fail(ErrorCode::no_space, fmt::format("{} waits for room on the volume: {} bytes, and {} more that are left to writes", what, need.written, left));
}

DiskNeed disk_need(const MergePlan& plan, const live::Snapshot& snapshot, const std::vector<SegmentId>& ids, bool with_graph) {
  DiskNeed need;
  for (const auto& segment : snapshot.manifest->segments) {
    if (std::ranges::find(ids, segment.id) == ids.end()) continue;
    need.removed += segment.bytes();
    const auto source = std::ranges::find(plan.sources, segment.id, [](const MergePlan::Source& one) { return one.slot.view->id(); });
    if (source == plan.sources.end()) continue;
    const std::uint64_t of_rows = segment.bytes() - (segment.hnsw ? segment.hnsw->bytes : 0);
    need.written += static_cast<std::uint64_t>(static_cast<double>(of_rows) * static_cast<double>(source->rows.size()) / static_cast<double>(segment.rows));
  }
  if (with_graph) need.written += graph_bytes(plan.total, snapshot.manifest->config);
  if (snapshot.manifest->config.history.retention.count() != 0) need.removed = 0;
  return need;
}

}  // namespace

Result<ManifestVersion> merge_segments(const FlushContext& context, const std::vector<SegmentId>& ids,
                                       std::uint32_t index_min_rows, const BuildGraph& build, const std::stop_token& stop) {
  const auto snapshot = context.log.state().snapshot();
  NDB_TRY_ASSIGN(const auto plan, make_plan(*snapshot, ids));
  const auto& config = snapshot->manifest->config;
  const bool with_graph = context.publisher.current()->index_enabled && plan.total >= index_min_rows;
  NDB_TRY(check_room(context, disk_need(plan, *snapshot, ids, with_graph), fmt::format("merging {} segments", ids.size())));
  const SegmentId id = context.publisher.new_segment_id();
  const PendingSegments::Guard pending(context.pending, id);
  const auto write = [&]() -> Result<std::optional<format::ManifestSegment>> {
    if (plan.total == 0) return std::nullopt;
    const auto source = [&](Row row) -> Result<segment::SegmentRow> {
      auto one = source_row(plan, row);
      // Asked for three times: for its vector, its id, its payload.
      if (one) context.spend((one->vector.size_bytes() + one->id.size() + one->payload.size()) / 3, stop);
      return one;
    };
    NDB_TRY_ASSIGN(auto merged,
                   segment::write_segment(context.fs, context.collection, id, config, plan.total, source, stop));
    base::crash_point("merged-rows-written");
    if (with_graph) NDB_TRY(add_graph(context, merged, config, plan, build, stop));
    NDB_TRY(snapshot->damage());
    return merged;
  };
  const auto merged = write();
  if (!merged) {
    discard_segment(context, id);
    return std::unexpected(merged.error());
  }
  base::crash_point("merge-written");
  return context.publisher.publish(
      [&](format::Manifest& next) { return replace_in_manifest(context, plan, ids, *merged, next); });
}

Result<ManifestVersion> index_segment(const FlushContext& context, SegmentId id, const BuildGraph& build, const std::stop_token& stop) {
  const auto snapshot = context.log.state().snapshot();
  const auto gone = [&] { return fail(ErrorCode::not_found, "segment " + std::to_string(id.value) + " was merged away"); };
  const auto slot = std::ranges::find(snapshot->segments, id, [](const live::SegmentSlot& s) { return s.view->id(); });
  if (slot == snapshot->segments.end()) return gone();
  NDB_TRY(check_room(context, {.written = graph_bytes(slot->view->rows(), snapshot->manifest->config)}, "a graph"));
  NDB_TRY_ASSIGN(const auto graph, build(*slot->view, nullptr));
  NDB_TRY(slot->view->damage());
  context.spend(graph.size(), stop);
  NDB_TRY_ASSIGN(const auto file, segment::write_hnsw(context.fs, context.collection, id,
                                                      context.publisher.new_hnsw_name(), graph));
  base::crash_point("graph-written");
  return context.publisher.publish([&](format::Manifest& next) -> Status {
    const auto segment = std::ranges::find(next.segments, id, &format::ManifestSegment::id);
    if (segment == next.segments.end() || !next.index_enabled) return gone();
    segment->hnsw = file;
    return {};
  });
}

}  // namespace ndb::writer
