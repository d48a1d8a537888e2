#include "shared/format/file_names.hpp"

#include <charconv>

namespace ndb::format {
namespace {

constexpr std::size_t kDigits = 20;
constexpr std::string_view kManifestSuffix = ".manifest";
constexpr std::string_view kWalSuffix = ".wal";

}  // namespace

std::string padded(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kDigits - digits.size(), '0') + digits;
}

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

Path current_file_path(const Path& collection) { return collection / "CURRENT"; }
Path epoch_path(const Path& collection) { return collection / "EPOCH"; }
Path boundary_path(const Path& collection) { return collection / "BOUNDARY"; }
Path lock_path(const Path& collection) { return collection / "LOCK"; }
Path epoch_claims_folder(const Path& collection) { return collection / "epochs"; }
Path epoch_claim_path(const Path& collection, Epoch epoch) {
  return epoch_claims_folder(collection) / (padded(epoch.value) + ".claim");
}

Path manifest_folder(const Path& collection) { return collection / "manifest"; }
Path manifest_path(const Path& collection, ManifestVersion version) {
  return manifest_folder(collection) / (padded(version.value) + std::string(kManifestSuffix));
}

std::optional<ManifestVersion> parse_manifest_name(std::string_view name) {
  if (name.size() != kDigits + kManifestSuffix.size() || !name.ends_with(kManifestSuffix)) return std::nullopt;
  const auto version = parse_number(name.substr(0, kDigits));
  if (!version) return std::nullopt;
  return ManifestVersion{*version};
}

Path wal_folder(const Path& collection) { return collection / "wal"; }
Path wal_path(const Path& collection, WalName name) {
  return wal_folder(collection) / (padded(name.epoch.value) + "-" + padded(name.index) + std::string(kWalSuffix));
}

std::optional<WalName> parse_wal_name(std::string_view name) {
  if (name.size() != 2 * kDigits + 1 + kWalSuffix.size() || !name.ends_with(kWalSuffix) || name[kDigits] != '-')
    return std::nullopt;
  const auto epoch = parse_number(name.substr(0, kDigits));
  const auto index = parse_number(name.substr(kDigits + 1, kDigits));
  if (!epoch || !index) return std::nullopt;
  return WalName{Epoch{*epoch}, *index};
}

Path segments_folder(const Path& collection) { return collection / "segments"; }
Path segment_folder(const Path& collection, SegmentId segment) {
  return segments_folder(collection) / padded(segment.value);
}

std::string hnsw_file_name(Epoch epoch, std::uint64_t n) {
  return "hnsw-" + std::to_string(epoch.value) + "-" + std::to_string(n);
}
std::string deleted_file_name(Epoch epoch, std::uint64_t n) {
  return "deleted-" + std::to_string(epoch.value) + "-" + std::to_string(n);
}

SegmentId make_segment_id(Epoch epoch, std::uint32_t n) { return SegmentId{epoch.value << 32 | n}; }

}  // namespace ndb::format
