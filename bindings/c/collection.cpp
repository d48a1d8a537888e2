#include "bindings/c/handles.hpp"
#include "ipc/http/codec/answer_codec.hpp"

using ndb::Result;
using ndb::Status;
using ndb::c::guarded;
using ndb::c::handed_out;
using ndb::c::require;

namespace {

// Runs task(Collection&) -> Result<ManifestVersion>.
template <class Task>
ndb_code publish(ndb_collection* collection, uint64_t* manifest_version, ndb_error** error, Task task) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY_ASSIGN(const auto version, task(collection->collection));
    if (manifest_version != nullptr) *manifest_version = version.value;
    return {};
  });
}

// Runs text(const Collection&) -> Result<std::string>.
template <class Text>
ndb_code hand_out_text(const ndb_collection* collection, char** out, ndb_error** error, Text text) {
  return handed_out(out, error, [&]() -> Result<char*> {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY_ASSIGN(const auto made, text(collection->collection));
    return ndb::c::copy_text(made);
  });
}

ndb_stats_result stats_from(const ndb::CollectionStats& stats) {
  return {sizeof(ndb_stats_result),
          stats.documents,
          stats.deleted,
          stats.seq.value,
          stats.flushed_seq.value,
          stats.manifest_version.value,
          stats.epoch.value,
          stats.segments.size(),
          stats.segment_bytes,
          stats.wal_bytes,
          stats.memtable_bytes,
          stats.memtable_documents,
          stats.writable};
}

}  // namespace

void ndb_collection_free(ndb_collection* collection) { delete collection; }

const char* ndb_collection_name(const ndb_collection* collection) {
  return collection == nullptr ? nullptr : collection->collection.name().c_str();
}

ndb_code ndb_config(const ndb_collection* collection, ndb_collection_config* out, ndb_error** error) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY(require(out, "out"));
    const auto& config = collection->collection.config();
    const ndb_collection_config value{sizeof(ndb_collection_config),
                                      config.dim,
                                      static_cast<ndb_distance>(config.distance),
                                      static_cast<ndb_durability>(config.durability),
                                      config.hnsw.m,
                                      config.hnsw.ef_construction,
                                      config.hnsw.ef_search,
                                      static_cast<ndb_quantization>(config.hnsw.quantization),
                                      collection->attributes_only.data(),
                                      collection->attributes_only.size(),
                                      collection->attributes_never.data(),
                                      collection->attributes_never.size()};
    return ndb::c::write_sized(out, value, "out");
  });
}

ndb_code ndb_flush(ndb_collection* collection, bool wait, uint64_t* manifest_version, ndb_error** error) {
  return publish(collection, manifest_version, error, [&](ndb::Collection& to) { return to.flush(wait); });
}

ndb_code ndb_compact(ndb_collection* collection, bool wait, uint64_t* manifest_version, ndb_error** error) {
  return publish(collection, manifest_version, error, [&](ndb::Collection& to) { return to.compact(wait); });
}

ndb_code ndb_rebuild_index(ndb_collection* collection, bool wait, uint64_t* manifest_version, ndb_error** error) {
  return publish(collection, manifest_version, error, [&](ndb::Collection& to) { return to.rebuild_index(wait); });
}

ndb_code ndb_delete_index(ndb_collection* collection, uint64_t* manifest_version, ndb_error** error) {
  return publish(collection, manifest_version, error, [&](ndb::Collection& to) { return to.delete_index(); });
}

ndb_code ndb_has_index(const ndb_collection* collection, bool* out, ndb_error** error) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY(require(out, "out"));
    NDB_TRY_ASSIGN(const auto stats, collection->collection.index_stats());
    *out = stats.graphs > 0;
    return {};
  });
}

ndb_code ndb_index_stats(const ndb_collection* collection, ndb_index_stats_result* out, ndb_error** error) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY(require(out, "out"));
    NDB_TRY_ASSIGN(const auto stats, collection->collection.index_stats());
    const ndb_index_stats_result value{sizeof(ndb_index_stats_result), stats.enabled, stats.building, stats.indexed_rows,
                                       stats.unindexed_rows,           stats.graphs,  stats.bytes,    stats.progress};
    return ndb::c::write_sized(out, value, "out");
  });
}

ndb_code ndb_stats(const ndb_collection* collection, ndb_stats_result* out, ndb_error** error) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY(require(out, "out"));
    NDB_TRY_ASSIGN(const auto stats, collection->collection.stats());
    return ndb::c::write_sized(out, stats_from(stats), "out");
  });
}

ndb_code ndb_stats_json(const ndb_collection* collection, char** out, ndb_error** error) {
  return hand_out_text(collection, out, error, [](const ndb::Collection& of) -> Result<std::string> {
    NDB_TRY_ASSIGN(const auto stats, of.stats());
    return ndb::http::encode_stats(stats);
  });
}

ndb_code ndb_manifest(const ndb_collection* collection, char** out, ndb_error** error) {
  return hand_out_text(collection, out, error, [](const ndb::Collection& of) { return of.manifest(); });
}

ndb_code ndb_replicas_json(const ndb_collection* collection, char** out, ndb_error** error) {
  return hand_out_text(collection, out, error, [](const ndb::Collection& of) -> Result<std::string> {
    NDB_TRY_ASSIGN(const auto replicas, of.replicas());
    return ndb::http::encode_replicas(replicas);
  });
}

ndb_code ndb_wait_for(const ndb_collection* collection, uint64_t seq, uint32_t timeout_ms, ndb_error** error) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(collection, "collection"));
    return collection->collection.wait_for(ndb::Seq{seq}, std::chrono::milliseconds(timeout_ms));
  });
}

ndb_code ndb_acquire_write_lock(ndb_collection* collection, ndb_error** error) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(collection, "collection"));
    return collection->collection.acquire_write_lock();
  });
}
