// The commit point of everything that happens to files: creating manifest/<version>.manifest. Threads: functions without state.
#pragma once

#include "shared/format/manifest.hpp"

namespace ndb::writer {

/// Publishes `manifest` (all files that it names are synced): exclusive create, then CURRENT. An ambiguous failure is resolved by
/// reading back. already_exists: another manifest of that version is there. fenced: the epoch moved, or versions up to this
/// one were collected already.
[[nodiscard]] Status publish_manifest(fs::FileSystem& fs, const fs::Path& collection, const format::Manifest& manifest);

/// The newest published manifest. CURRENT may be one or more behind after a crash, so later versions are looked for; only a
/// writer may do that (a reader that looks up a name too early on NFS does not see it for a long time).
[[nodiscard]] Result<format::Manifest> newest_manifest(fs::FileSystem& fs, const fs::Path& collection);

}  // namespace ndb::writer
