// A file put into another folder without copying its bytes where the file system can do that. For files that never change once they are
// whole. Threads: plain functions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "ndb/error.hpp"

namespace ndb::cli {

enum class Placed : std::uint8_t { shared, linked, copied };  ///< reflink: blocks shared until one side changes; hard link; bytes copied

struct PlaceOptions {
  bool may_share = true;  ///< reflinks
  bool may_link = true;   ///< hard links
};

/// Makes `to`, which must not exist, the same as `from`; what was copied is synced, its folder is not. `from` must be a
/// plain file, and no link to one. copied: called with bytes as they go.
[[nodiscard]] Result<Placed> place_file(const std::filesystem::path& from, const std::filesystem::path& to, const PlaceOptions& options,
                                        const std::function<void(std::uint64_t)>& copied);

}  // namespace ndb::cli
