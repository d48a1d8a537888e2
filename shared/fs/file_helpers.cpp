#include <unistd.h>

#include <atomic>
#include <random>

#include "shared/base/crash_point.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::fs {
namespace {

std::string random_digits() {
  std::random_device random;
  return std::to_string(random()) + std::to_string(random());
}

// Unique across hosts, too: pids are not (in containers they are often 1). The random part is drawn once, as that is slow; a forked
// child shares it, but not the pid.
Path temporary_name(const Path& path) {
  static std::atomic<std::uint64_t> counter{0};
  static const std::string process = random_digits();
  return path.string() + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1)) + "-" + process;
}

Status write_new_file(FileSystem& fs, const Path& path, base::ByteSpan bytes) {
  NDB_TRY_ASSIGN(const auto file, fs.create_exclusive(path));
  NDB_TRY(file->append(bytes));
  return file->sync();
}

}  // namespace

Result<std::vector<std::byte>> read_file(FileSystem& fs, const Path& path, std::uint64_t max_bytes) {
  NDB_TRY_ASSIGN(const auto file, fs.open_read(path));
  std::vector<std::byte> bytes;
  for (;;) {
    const std::size_t have = bytes.size();
    const std::size_t want = have == 0 ? 4096 : have;
    bytes.resize(have + want);
    NDB_TRY_ASSIGN(const auto got, file->read_at(have, std::span(bytes).subspan(have)));
    bytes.resize(have + got);
    if (bytes.size() > max_bytes)
      return fail(ErrorCode::corruption, path.string() + " is longer than " + std::to_string(max_bytes) + " bytes");
    if (got < want) return bytes;
  }
}

Status replace_file(FileSystem& fs, const Path& path, base::ByteSpan bytes) {
  const Path temporary = temporary_name(path);
  auto status = write_new_file(fs, temporary, bytes);
  base::crash_point("before-rename");
  if (status) status = fs.rename(temporary, path);
  if (!status) {
    static_cast<void>(fs.remove(temporary));
  }
  return status;
}

Status create_file_exclusively(FileSystem& fs, const Path& path, base::ByteSpan bytes) {
  const Path temporary = temporary_name(path);
  auto status = write_new_file(fs, temporary, bytes);
  base::crash_point("before-link");
  if (status) status = fs.link(temporary, path);
  base::crash_point("linked-twice");
  static_cast<void>(fs.remove(temporary));
  if (!status) return status;
  return fs.sync_directory(path.parent_path());
}

Status remove_tree(FileSystem& fs, const Path& path) {
  NDB_TRY_ASSIGN(const auto names, fs.list(path));
  for (const auto& name : names) {
    auto status = fs.remove(path / name);
    // A folder, unless it cannot be listed either: then the first error is the one that says why.
    if (!status && status.error().code != ErrorCode::not_found && fs.list(path / name)) status = remove_tree(fs, path / name);
    if (!status && status.error().code != ErrorCode::not_found) return status;
  }
  return fs.remove_directory(path);
}

}  // namespace ndb::fs
