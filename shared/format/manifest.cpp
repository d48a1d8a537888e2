#include "shared/format/manifest.hpp"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "ndb_schema/manifest_generated.h"
#include "shared/base/crc32c.hpp"

namespace ndb::format {
namespace {

// Envelope: magic, format version, length of the FlatBuffer, the FlatBuffer, CRC32C of everything before.
constexpr std::array<char, 8> kManifestMagic = {'N', 'D', 'B', 'M', 'A', 'N', 'I', '\n'};
constexpr std::uint32_t kManifestVersion = 1;
constexpr std::size_t kEnvelopeBytes = 16;
constexpr std::uint64_t kMaxManifestBytes = 256ULL << 20;

using Builder = flatbuffers::FlatBufferBuilder;

flatbuffers::Offset<ndb_schema::FileRef> put_file(Builder& builder, const FileRef& file) {
  return ndb_schema::CreateFileRefDirect(builder, file.name.c_str(), file.bytes, file.checksum);
}
flatbuffers::Offset<ndb_schema::FileRef> put_file(Builder& builder, const std::optional<FileRef>& file) {
  return file ? put_file(builder, *file) : flatbuffers::Offset<ndb_schema::FileRef>{};
}

flatbuffers::Offset<ndb_schema::Segment> put_segment(Builder& builder, const ManifestSegment& segment) {
  const auto vectors = put_file(builder, segment.vectors);
  const auto ids = put_file(builder, segment.ids);
  const auto payloads = put_file(builder, segment.payloads);
  const auto delete_set = put_file(builder, segment.delete_set);
  const auto hnsw = put_file(builder, segment.hnsw);
  const auto attributes = put_file(builder, segment.attributes);
  return ndb_schema::CreateSegment(builder, segment.id.value, segment.rows, segment.deleted, vectors, ids, payloads,
                                   delete_set, hnsw, attributes);
}

// Nothing at all for an empty list, as manifests were before there were these lists.
flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>> put_names(Builder& builder,
                                                                                             const std::vector<std::string>& names) {
  if (names.empty()) return {};
  return builder.CreateVectorOfStrings(names);
}

std::vector<std::string> names_of(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* from) {
  std::vector<std::string> names;
  if (from != nullptr)
    for (const auto* name : *from) names.push_back(name->str());
  return names;
}

// A name that stays inside the segment's folder.
bool plain_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() < 100 && std::ranges::all_of(name, plain);
}

class Decoder {
 public:
  explicit Decoder(const fs::Path& path) : path_(path) {}

  [[nodiscard]] std::unexpected<Error> corrupt(const std::string& what) const {
    return fail(ErrorCode::corruption, path_.string() + ": " + what);
  }

  Result<FileRef> file(const ndb_schema::FileRef* file) const {
    if (file == nullptr || !plain_name(file->name()->string_view())) return corrupt("damaged file name");
    return FileRef{file->name()->str(), file->bytes(), file->checksum()};
  }

  Result<ManifestSegment> segment(const ndb_schema::Segment& from) const {
    ManifestSegment to{.id = SegmentId{from.id()}, .rows = from.rows(), .deleted = from.deleted()};
    if (to.rows == 0 || to.deleted > to.rows) return corrupt("segment with impossible row counts");
    NDB_TRY_ASSIGN(to.vectors, file(from.vectors()));
    NDB_TRY_ASSIGN(to.ids, file(from.ids()));
    NDB_TRY_ASSIGN(to.payloads, file(from.payloads()));
    if (from.delete_set() != nullptr) {
      NDB_TRY_ASSIGN(to.delete_set, file(from.delete_set()));
    }
    if (from.hnsw() != nullptr) {
      NDB_TRY_ASSIGN(to.hnsw, file(from.hnsw()));
    }
    if (from.attributes() != nullptr) {
      NDB_TRY_ASSIGN(to.attributes, file(from.attributes()));
    }
    return to;
  }

  Result<Manifest> manifest(const ndb_schema::Manifest& from) const {
    Manifest to{.version = ManifestVersion{from.version()}, .epoch = Epoch{from.epoch()},
                .collection_uid = from.collection_uid(), .name = from.name()->str(),
                .created_unix_ms = from.created_unix_ms()};
    if (!validate_collection_name(to.name)) return corrupt("impossible collection name");
    if (from.distance() > 2 || from.durability() > 1) return corrupt("unknown distance or durability");
    to.config = {.dim = from.dim(), .distance = static_cast<Distance>(from.distance()),
                 .durability = static_cast<Durability>(from.durability()),
                 .hnsw = {from.hnsw_m(), from.hnsw_ef_construction(), from.hnsw_ef_search(),
                          static_cast<Quantization>(from.hnsw_quantization())},
                 .attributes = {names_of(from.attributes_only()), names_of(from.attributes_never())},
                 .history = {std::chrono::seconds(from.history_retention_s()), std::chrono::seconds(from.history_interval_s())}};
    if (const auto valid = validate(to.config); !valid) return corrupt(valid.error().message);
    to.index_enabled = from.index_enabled();
    to.flushed_seq = Seq{from.flushed_seq()};
    for (const auto* segment_table : *from.segments()) {
      NDB_TRY_ASSIGN(auto one, segment(*segment_table));
      to.segments.push_back(std::move(one));
    }
    for (const auto* wal : *from.wals()) {
      ManifestWal one{.name = {Epoch{wal->epoch()}, wal->index()}, .seal = {}};
      if (wal->sealed()) one.seal = WalSeal{wal->sealed_bytes(), wal->sealed_checksum()};
      if (!to.wals.empty() && one.name <= to.wals.back().name) return corrupt("WAL files out of order");
      to.wals.push_back(one);
    }
    return to;
  }

