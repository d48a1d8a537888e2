#include "shared/format/pointer_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "shared/base/crc32c.hpp"

namespace ndb::format {
namespace {

constexpr std::uint64_t kMaxBytes = 4096;
constexpr std::string_view kChecksumKey = "checksum ";

using Fields = std::map<std::string, std::string, std::less<>>;

// "ndb <kind> 1\n", then "key value\n" lines, then "checksum <crc32c of everything before, hex>\n".
std::string render(std::string_view kind, std::string_view lines) {
  std::string text = fmt::format("ndb {} 1\n{}", kind, lines);
  return text + fmt::format("{}{:08x}\n", kChecksumKey, base::crc32c(base::as_bytes(text)));
}

Result<Fields> parse(fs::FileSystem& fs, const Path& path, std::string_view kind) {
  NDB_TRY_ASSIGN(const auto bytes, fs::read_file(fs, path, kMaxBytes));
  const std::string_view text = base::as_text(bytes);
  const auto damaged = [&] { return fail(ErrorCode::corruption, path.string() + ": damaged " + std::string(kind) + " file"); };
  const auto end = text.rfind(kChecksumKey);
  if (end == std::string_view::npos || !text.starts_with(fmt::format("ndb {} ", kind))) return damaged();
  if (text.substr(end) != fmt::format("{}{:08x}\n", kChecksumKey, base::crc32c(base::as_bytes(text.substr(0, end)))))
    return damaged();
  if (!text.starts_with(fmt::format("ndb {} 1\n", kind)))
    return fail(ErrorCode::corruption, path.string() + ": a format newer than this nDB reads");
  Fields fields;
  for (std::size_t at = text.find('\n') + 1; at < end;) {
    const auto line = text.substr(at, text.find('\n', at) - at);
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return damaged();
    fields.emplace(line.substr(0, space), line.substr(space + 1));
    at += line.size() + 1;
  }
  return fields;
}

Result<std::uint64_t> number(const Fields& fields, const Path& path, std::string_view key) {
  const auto field = fields.find(key);
  const auto value = field == fields.end() ? std::nullopt : parse_number(field->second);
  if (!value) return fail(ErrorCode::corruption, fmt::format("{}: lacks {}", path.string(), key));
  return *value;
}

}  // namespace

Result<CurrentFile> read_current(fs::FileSystem& fs, const Path& collection) {
  const Path path = current_file_path(collection);
  NDB_TRY_ASSIGN(const auto fields, parse(fs, path, "current"));
  NDB_TRY_ASSIGN(const auto version, number(fields, path, "manifest"));
  NDB_TRY_ASSIGN(const auto uid, number(fields, path, "collection"));
  return CurrentFile{ManifestVersion{version}, uid};
}

Result<EpochFile> read_epoch(fs::FileSystem& fs, const Path& collection) {
  const Path path = epoch_path(collection);
  NDB_TRY_ASSIGN(auto fields, parse(fs, path, "epoch"));
  NDB_TRY_ASSIGN(const auto epoch, number(fields, path, "epoch"));
  return EpochFile{Epoch{epoch}, fields["holder"]};
}

Result<BoundaryFile> read_boundary(fs::FileSystem& fs, const Path& collection) {
  const Path path = boundary_path(collection);
  const auto fields = parse(fs, path, "boundary");
  if (!fields && fields.error().code == ErrorCode::not_found) return BoundaryFile{};
  if (!fields) return std::unexpected(fields.error());
  NDB_TRY_ASSIGN(const auto version, number(*fields, path, "first_kept"));
  return BoundaryFile{ManifestVersion{version}};
}

Result<CurrentFile> read_newest(fs::FileSystem& fs, const Path& collection) {
  // What stands below the boundary was collected, or made again by a writer that slept: never the newest.
  NDB_TRY_ASSIGN(const auto boundary, read_boundary(fs, collection));
  NDB_TRY_ASSIGN(auto newest, read_current(fs, collection));
  NDB_TRY_ASSIGN(const auto names, fs.list(manifest_folder(collection)));
  if (newest.version < boundary.first_kept) newest.version = {};
  for (const auto& name : names)
    if (const auto version = parse_manifest_name(name); version && *version >= boundary.first_kept)
      newest.version = std::max(newest.version, *version);
  if (newest.version == ManifestVersion{})
    return fail(ErrorCode::unavailable, collection.string() + ": this host sees an old state of the volume; try again");
  return newest;
}

// All three are synced with their folder. Writers look for versions later than CURRENT, but readers do not: were it to fall back in a
// power loss, they would miss what was acknowledged since, until a writer comes. EPOCH and BOUNDARY must not be forgotten once
// something was done on their strength.
Status write_current(fs::FileSystem& fs, const Path& collection, const CurrentFile& current) {
  const auto text = render("current", fmt::format("manifest {}\ncollection {}\n", current.version.value,
                                                  current.collection_uid));
  NDB_TRY(fs::replace_file(fs, current_file_path(collection), base::as_bytes(text)));
  return fs.sync_directory(collection);
}

Status write_epoch(fs::FileSystem& fs, const Path& collection, const EpochFile& epoch) {
  const auto text = render("epoch", fmt::format("epoch {}\nholder {}\n", epoch.epoch.value, epoch.holder));
  NDB_TRY(fs::replace_file(fs, epoch_path(collection), base::as_bytes(text)));
  return fs.sync_directory(collection);
}

Status write_boundary(fs::FileSystem& fs, const Path& collection, const BoundaryFile& boundary) {
  const auto text = render("boundary", fmt::format("first_kept {}\n", boundary.first_kept.value));
  NDB_TRY(fs::replace_file(fs, boundary_path(collection), base::as_bytes(text)));
  return fs.sync_directory(collection);  // CURRENT, too, must not fall back to a manifest that is then deleted
}

}  // namespace ndb::format
