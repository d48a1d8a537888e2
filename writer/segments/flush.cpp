#include "writer/segments/flush.hpp"

#include <algorithm>
#include <optional>

#include "shared/base/crash_point.hpp"
#include "shared/format/delete_set.hpp"
#include "shared/segment/segment_writer.hpp"

namespace ndb::writer {
namespace {

std::vector<Row> visible_rows(const memtable::Memtable& memtable, Seq at) {
  std::vector<Row> rows;
  for (Row row = 0; row < memtable.row_count(); ++row)
    if (memtable.visible(row, at)) rows.push_back(row);
  return rows;
}

}  // namespace

Status update_delete_sets(const FlushContext& context, format::Manifest& next) {
  const auto snapshot = context.log.state().snapshot();
  for (const auto& slot : snapshot->segments) {
    const auto segment = std::ranges::find(next.segments, slot.view->id(), &format::ManifestSegment::id);
    if (segment == next.segments.end() || slot.tombstones->count() == segment->deleted) continue;
    const auto rows = slot.tombstones->rows_deleted_up_to(next.flushed_seq);
    if (rows.size() == segment->deleted) continue;
    if (rows.size() == segment->rows) {
      next.segments.erase(segment);
      continue;
    }
    const auto folder = format::segment_folder(context.collection, segment->id);
    NDB_TRY_ASSIGN(segment->delete_set, format::write_delete_set(context.fs, folder / context.publisher.new_deleted_name(),
                                                                 segment->id, rows));
    segment->deleted = static_cast<std::uint32_t>(rows.size());
    NDB_TRY(context.fs.sync_directory(folder));
  }
  return {};
}

void discard_segment(const FlushContext& context, SegmentId id) {
  static_cast<void>(fs::remove_tree(context.fs, format::segment_folder(context.collection, id)));
}

Result<bool> flush_oldest(const FlushContext& context, const std::stop_token& stop) {
  const auto snapshot = context.log.state().snapshot();
  if (snapshot->memtables.size() < 2) return false;
  const auto& memtable = *snapshot->memtables.front();
  const Seq through = memtable.applied_seq();
  const auto rows = visible_rows(memtable, through);
  const SegmentId id = context.publisher.new_segment_id();
  const PendingSegments::Guard pending(context.pending, id);
  std::optional<format::ManifestSegment> segment;
  if (!rows.empty()) {
    const auto source = [&](Row i) -> Result<segment::SegmentRow> {
      return segment::SegmentRow{memtable.row_id(rows[i]), memtable.vector(rows[i]), memtable.payload(rows[i])};
    };
    auto written = segment::write_segment(context.fs, context.collection, id, snapshot->manifest->config,
                                          static_cast<Row>(rows.size()), source, stop);
    if (!written) {
      discard_segment(context, id);
      return std::unexpected(written.error());
    }
    segment = std::move(*written);
  }
  base::crash_point("segment-written");
  NDB_TRY(snapshot->damage());  // what could not be looked up was not marked as deleted
  NDB_TRY(context.publisher.publish([&](format::Manifest& next) -> Status {
    next.flushed_seq = through;
    std::erase_if(next.wals, [&](const format::ManifestWal& wal) { return wal.name == memtable.wal(); });
    NDB_TRY(update_delete_sets(context, next));
    if (segment) next.segments.push_back(*segment);
    return {};
  }));
  return true;
}

}  // namespace ndb::writer
