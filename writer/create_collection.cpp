#include "writer/create_collection.hpp"

#include <fmt/format.h>

#include <chrono>
#include <random>
#include <string>

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
fs::Path hidden_name(const fs::Path& data, std::string_view name, const char* purpose) {
  return data / fmt::format(".{}.{}-{}", name, purpose, format::padded(random_number()));
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
  NDB_TRY(format::write_current(fs, folder, {manifest.version, manifest.collection_uid}));
  return fs.sync_directory(folder);
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
  const fs::Path hidden = hidden_name(data, name, "new");
  NDB_TRY(fs.make_directory(hidden));
  auto status = fill(fs, hidden, name, config);
  // rename(2) refuses a target folder that is not empty, so of two creators one wins.
  if (status) status = fs.rename(hidden, target);
  if (!status) {
    static_cast<void>(fs::remove_tree(fs, hidden));
    if (status.error().code == ErrorCode::already_exists) return taken();
    return status;
  }
  return fs.sync_directory(data);
}

Status drop_collection(fs::FileSystem& fs, const fs::Path& data, std::string_view name) {
  const fs::Path hidden = hidden_name(data, name, "dropped");
  NDB_TRY(fs.rename(data / name, hidden));
  NDB_TRY(fs.sync_directory(data));
  return fs::remove_tree(fs, hidden);
}

}  // namespace ndb::writer
