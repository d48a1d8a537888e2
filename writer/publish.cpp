#include "writer/publish.hpp"

#include <algorithm>

#include "shared/base/crash_point.hpp"
#include "shared/format/pointer_files.hpp"
#include "writer/fencing.hpp"

namespace ndb::writer {
namespace {

// Whether a manifest that could not be created is there all the same, whole and ours: a lost answer. The folder is listed first, for
// to ask for a name that is not there would hide it from this host for half a minute, while another writer may create it next.
bool came_through(fs::FileSystem& fs, const fs::Path& path, base::ByteSpan bytes) {
  const auto names = fs.list(path.parent_path());
  if (!names || std::ranges::find(*names, path.filename().string()) == names->end()) return false;
  const auto there = fs::read_file(fs, path, bytes.size());
  return there && std::ranges::equal(*there, bytes);
}

}  // namespace

Status publish_manifest(fs::FileSystem& fs, const fs::Path& collection, const format::Manifest& manifest) {
  NDB_TRY(check_epoch(fs, collection, manifest.epoch));
  const fs::Path path = format::manifest_path(collection, manifest.version);
  const auto bytes = format::encode_manifest(manifest);
  base::crash_point("before-manifest");
  if (auto status = fs::create_file_exclusively(fs, path, bytes); !status) {
    if (!came_through(fs, path, bytes)) return status;
    // The folder may not be durable yet.
    NDB_TRY(fs.sync_directory(format::manifest_folder(collection)));
  }
  base::crash_point("manifest-linked");
  NDB_TRY_ASSIGN(const auto boundary, format::read_boundary(fs, collection));
  if (manifest.version < boundary.first_kept)
    return fail(ErrorCode::fenced, "manifest versions up to " + std::to_string(boundary.first_kept.value) +
                                       " were collected already: another writer took over long ago");
  return format::write_current(fs, collection, {manifest.version, manifest.collection_uid});
}

Result<format::Manifest> newest_manifest(fs::FileSystem& fs, const fs::Path& collection) {
  NDB_TRY_ASSIGN(const auto newest, format::read_newest(fs, collection));
  return format::read_manifest(fs, collection, newest.version);
}

}  // namespace ndb::writer
