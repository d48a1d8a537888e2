// The seam between nDB and the operating system's files: everything that reads or writes the data folder goes through
// it, so that tests can fail, drop or delay any call. Errors carry the path.
//
// Threads: a FileSystem may be used from any thread. A File may be read from any thread; one thread at a time writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"

namespace ndb::fs {

using Path = std::filesystem::path;

class File {
 public:
  virtual ~File() = default;
  /// Reads up to into.size() bytes from `offset`; fewer only at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) = 0;
  /// Writes all bytes at the end, or fails (and then an unknown prefix may be there).
  [[nodiscard]] virtual Status append(base::ByteSpan bytes) = 0;
  /// Overwrites bytes of a file that nobody else can see yet; or writes bytes again that are there already, so that a sync really
  /// writes them (a file that was opened to read is opened anew for that, by one thread while nobody else uses this object).
  [[nodiscard]] virtual Status write_at(std::uint64_t offset, base::ByteSpan bytes) = 0;
  /// fdatasync: what was written survives a power loss. A failure is final: do not retry.
  [[nodiscard]] virtual Status sync() = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
};

/// A whole file in memory, read-only, until destruction.
class Mapping {
 public:
  virtual ~Mapping() = default;
  [[nodiscard]] base::ByteSpan bytes() const noexcept { return bytes_; }
  /// Offset from which on the file could not be read any more, if that happened: it was truncated, or its volume failed. Reading there
  /// gives zeros; ask before using anything that was read for an answer.
  [[nodiscard]] virtual std::optional<std::size_t> lost() const noexcept = 0;
  /// Says that it is read at random: nothing is to be read ahead of it where memory is short (mapped_memory.hpp).
  virtual void read_at_random() {}
  /// Starts reading a part of bytes() ahead of its use, where nothing else does.
  virtual void will_need(base::ByteSpan) const noexcept {}

 protected:
  base::ByteSpan bytes_;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open_read(const Path& path) = 0;
  /// Creates the file; already_exists if there is one.
  [[nodiscard]] virtual Result<std::unique_ptr<File>> create_exclusive(const Path& path) = 0;
  /// Maps the file at an address aligned for huge pages if it is large.
  [[nodiscard]] virtual Result<std::unique_ptr<Mapping>> map(const Path& path) = 0;
  /// Replaces `to`.
  [[nodiscard]] virtual Status rename(const Path& from, const Path& to) = 0;
  /// A second name for a file; already_exists if the name is taken. Atomic also across hosts.
  [[nodiscard]] virtual Status link(const Path& from, const Path& to) = 0;
  [[nodiscard]] virtual Status remove(const Path& path) = 0;
  [[nodiscard]] virtual Status remove_directory(const Path& path) = 0;
  /// already_exists if there is one.
  [[nodiscard]] virtual Status make_directory(const Path& path) = 0;
  /// Makes creations, renames and removals in the directory survive a power loss.
  [[nodiscard]] virtual Status sync_directory(const Path& path) = 0;
  /// Names in the directory, in order, without "." and "..".
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const Path& path) = 0;
  /// Whether something is there. Never used to discover files that a protocol will create: see architecture notes on
  /// negative caching.
  [[nodiscard]] virtual Result<bool> exists(const Path& path) = 0;
  /// How many bytes may still be written to the volume that holds a path, as far as the volume tells: where there are quotas it may be fewer.
  [[nodiscard]] virtual std::optional<std::uint64_t> free_bytes(const Path&) { return std::nullopt; }
};

/// The real one; lives for ever.
[[nodiscard]] FileSystem& posix_file_system() noexcept;

/// Opens afresh and reads the whole file; io_error if it is longer than max_bytes.
[[nodiscard]] Result<std::vector<std::byte>> read_file(FileSystem& fs, const Path& path, std::uint64_t max_bytes);
/// Writes <path>.tmp-<unique>, syncs it, renames it over `path`. After a power loss `path` is the old file or the new one, whole;
/// the new one for sure only after sync_directory.
[[nodiscard]] Status replace_file(FileSystem& fs, const Path& path, base::ByteSpan bytes);
/// Creates `path` with this content, all or nothing and never over another: a synced temporary, link(2), sync_directory.
/// already_exists if the name is taken.
[[nodiscard]] Status create_file_exclusively(FileSystem& fs, const Path& path, base::ByteSpan bytes);
/// Removes a directory with everything in it.
[[nodiscard]] Status remove_tree(FileSystem& fs, const Path& path);

}  // namespace ndb::fs
