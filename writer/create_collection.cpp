#include "writer/create_collection.hpp"

#include <fmt/format.h>

#include <chrono>
#include <random>
#include <string>

#include "shared/base/crash_point.hpp"
#include "shared/format/manifest.hpp"
#include "shared/format/pointer_files.hpp"
#include "writer/wal_file.hpp"

namespace ndb::writer {
namespace {

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// Names that begin with a dot are no collections; list_collections skips them.
fs::Path hidden_name(const fs::Path& data, std::string_view name, std::string_view purpose) {
  return data / fmt::format(".{}.{}-{}", name, purpose, format::padded(random_number()));
}

constexpr std::string_view kNew = "new";
constexpr std::string_view kDropped = "dropped";
// A creation takes milliseconds; one that was deleted while it ran would fail, and harm nothing.
constexpr std::chrono::hours kLongestCreation{1};

// What hidden_name() made the name for; "" for names that it did not make.
std::string_view purpose_of(std::string_view name) {
  constexpr std::size_t kDigits = 20;
  if (!name.starts_with('.') || name.size() < kDigits || !format::parse_number(name.substr(name.size() - kDigits))) return "";
  const auto front = name.substr(0, name.size() - kDigits);
  for (const auto purpose : {kNew, kDropped})
    if (front.ends_with(fmt::format(".{}-", purpose))) return purpose;
  return "";
}

bool is_abandoned(const fs::Path& path, std::string_view purpose) {
  if (purpose == kDropped) return true;
  std::error_code error;
  const auto changed = std::filesystem::last_write_time(path, error);
  return purpose == kNew && !error && changed + kLongestCreation < std::filesystem::file_time_type::clock::now();
}

Status fill(fs::FileSystem& fs, const fs::Path& folder, std::string_view name, const CollectionConfig& config) {
  for (const auto& sub : {format::epoch_claims_folder(folder), format::manifest_folder(folder),
                          format::wal_folder(folder), format::segments_folder(folder)})
    NDB_TRY(fs.make_directory(sub));
  format::Manifest manifest;
  manifest.version = ManifestVersion{1};
  manifest.collection_uid = random_number();
  manifest.name = name;
  manifest.created_unix_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  manifest.config = config;
  const format::WalName wal{Epoch{0}, 0};  // never written to: the first writer's epoch is 1
  NDB_TRY(WalFile::create(fs, folder, wal, manifest.collection_uid));
  manifest.wals = {{.name = wal}};
  NDB_TRY(fs::create_file_exclusively(fs, format::manifest_path(folder, manifest.version),
                                      format::encode_manifest(manifest)));
  NDB_TRY(format::write_epoch(fs, folder, {Epoch{0}, "nobody"}));
  NDB_TRY(format::write_boundary(fs, folder, {}));  // so that nobody ever looks for it before it is there
  return format::write_current(fs, folder, {manifest.version, manifest.collection_uid});  // syncs the folder
}

}  // namespace

Status create_collection(fs::FileSystem& fs, const fs::Path& data, std::string_view name,
                         const CollectionConfig& config) {
  const fs::Path target = data / name;
  const auto taken = [&] {
    return fail(ErrorCode::already_exists, "collection '" + std::string(name) + "' exists already", "name");
  };
  NDB_TRY_ASSIGN(const bool exists, fs.exists(target));
  if (exists) return taken();
  const fs::Path hidden = hidden_name(data, name, kNew);
  NDB_TRY(fs.make_directory(hidden));
  auto status = fill(fs, hidden, name, config);
  base::crash_point("collection-filled");
  // rename(2) refuses a target folder that is not empty, so of two creators one wins.
  if (status) status = fs.rename(hidden, target);
  if (!status) {
    static_cast<void>(fs::remove_tree(fs, hidden));
    if (status.error().code == ErrorCode::already_exists) return taken();
    return status;
  }
  base::crash_point("collection-named");
  return fs.sync_directory(data);
}

Status drop_collection(fs::FileSystem& fs, const fs::Path& data, std::string_view name) {
  const fs::Path hidden = hidden_name(data, name, kDropped);
  NDB_TRY(fs.rename(data / name, hidden));
  base::crash_point("collection-hidden");
  NDB_TRY(fs.sync_directory(data));
  auto status = fs::remove_tree(fs, hidden);
  if (!status && status.error().code == ErrorCode::not_found) return {};  // another process swept it just now
  return status;
}

void sweep_leftovers(fs::FileSystem& fs, const fs::Path& data) {
  const auto names = fs.list(data);
  if (!names) return;
  for (const auto& name : *names)
    if (const auto purpose = purpose_of(name); !purpose.empty() && is_abandoned(data / name, purpose))
      static_cast<void>(fs::remove_tree(fs, data / name));
}

}  // namespace ndb::writer
