// Writer epochs: a take-over claims the next epoch and publishes it in EPOCH; a writer that reads another epoch there than
// its own has been replaced and must acknowledge nothing more. Threads: functions without state.
#pragma once

#include <string>

#include "shared/format/pointer_files.hpp"

namespace ndb::writer {

/// Claims an epoch above every earlier one by exclusive create, and publishes it. `fenced` if another claimed a later one
/// at the same time. holder: "pid@host", for people.
[[nodiscard]] Result<Epoch> claim_epoch(fs::FileSystem& fs, const fs::Path& collection, const std::string& holder);
/// Re-opens EPOCH: `fenced` if it is not `mine` any more.
[[nodiscard]] Status check_epoch(fs::FileSystem& fs, const fs::Path& collection, Epoch mine);

}  // namespace ndb::writer