 private:
  const fs::Path& path_;
};

}  // namespace

std::uint64_t ManifestSegment::bytes() const noexcept {
  const auto bytes_of = [](const std::optional<FileRef>& file) { return file ? file->bytes : 0; };
  return vectors.bytes + ids.bytes + payloads.bytes + bytes_of(delete_set) + bytes_of(hnsw) + bytes_of(attributes);
}

std::vector<std::byte> encode_manifest(const Manifest& manifest) {
  Builder builder;
  std::vector<flatbuffers::Offset<ndb_schema::Segment>> segments;
  for (const auto& segment : manifest.segments) segments.push_back(put_segment(builder, segment));
  std::vector<flatbuffers::Offset<ndb_schema::Wal>> wals;
  for (const auto& wal : manifest.wals) {
    const auto seal = wal.seal.value_or(WalSeal{});
    wals.push_back(ndb_schema::CreateWal(builder, wal.name.epoch.value, wal.name.index, wal.seal.has_value(),
                                         seal.bytes, seal.checksum));
  }
  const auto& config = manifest.config;
  const auto only = put_names(builder, config.attributes.only), never = put_names(builder, config.attributes.never);
  const auto name = builder.CreateString(manifest.name);
  const auto segment_list = builder.CreateVector(segments);
  const auto wal_list = builder.CreateVector(wals);
  ndb_schema::FinishManifestBuffer(
      builder, ndb_schema::CreateManifest(
                   builder, manifest.version.value, manifest.epoch.value, manifest.collection_uid,
                   name, manifest.created_unix_ms, config.dim,
                   static_cast<std::uint8_t>(config.distance), static_cast<std::uint8_t>(config.durability),
                   config.hnsw.m, config.hnsw.ef_construction, config.hnsw.ef_search, manifest.index_enabled,
                   manifest.flushed_seq.value, segment_list, wal_list, static_cast<std::uint8_t>(config.hnsw.quantization), only, never,
                   static_cast<std::uint32_t>(config.history.retention.count()), static_cast<std::uint32_t>(config.history.interval.count())));
  std::vector<std::byte> out;
  base::append(out, kManifestMagic);
  base::append(out, kManifestVersion);
  base::append(out, static_cast<std::uint32_t>(builder.GetSize()));
  base::append_bytes(out, {reinterpret_cast<const std::byte*>(builder.GetBufferPointer()), builder.GetSize()});
  base::append(out, base::crc32c(out));
  return out;
}

Result<Manifest> decode_manifest(base::ByteSpan bytes, const fs::Path& path) {
  const Decoder decoder(path);
  base::ByteReader reader(bytes);
  const auto magic = reader.read<std::array<char, 8>>();
  const auto version = reader.read<std::uint32_t>();
  const auto length = reader.read<std::uint32_t>();
  if (!length) return decoder.corrupt("is truncated: " + std::to_string(bytes.size()) + " bytes");
  if (magic != kManifestMagic) return decoder.corrupt("is not a manifest (wrong magic at offset 0)");
  if (*version == 0 || *version > kManifestVersion)
    return decoder.corrupt("has format version " + std::to_string(*version) + "; this nDB reads up to " +
                           std::to_string(kManifestVersion));
  const auto body = reader.read_bytes(*length);
  const auto checksum = reader.read<std::uint32_t>();
  if (!body || !checksum || reader.remaining() != 0)
    return decoder.corrupt("has " + std::to_string(bytes.size()) + " bytes, which is not its length");
  if (base::crc32c(bytes.first(kEnvelopeBytes + *length)) != *checksum) return decoder.corrupt("checksum does not match");
  // The checksum rules out accidents; the verifier also rules out malice. It wants aligned bytes.
  std::vector<std::uint64_t> aligned(*length / 8 + 1);
  std::memcpy(aligned.data(), body->data(), body->size());
  const auto* begin = reinterpret_cast<const std::uint8_t*>(aligned.data());
  flatbuffers::Verifier verifier(begin, body->size());
  if (!ndb_schema::VerifyManifestBuffer(verifier)) return decoder.corrupt("is not a valid FlatBuffer");
  return decoder.manifest(*ndb_schema::GetManifest(begin));
}

Result<Manifest> read_manifest(fs::FileSystem& fs, const Path& collection, ManifestVersion version) {
  const Path path = manifest_path(collection, version);
  NDB_TRY_ASSIGN(const auto bytes, fs::read_file(fs, path, kMaxManifestBytes));
  NDB_TRY_ASSIGN(auto manifest, decode_manifest(bytes, path));
  if (manifest.version != version) return fail(ErrorCode::corruption, path.string() + ": names another version");
  return manifest;
}

}  // namespace ndb::format
