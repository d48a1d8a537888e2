// The WAL file that is being written. Threads: append and the byte counts belong to the holder of the commit lock; sync() may run
// beside them.
#pragma once

#include <memory>

#include "shared/format/wal.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::writer {

class WalFile {
 public:
  /// Creates the file with its header, synced; its folder is synced too.
  [[nodiscard]] static Result<std::shared_ptr<WalFile>> create(fs::FileSystem& fs, const fs::Path& collection,
                                                               format::WalName name, std::uint64_t collection_uid);

  [[nodiscard]] Status append(base::ByteSpan bytes);
  /// fdatasync; what was appended before the call is durable after it.
  [[nodiscard]] Status sync() { return file_->sync(); }

  [[nodiscard]] format::WalName name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// Durable bytes, as told by note_synced().
  [[nodiscard]] std::uint64_t synced_bytes() const noexcept { return synced_bytes_; }
  void note_synced(std::uint64_t bytes) noexcept { synced_bytes_ = std::max(synced_bytes_, bytes); }

 private:
  WalFile(std::unique_ptr<fs::File> file, format::WalName name) : file_(std::move(file)), name_(name) {}

  std::unique_ptr<fs::File> file_;
  format::WalName name_;
  std::uint64_t bytes_ = 0;
  std::uint64_t synced_bytes_ = 0;
};

}  // namespace ndb::writer
