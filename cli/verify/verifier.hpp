// Checks every byte of a collection's newest version: pointer files, manifest, segments with their graphs, delete sets and
// payloads, and the log; and the segments of old versions, if it keeps them to be searched. Changes nothing and takes no lock, so it may run beside a writer; a file that the writer drops
// meanwhile makes it start again from the newest manifest.
//
// Threads: a plain function.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "shared/fs/file_system.hpp"

namespace ndb::cli {

struct VerifyReport {
  std::string name;
  std::uint64_t manifest_version = 0;
  std::uint64_t segments = 0, rows = 0, graphs = 0;
  std::uint64_t old_versions = 0;     ///< whose segments were read, too
  std::uint64_t seq = 0;              ///< of the last whole operation
  std::uint64_t wal_files = 0, wal_batches = 0;
  std::uint64_t bytes = 0;            ///< that were read
  std::vector<std::string> problems;  ///< damage, each with its file
  std::vector<std::string> notes;     ///< what is odd but loses nothing that was promised
};

/// progress: called with bytes that were checked, and those there are.
[[nodiscard]] VerifyReport verify_collection(fs::FileSystem& fs, const fs::Path& collection,
                                             const std::function<void(std::uint64_t, std::uint64_t)>& progress = {});
/// The names of the collections in a folder: its subfolders that hold a manifest folder.
[[nodiscard]] Result<std::vector<std::string>> find_collections(fs::FileSystem& fs, const fs::Path& folder);

}  // namespace ndb::cli
