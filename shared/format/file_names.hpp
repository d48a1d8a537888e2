// Every file name of a collection's folder is made here, and nowhere else.
//
//   CURRENT  EPOCH  BOUNDARY  LOCK
//   epochs/<epoch>.claim
//   manifest/<version>.manifest
//   wal/<epoch>-<index>.wal
//   segments/<id>/{vectors,ids,payloads,attributes,hnsw-<epoch>-<n>,deleted-<epoch>-<n>}
//
// Numbers are written with 20 decimal digits, so that names sort as numbers. Names are never reused: whatever a writer
// creates carries its epoch, and no two writers share an epoch.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "ndb/types.hpp"

namespace ndb::format {

using Path = std::filesystem::path;

/// Which WAL file: files of one epoch are numbered from 0.
struct WalName {
  Epoch epoch{};
  std::uint64_t index = 0;
  friend auto operator<=>(const WalName&, const WalName&) = default;
};

[[nodiscard]] std::string padded(std::uint64_t number);
/// The number in a name made of digits only; nullopt for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view digits);

[[nodiscard]] Path current_file_path(const Path& collection);
[[nodiscard]] Path epoch_path(const Path& collection);
[[nodiscard]] Path boundary_path(const Path& collection);
[[nodiscard]] Path lock_path(const Path& collection);
[[nodiscard]] Path epoch_claims_folder(const Path& collection);
[[nodiscard]] Path epoch_claim_path(const Path& collection, Epoch epoch);
[[nodiscard]] Path manifest_folder(const Path& collection);
[[nodiscard]] Path manifest_path(const Path& collection, ManifestVersion version);
[[nodiscard]] std::optional<ManifestVersion> parse_manifest_name(std::string_view name);
[[nodiscard]] Path wal_folder(const Path& collection);
[[nodiscard]] Path wal_path(const Path& collection, WalName name);
[[nodiscard]] std::optional<WalName> parse_wal_name(std::string_view name);
[[nodiscard]] Path segments_folder(const Path& collection);
[[nodiscard]] Path segment_folder(const Path& collection, SegmentId segment);

inline constexpr std::string_view kVectorsFile = "vectors";
inline constexpr std::string_view kIdsFile = "ids";
inline constexpr std::string_view kPayloadsFile = "payloads";
inline constexpr std::string_view kAttributesFile = "attributes";
[[nodiscard]] std::string hnsw_file_name(Epoch epoch, std::uint64_t n);
[[nodiscard]] std::string deleted_file_name(Epoch epoch, std::uint64_t n);

/// Segment ids carry the epoch in their upper half, so that a crashed writer's leftovers never collide.
[[nodiscard]] SegmentId make_segment_id(Epoch epoch, std::uint32_t n);

}  // namespace ndb::format
