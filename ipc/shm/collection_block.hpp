// Where a collection folder's control block is and who may use it; writers and readers must agree. Threads: plain functions.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace ndb::ipc {

/// Permissions for the block of a collection: whoever may read the folder may use its block.
[[nodiscard]] mode_t control_block_permissions(const std::filesystem::path& collection_folder) noexcept;

}  // namespace ndb::ipc
