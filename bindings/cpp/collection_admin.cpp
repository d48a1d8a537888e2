// Flush, compact, indexes and what a collection says about itself.
#include "bindings/cpp/database_impl.hpp"
#include "shared/format/manifest.hpp"

namespace ndb {
namespace {

void add_segments(const live::Snapshot& snapshot, CollectionStats& stats) {
  for (const auto& slot : snapshot.segments) {
    const auto* graph = slot.view->hnsw();
    const std::uint64_t bytes = slot.view->mapped_bytes();
    stats.segments.push_back({.id = slot.view->id(), .rows = slot.view->rows(), .deleted = slot.tombstones->count(),
                              .bytes = bytes, .indexed = graph != nullptr});
    stats.segment_bytes += bytes;
    (graph != nullptr ? stats.index.indexed_rows : stats.index.unindexed_rows) += slot.view->rows();
    if (graph == nullptr) continue;
    ++stats.index.graphs;
    stats.index.bytes += graph->bytes();
  }
}

// The files that a manifest names. One that went meanwhile belongs to a newer manifest, and counts for nothing here.
std::uint64_t wal_bytes(fs::FileSystem& fs, const fs::Path& collection, const format::Manifest& manifest) {
  std::uint64_t sum = 0;
  for (const auto& wal : manifest.wals) {
    const auto file = fs.open_read(format::wal_path(collection, wal.name));
    const auto bytes = file ? (*file)->size() : Result<std::uint64_t>(0);
    sum += bytes.value_or(0);
  }
  return sum;
}

}  // namespace

Result<ManifestVersion> Collection::flush(bool wait) {
  NDB_TRY(impl_->check_newest());
  NDB_TRY_ASSIGN(const auto writer, impl_->core->writer());
  return writer->flush(wait);
}

Result<ManifestVersion> Collection::compact(bool wait) {
  NDB_TRY(impl_->check_newest());
  NDB_TRY_ASSIGN(const auto writer, impl_->core->writer());
  return writer->compact(wait);
}

Result<ManifestVersion> Collection::rebuild_index(bool wait) {
  NDB_TRY(impl_->check_newest());
  NDB_TRY_ASSIGN(const auto writer, impl_->core->writer());
  return writer->rebuild_index(wait);
}

Result<ManifestVersion> Collection::delete_index() {
  NDB_TRY(impl_->check_newest());
  NDB_TRY_ASSIGN(const auto writer, impl_->core->writer());
  return writer->delete_index();
}

bool Collection::has_index() const {
  const auto stats = index_stats();
  return stats && stats->graphs > 0;
}

Result<IndexStats> Collection::index_stats() const {
  NDB_TRY_ASSIGN(auto all, stats());
  return all.index;
}

Result<CollectionStats> Collection::stats() const {
  NDB_TRY_ASSIGN(const auto view, impl_->view());
  const auto& snapshot = view.snapshot;
  const auto& manifest = *snapshot->manifest;
  CollectionStats stats;
  stats.name = name();
  stats.config = manifest.config;
  stats.documents = snapshot->documents();
  stats.deleted = snapshot->dead_rows();
  stats.seq = view.seq;
  stats.flushed_seq = manifest.flushed_seq;
  stats.manifest_version = manifest.version;
  stats.epoch = manifest.epoch;
  stats.index.enabled = manifest.index_enabled;
  add_segments(*snapshot, stats);
  if (impl_->past != nullptr) return stats;  // nothing in memory or in a log belongs to it
  if (manifest.config.history.retention.count() > 0) {
    NDB_TRY_ASSIGN(stats.history, impl_->core->past().stats(manifest.version));
  }
  stats.wal_bytes = wal_bytes(fs::posix_file_system(), impl_->core->path(), manifest);
  for (const auto& memtable : snapshot->memtables) {
    stats.memtable_bytes += memtable->bytes();
    stats.memtable_documents += memtable->row_count() - memtable->deleted_count();
  }
  if (const auto writer = impl_->core->current_writer()) {
    stats.writable = !writer->failure();
    stats.index.building = writer->building();
    stats.index.progress = writer->build_progress();
  }
  return stats;
}

Result<std::string> Collection::manifest() const {
  NDB_TRY_ASSIGN(const auto view, impl_->view());
  return format::manifest_to_json(*view.snapshot->manifest);
}

Result<std::vector<ReplicaStats>> Collection::replicas() const {
  NDB_TRY(impl_->core->check_process());
  const auto writer = impl_->core->current_writer();
  if (writer == nullptr) return std::vector<ReplicaStats>{};
  return writer->replicas();
}

}  // namespace ndb
