// The log of one version, as it is at one moment: what a backup holds beside the segments. Threads: a plain function.
#pragma once

#include <vector>

#include "shared/format/manifest.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::cli {

struct WalCopy {
  format::ManifestWal entry;
  std::vector<std::byte> bytes;  ///< the header and whole batches
};

struct LogCopy {
  std::vector<WalCopy> files;  ///< in order
  Seq seq;                     ///< the last operation inside
};

/// Every batch that was acknowledged before the call, if `manifest` was read after it began; nothing is torn and nothing is missing in
/// between. not_found: a file is gone, so there is a newer manifest. unavailable: files were seen at moments that do not fit together (a
/// network volume may show old lengths); try again.
[[nodiscard]] Result<LogCopy> copy_log(fs::FileSystem& fs, const fs::Path& collection, const format::Manifest& manifest);

}  // namespace ndb::cli
