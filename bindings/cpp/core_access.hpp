// For the daemons: what is under the handles of a database that this process has open. Programs have no use for it.
// Threads: any.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "bindings/cpp/collection_core.hpp"

namespace ndb::embedded {

/// The core of a collection, opened if need be. unavailable if the folder is not open in that mode; otherwise as
/// Database::get_collection.
[[nodiscard]] Result<std::shared_ptr<CollectionCore>> core_of(const std::filesystem::path& folder, bool read_only,
                                                              std::string_view name);

}  // namespace ndb::embedded
