// One published version of a collection, as a plain value, and its file format (docs/formats.md, "Manifest").
//
// Invariant: segments with their delete sets are exactly the state after `flushed_seq`; the WAL files hold every operation
// after it. So a manifest plus its WAL files is the whole collection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ndb/collection_config.hpp"
#include "ndb/types.hpp"
#include "shared/base/result.hpp"
#include "shared/format/file_names.hpp"
#include "shared/format/section_file.hpp"

namespace ndb::format {

struct WalSeal {
  std::uint64_t bytes = 0;
  std::uint32_t checksum = 0;
  friend bool operator==(const WalSeal&, const WalSeal&) = default;
};

struct ManifestWal {
  WalName name{};
  std::optional<WalSeal> seal{};  ///< set by the writer that took over: bytes past it do not exist
  friend bool operator==(const ManifestWal&, const ManifestWal&) = default;
};

struct ManifestSegment {
  SegmentId id{};
  std::uint32_t rows = 0;
  std::uint32_t deleted = 0;
  FileRef vectors{}, ids{}, payloads{};
  std::optional<FileRef> delete_set{}, hnsw{}, attributes{};
  friend bool operator==(const ManifestSegment&, const ManifestSegment&) = default;

  [[nodiscard]] std::uint64_t bytes() const noexcept;
};

struct Manifest {
  ManifestVersion version{};
  Epoch epoch{};
  std::uint64_t collection_uid = 0;
  std::string name{};
  std::uint64_t created_unix_ms = 0;
  CollectionConfig config{};
  bool index_enabled = true;
  Seq flushed_seq{};
  std::vector<ManifestSegment> segments{};  ///< oldest data first
  std::vector<ManifestWal> wals{};         ///< in order
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

[[nodiscard]] std::vector<std::byte> encode_manifest(const Manifest& manifest);
/// corruption names `path`. Every value is range-checked; configuration and file names are validated.
[[nodiscard]] Result<Manifest> decode_manifest(base::ByteSpan bytes, const fs::Path& path);
[[nodiscard]] Result<Manifest> read_manifest(fs::FileSystem& fs, const Path& collection, ManifestVersion version);
/// For people and for GET …/manifest.
[[nodiscard]] std::string manifest_to_json(const Manifest& manifest);

}  // namespace ndb::format
