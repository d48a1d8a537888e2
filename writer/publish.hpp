// The commit point of everything that happens to files: creating manifest/<version>.manifest. Threads: functions without state.
#pragma once

#include "shared/format/manifest.hpp"

namespace ndb::writer {

/// Publishes `manifest` (all files that it names are synced): exclusive create, then CURRENT. An ambiguous failure is resolved by
/// reading back. already_exists: another manifest of that version is there. fenced: the epoch moved, or versions up to this
/// one were collected already.
[[nodiscard]] Status publish_manifest(fs::FileSystem& fs, const fs::Path& collection, const format::Manifest& manifest);

/// The newest published manifest, as far as this host sees: the last of the list, or what CURRENT says if that is
/// newer. CURRENT may be behind after a crash, and the next
/// version must not be asked for by name: over NFS no process of this host would then see it for half a minute.
[[nodiscard]] Result<format::Manifest> newest_manifest(fs::FileSystem& fs, const fs::Path& collection);

}  // namespace ndb::writer
