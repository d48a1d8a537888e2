#include "ipc/http/codec/answer_codec.hpp"

#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/time_text.hpp"
#include "shared/payload/json_text.hpp"

namespace ndb::http {
namespace {

constexpr std::size_t kBytesPerFloat = 12;  // a guess, to reserve memory once

void write_payload(JsonWriter& json, std::string_view payload) {
  json.key("payload");
  if (payload.empty())
    json.null();
  else
    json.raw(payload);
}

void write_version(JsonWriter& json, const VersionInfo& version) {
  json.begin_object().field("version", version.version.value).field("seq", version.seq.value);
  json.field("time", base::time_text(version.time)).field("unix_ms", base::to_unix_ms(version.time)).end_object();
}

void write_as_of(JsonWriter& json, const VersionInfo* as_of) {
  if (as_of == nullptr) return;
  json.key("as_of");
  write_version(json, *as_of);
}

void write_document(JsonWriter& json, const Document& document, const VersionInfo* as_of = nullptr) {
  json.begin_object().field("id", document.id);
  json.key("vector").floats(document.vector);
  write_payload(json, document.payload);
  write_as_of(json, as_of);
  json.end_object();
}

void reserve_for(JsonWriter& json, std::span<const Document> documents) {
  std::size_t bytes = 64;
  for (const Document& d : documents) bytes += 64 + d.id.size() + d.payload.size() + d.vector.size() * kBytesPerFloat;
  json.reserve(bytes);
}

void write_documents(JsonWriter& json, std::span<const Document> documents) {
  json.key("documents").begin_array();
  for (const Document& document : documents) write_document(json, document);
  json.end_array();
}

void write_match(JsonWriter& json, const Match& match, const Search& search) {
  json.begin_object().field("id", match.id).field("score", match.score);
  if (search.with_payload()) write_payload(json, match.payload);
  if (search.with_vector()) json.key("vector").floats(match.vector);
  json.end_object();
}

void write_plan(JsonWriter& json, const SearchPlan& plan) {
  json.key("plan").begin_object().field("plan", plan.plan).field("rows_estimated", plan.rows_estimated);
  json.field("rows_matched", plan.rows_matched);
  json.field("distances", plan.distances).field("estimated_distances", plan.estimated_distances);
  json.field("hops", plan.hops).field("bytes_touched", plan.bytes_touched).end_object();
}

void write_search(JsonWriter& json, const SearchResult& result, const Search& search, const VersionInfo* as_of) {
  json.begin_object().key("matches").begin_array();
  for (const Match& match : result.matches) write_match(json, match, search);
  json.end_array().field("seq", result.seq.value).field("manifest_version", result.manifest_version.value);
  json.field("took_us", result.took_us);
  if (result.plan) write_plan(json, *result.plan);
  write_as_of(json, as_of);
  json.end_object();
}

void write_segment(JsonWriter& json, const SegmentStats& segment) {
  json.begin_object().field("id", segment.id.value).field("rows", segment.rows).field("deleted", segment.deleted);
  json.field("bytes", segment.bytes).field("indexed", segment.indexed).end_object();
}

void write_index(JsonWriter& json, const IndexStats& index) {
  json.key("index").begin_object().field("enabled", index.enabled).field("indexed_rows", index.indexed_rows);
  json.field("unindexed_rows", index.unindexed_rows).field("graphs", index.graphs).field("bytes", index.bytes);
  json.field("building", index.building).field("progress", index.progress).end_object();
}

void write_history_config(JsonWriter& json, const HistoryConfig& history) {
  json.field("retention_s", std::int64_t{history.retention.count()}).field("interval_s", std::int64_t{history.interval.count()});
}

void write_history(JsonWriter& json, const CollectionStats& stats) {
  json.key("history").begin_object();
  write_history_config(json, stats.config.history);
  json.field("versions", stats.history.versions).field("bytes", stats.history.bytes);
  if (stats.history.versions > 0) {
    json.key("oldest");
    write_version(json, stats.history.oldest);
  }
  json.end_object();
}

void write_hnsw(JsonWriter& json, const HnswConfig& hnsw) {
  json.key("hnsw").begin_object().field("m", hnsw.m).field("ef_construct", hnsw.ef_construction);
  json.field("ef_search", hnsw.ef_search).field("quantization", quantization_name(hnsw.quantization)).end_object();
}

}  // namespace

std::string encode_document(const Document& document, const VersionInfo* as_of) {
  JsonWriter json;
  reserve_for(json, std::span(&document, 1));
  write_document(json, document, as_of);
  return std::move(json).text();
}

std::string encode_documents(std::span<const Document> documents, std::span<const std::string> missing, const VersionInfo* as_of) {
  JsonWriter json;
  reserve_for(json, documents);
  json.begin_object();
  write_documents(json, documents);
  json.key("missing").begin_array();
  for (const std::string& id : missing) json.string(id);
  json.end_array();
  write_as_of(json, as_of);
  json.end_object();
  return std::move(json).text();
}

std::string encode_page(std::span<const Document> documents, const std::string* next, const VersionInfo* as_of) {
  JsonWriter json;
  reserve_for(json, documents);
  json.begin_object();
  write_documents(json, documents);
  json.key("next");
  if (next == nullptr)
    json.null();
  else
    json.string(*next);
  write_as_of(json, as_of);
  json.end_object();
  return std::move(json).text();
}

std::string encode_search(const SearchResult& result, const Search& search, const VersionInfo* as_of) {
  JsonWriter json;
  write_search(json, result, search, as_of);
  return std::move(json).text();
}

std::string encode_search_batch(std::span<const SearchResult> results, std::span<const Search> searches, const VersionInfo* as_of) {
  JsonWriter json;
  json.begin_object().key("results").begin_array();
  for (std::size_t i = 0; i < results.size(); ++i) write_search(json, results[i], searches[i], nullptr);
  json.end_array();
  write_as_of(json, as_of);
  json.end_object();
  return std::move(json).text();
}

std::string encode_insert(const WriteResult& result) {
  JsonWriter json;
  json.begin_object()
      .field("seq", result.seq.value)
      .field("inserted", result.inserted)
      .field("replaced", result.replaced);
  json.field("durability", durability_name(result.durability)).end_object();
  return std::move(json).text();
}

std::string encode_remove(const WriteResult& result) {
  JsonWriter json;
  json.begin_object().field("seq", result.seq.value).field("deleted", true);
  json.field("durability", durability_name(result.durability)).end_object();
  return std::move(json).text();
}

std::string encode_remove_many(const WriteResult& result) {
  JsonWriter json;
  json.begin_object().field("seq", result.seq.value).field("deleted", result.deleted);
  json.field("durability", durability_name(result.durability)).end_object();
  return std::move(json).text();
}

std::string encode_count(std::uint64_t count, const VersionInfo* as_of) {
  JsonWriter json;
  json.begin_object().field("count", count);
  write_as_of(json, as_of);
  json.end_object();
  return std::move(json).text();
}

std::string encode_manifest_version(ManifestVersion version) {
  JsonWriter json;
  json.begin_object().field("manifest_version", version.value).end_object();
  return std::move(json).text();
}

std::string encode_stats(const CollectionStats& stats) {
  JsonWriter json;
  json.begin_object().field("name", stats.name).field("dim", stats.config.dim);
  json.field("distance", distance_name(stats.config.distance))
      .field("durability", durability_name(stats.config.durability));
  write_hnsw(json, stats.config.hnsw);
  json.key("attributes").begin_object().key("only").raw(payload::json_list(stats.config.attributes.only));
  json.key("never").raw(payload::json_list(stats.config.attributes.never)).end_object();
  write_history(json, stats);
  json.field("documents", stats.documents).field("deleted", stats.deleted).field("seq", stats.seq.value);
  json.field("flushed_seq", stats.flushed_seq.value).field("manifest_version", stats.manifest_version.value);
  json.field("epoch", stats.epoch.value).field("writable", stats.writable);
  json.key("segments").begin_array();
  for (const SegmentStats& segment : stats.segments) write_segment(json, segment);
  json.end_array();
  write_index(json, stats.index);
  json.key("memtable").begin_object().field("documents", stats.memtable_documents).end_object();
  json.key("bytes").begin_object().field("segments", stats.segment_bytes).field("index", stats.index.bytes);
  json.field("wal", stats.wal_bytes).field("memtable", stats.memtable_bytes).end_object();
  json.end_object();
  return std::move(json).text();
}

std::string encode_history(const CollectionStats& stats, std::span<const VersionInfo> versions) {
  JsonWriter json;
  json.begin_object();
  write_history_config(json, stats.config.history);
  json.field("bytes", stats.history.bytes).key("versions").begin_array();
  for (const VersionInfo& version : versions) write_version(json, version);
  json.end_array().end_object();
  return std::move(json).text();
}

std::string encode_collections(std::span<const CollectionStats> collections) {
  JsonWriter json;
  json.begin_object().key("collections").begin_array();
  for (const CollectionStats& stats : collections) {
    json.begin_object().field("name", stats.name).field("dim", stats.config.dim);
    json.field("distance", distance_name(stats.config.distance)).field("documents", stats.documents).end_object();
  }
  json.end_array().end_object();
  return std::move(json).text();
}

std::string encode_replicas(std::span<const ReplicaStats> replicas) {
  JsonWriter json;
  json.begin_object().key("replicas").begin_array();
  for (const ReplicaStats& replica : replicas) {
    json.begin_object().field("host", replica.host).field("pid", replica.pid);
    json.field("pinned_version", replica.pinned_version.value).field("seq", replica.seq.value);
    json.field("lag_seq", replica.lag_seq).field("age_seconds", replica.age_seconds).end_object();
  }
  json.end_array().end_object();
  return std::move(json).text();
}

}  // namespace ndb::http
