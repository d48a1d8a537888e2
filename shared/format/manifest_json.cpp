#include <fmt/format.h>

#include <iterator>

#include "shared/format/manifest.hpp"
#include "shared/payload/json_text.hpp"

namespace ndb::format {
namespace {

// Names inside manifests are plain ASCII (validated when decoded), so nothing needs escaping.
void write_file(std::string& out, const char* key, const FileRef& file) {
  fmt::format_to(std::back_inserter(out), R"(,"{}":{{"name":"{}","bytes":{},"checksum":"{:08x}"}})", key, file.name,
                 file.bytes, file.checksum);
}

void write_segment(std::string& out, const ManifestSegment& segment) {
  fmt::format_to(std::back_inserter(out), R"({{"id":{},"rows":{},"deleted":{},"bytes":{})", segment.id.value,
                 segment.rows, segment.deleted, segment.bytes());
  write_file(out, "vectors", segment.vectors);
  write_file(out, "ids", segment.ids);
  write_file(out, "payloads", segment.payloads);
  if (segment.delete_set) write_file(out, "delete_set", *segment.delete_set);
  if (segment.hnsw) write_file(out, "hnsw", *segment.hnsw);
  if (segment.attributes) write_file(out, "attributes", *segment.attributes);
  out += '}';
}

void put_wal(std::string& out, const ManifestWal& wal) {
  fmt::format_to(std::back_inserter(out), R"({{"epoch":{},"index":{})", wal.name.epoch.value, wal.name.index);
  if (wal.seal)
    fmt::format_to(std::back_inserter(out), R"(,"sealed_bytes":{},"sealed_checksum":"{:08x}")", wal.seal->bytes,
                   wal.seal->checksum);
  out += '}';
}

template <class Items, class Put>
void put_list(std::string& out, const char* key, const Items& items, Put put) {
  fmt::format_to(std::back_inserter(out), R"(,"{}":[)", key);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    put(out, items[i]);
  }
  out += ']';
}

}  // namespace

std::string manifest_to_json(const Manifest& manifest) {
  const auto& config = manifest.config;
  std::string out = fmt::format(
      R"({{"version":{},"epoch":{},"collection_uid":"{:016x}","name":"{}","created_unix_ms":{},"dim":{},"distance":"{}",)"
      R"("durability":"{}","hnsw":{{"m":{},"ef_construct":{},"ef_search":{},"quantization":"{}"}},"attributes":{{"only":{},"never":{}}},"history":{{"retention_s":{},"interval_s":{}}},"index_enabled":{},"flushed_seq":{})",
      manifest.version.value, manifest.epoch.value, manifest.collection_uid, manifest.name, manifest.created_unix_ms,
      config.dim, distance_name(config.distance), durability_name(config.durability), config.hnsw.m,
      config.hnsw.ef_construction, config.hnsw.ef_search, quantization_name(config.hnsw.quantization),
      payload::json_list(config.attributes.only), payload::json_list(config.attributes.never),
      config.history.retention.count(), config.history.interval.count(), manifest.index_enabled, manifest.flushed_seq.value);
  put_list(out, "segments", manifest.segments, write_segment);
  put_list(out, "wals", manifest.wals, put_wal);
  return out + '}';
}

}  // namespace ndb::format
