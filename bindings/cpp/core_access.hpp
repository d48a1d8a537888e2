// For the daemons: a database over another file system, and what is under the handles of one that this process has open. Programs have no use
// for it.
// Threads: any.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "bindings/cpp/collection_core.hpp"

namespace ndb::embedded {

/// As Database::open, but its files are opened through `fs`, which outlives the database. A folder that is open already stays as it was opened.
[[nodiscard]] Result<Database> open_database(fs::FileSystem& fs, const std::filesystem::path& folder, const DatabaseOptions& options);

/// The core of a collection, opened if need be. unavailable if the folder is not open in that mode; otherwise as
/// Database::get_collection.
[[nodiscard]] Result<std::shared_ptr<CollectionCore>> core_of(const std::filesystem::path& folder, bool read_only,
                                                              std::string_view name);

}  // namespace ndb::embedded
