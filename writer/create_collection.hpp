// A collection's birth and death on disk. Threads: functions without state.
#pragma once

#include <string_view>

#include "ndb/collection_config.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::writer {

/// Creates <data>/<name>/ with its first manifest, all or nothing: it is prepared under another name and renamed.
/// already_exists if the name is taken. name and config are valid.
[[nodiscard]] Status create_collection(fs::FileSystem& fs, const fs::Path& data, std::string_view name,
                                       const CollectionConfig& config);
/// Takes the collection away in one step and then deletes its files. The caller holds its write lock.
[[nodiscard]] Status drop_collection(fs::FileSystem& fs, const fs::Path& data, std::string_view name);
/// Deletes what processes that were killed in one of the two left behind: what was being dropped, and what was being created for
/// longer than any creation takes. What cannot be deleted stays for the next time. Needs no lock.
void sweep_leftovers(fs::FileSystem& fs, const fs::Path& data);

}  // namespace ndb::writer
