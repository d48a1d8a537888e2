// A live state that is fed by hand, and flushed by hand: a frozen memtable becomes a segment and a manifest as the writer's flush
// makes them. One thread.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "shared/format/delete_set.hpp"
#include "shared/live/live_state.hpp"
#include "tests/support/contents.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/support/segment_files.hpp"
#include "tests/support/temp_folder.hpp"

namespace ndb::test {

/// One operation: a put of a value, or a removal.
struct Op {
  std::string id;
  std::optional<float> value;
};
using Batch = std::vector<Op>;

inline live::Applied apply(live::LiveState& state, const Batch& batch) {
  std::vector<std::vector<float>> vectors;
  for (const auto& op : batch) vectors.push_back({op.value.value_or(0), 1});
  std::vector<format::WalOp> ops;
  for (std::size_t i = 0; i < batch.size(); ++i)
    ops.push_back({batch[i].value ? format::WalOpKind::put : format::WalOpKind::remove, batch[i].id,
                   batch[i].value ? std::as_bytes(std::span(vectors[i])) : base::ByteSpan{}, {}});
  return state.apply(state.applied_seq().next(), ops);
}

/// The oracle: what is there after a batch.
inline void apply(Contents& contents, const Batch& batch) {
  for (const auto& op : batch) {
    if (op.value) contents[op.id] = *op.value;
    else contents.erase(op.id);
  }
}

[[nodiscard]] inline Contents contents(const live::LiveState& state) {
  const auto view = state.view();
  return contents(*view.snapshot, view.seq);
}

class LiveBench {
 public:
  LiveBench() {
    format::Manifest first;
    first.version = ManifestVersion{1};
    first.name = "docs";
    first.config = {.dim = 2, .distance = Distance::euclidean};
    first.wals = {{.name = wal(0)}};
    manifest = std::make_shared<const format::Manifest>(first);
    state = open();
  }

  [[nodiscard]] static format::WalName wal(std::uint64_t index) { return {Epoch{1}, index}; }
  /// Another process's state of the newest manifest, before it read any log.
  [[nodiscard]] std::unique_ptr<live::LiveState> open() const {
    auto opened = live::LiveState::open(fs_, folder_.path(), manifest);
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  }
  /// Starts the next log and memtable; the manifest names it.
  void freeze() {
    auto next = std::make_shared<format::Manifest>(*manifest);
    next->version = next->version.next();
    next->wals.push_back({.name = wal(++newest_wal_)});
    install(*state, std::move(next), false);
    state->start_memtable(wal(newest_wal_));
  }
  /// The manifest in which the oldest memtable is a segment.
  [[nodiscard]] std::shared_ptr<const format::Manifest> flush_oldest() {
    const auto snapshot = state->snapshot();
    const auto& memtable = *snapshot->memtables.front();
    auto next = std::make_shared<format::Manifest>(*manifest);
    next->version = next->version.next();
    next->flushed_seq = memtable.applied_seq();
    std::erase_if(next->wals, [&](const auto& wal) { return wal.name == memtable.wal(); });
    for (auto& segment : next->segments) write_deleted(*snapshot, segment, next->flushed_seq);
    std::vector<Document> documents;
    for (Row row = 0; row < memtable.row_count(); ++row)
      if (memtable.visible(row, next->flushed_seq))
        documents.push_back({std::string(memtable.row_id(row)), {memtable.vector(row).begin(), memtable.vector(row).end()}, {}});
    if (!documents.empty())
      next->segments.push_back(write_documents(folder_.path(), SegmentId{++newest_segment_}, manifest->config, documents, fs_));
    return next;
  }
  [[nodiscard]] Result<live::Prepared> prepare(const live::LiveState& in, std::shared_ptr<const format::Manifest> next, bool reader) const {
    return in.prepare(fs_, folder_.path(), std::move(next), reader);
  }
  void install(live::LiveState& in, std::shared_ptr<const format::Manifest> next, bool reader) {
    auto prepared = prepare(in, next, reader);
    if (!prepared) FAIL(prepared.error().message);
    in.install(std::move(*prepared));
    manifest = std::move(next);
  }
  [[nodiscard]] const fs::Path& path() const { return folder_.path(); }

 private:
  void write_deleted(const live::Snapshot& snapshot, format::ManifestSegment& segment, Seq through) {
    const auto slot = std::ranges::find(snapshot.segments, segment.id, [](const auto& s) { return s.view->id(); });
    const auto rows = slot->tombstones->rows_deleted_up_to(through);
    if (rows.size() == segment.deleted) return;
    const auto file = format::segment_folder(folder_.path(), segment.id) / format::deleted_file_name(Epoch{1}, ++newest_deleted_);
    const auto written = format::write_delete_set(fs_, file, segment.id, rows);
    if (!written) FAIL(written.error().message);
    segment.delete_set = *written;
    segment.deleted = static_cast<std::uint32_t>(rows.size());
  }

  TempFolder folder_;
  mutable FaultyFileSystem fs_;  // for its speed: it never fails here
  std::uint64_t newest_wal_ = 0, newest_segment_ = 0, newest_deleted_ = 0;

 public:
  std::shared_ptr<const format::Manifest> manifest;
  std::unique_ptr<live::LiveState> state;
};

}  // namespace ndb::test
