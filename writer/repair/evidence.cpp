#include "writer/repair/evidence.hpp"

#include <fmt/format.h>

#include <chrono>

namespace ndb::writer {
namespace {

constexpr std::size_t kCopyBytes = 1U << 20;

Status or_exists(Status status) {
  return !status && status.error().code == ErrorCode::already_exists ? Status{} : status;
}

// As far as it can be read: the rest is what is damaged about it.
Status copy(fs::FileSystem& fs, const fs::Path& from, const fs::Path& to) {
  NDB_TRY_ASSIGN(const auto source, fs.open_read(from));
  NDB_TRY_ASSIGN(const auto target, fs.create_exclusive(to));
  std::vector<std::byte> buffer(kCopyBytes);
  for (std::uint64_t offset = 0;;) {
    const auto got = source->read_at(offset, buffer);
    if (!got || *got == 0) break;
    NDB_TRY(target->append(base::ByteSpan(buffer).first(*got)));
    offset += *got;
  }
  return target->sync();
}

}  // namespace

Result<Evidence> Evidence::create(fs::FileSystem& fs, const fs::Path& collection) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  for (auto stamp = now.count();; ++stamp) {
    // A name with a dot is no collection.
    const fs::Path folder = collection.parent_path() / fmt::format(".{}.damaged-{}", collection.filename().string(), stamp);
    const auto made = fs.make_directory(folder);
    if (made) return Evidence(fs, collection, folder);
    if (made.error().code != ErrorCode::already_exists) return std::unexpected(made.error());
  }
}

Status Evidence::keep(const fs::Path& path) {
  const fs::Path relative = path.lexically_relative(collection_);
  fs::Path folder = folder_;
  for (const auto& part : relative.parent_path()) {
    folder /= part;
    NDB_TRY(or_exists(fs_->make_directory(folder)));
  }
  NDB_TRY_ASSIGN(const bool there, fs_->exists(path));
  if (!there) return {};
  if (or_exists(fs_->link(path, folder_ / relative))) return fs_->sync_directory(folder);
  NDB_TRY(or_exists(copy(*fs_, path, folder_ / relative)));
  return fs_->sync_directory(folder);
}

Status Evidence::keep_folder(const fs::Path& path) {
  NDB_TRY_ASSIGN(const bool there, fs_->exists(path));
  if (!there) return {};
  NDB_TRY_ASSIGN(const auto names, fs_->list(path));
  for (const auto& name : names) NDB_TRY(keep(path / name));
  return {};
}

Status Evidence::write(std::string_view name, std::string_view text) {
  NDB_TRY_ASSIGN(const auto file, fs_->create_exclusive(folder_ / name));
  NDB_TRY(file->append(base::as_bytes(text)));
  NDB_TRY(file->sync());
  return fs_->sync_directory(folder_);
}

}  // namespace ndb::writer
