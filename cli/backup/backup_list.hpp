// The file BACKUP in a backup: what it holds, written last, so that a folder without it is no backup. Format: docs/formats.md, "Backup".
// Threads: plain functions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ndb/error.hpp"

namespace ndb::cli {

struct BackupFile {
  std::string path;            ///< under the collection's folder
  std::uint64_t bytes = 0;
  std::uint32_t checksum = 0;  ///< CRC32C of the whole file; 0 of files of segments, which have checksums inside
  bool checked = false;        ///< whether `checksum` counts
};

struct BackupCollection {
  std::string name;
  std::string uid;             ///< hexadecimal: names of files mean the same only under the same one
  std::uint64_t manifest_version = 0, seq = 0, rows = 0;
  std::vector<BackupFile> files;

  [[nodiscard]] std::uint64_t bytes() const noexcept;
};

struct BackupList {
  std::uint64_t created_unix_ms = 0;
  std::vector<BackupCollection> collections;
};

/// Whether the folder says that it is a backup.
[[nodiscard]] bool is_backup(const std::filesystem::path& folder);
/// not_found if there is none, corruption if it is damaged.
[[nodiscard]] Result<BackupList> read_backup_list(const std::filesystem::path& folder);
/// Durable when it returns; already_exists.
[[nodiscard]] Status write_backup_list(const std::filesystem::path& folder, const BackupList& list);
/// What is neither a file nor a folder, in a folder and all below: links, pipes, devices. A backup has none, and whoever put one there means
/// something by it: they are not followed or opened.
[[nodiscard]] std::vector<std::string> find_odd_files(const std::filesystem::path& folder);
/// What differs from the list: each file that is missing, of another length, or of another content. Segments are not read.
[[nodiscard]] std::vector<std::string> check_backup_files(const std::filesystem::path& folder, const BackupCollection& collection);

}  // namespace ndb::cli
