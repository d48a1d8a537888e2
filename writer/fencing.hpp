// Writer epochs: a take-over claims the next epoch and publishes it in EPOCH; a writer that reads another epoch there than
// its own has been replaced and must acknowledge nothing more. Threads: functions without state.
#pragma once

#include <string>
#include <string_view>

#include "shared/format/pointer_files.hpp"

namespace ndb::writer {

/// Claims an epoch above every earlier one by exclusive create, and publishes it. `fenced` if another claimed a later one
/// at the same time. holder: "pid@host/boot id": the boot
/// id tells kernels apart, the rest is for people (a container that is started again has another host name, and the same kernel).
[[nodiscard]] Result<Epoch> claim_epoch(fs::FileSystem& fs, const fs::Path& collection, const std::string& holder);
/// Who claimed the epoch; empty if nobody did (epoch 0).
[[nodiscard]] Result<std::string> holder_of(fs::FileSystem& fs, const fs::Path& collection, Epoch epoch);
/// Whether both run under one kernel, so that each sees at once what the other does to files.
[[nodiscard]] bool same_kernel(std::string_view holder, std::string_view other) noexcept;
/// Re-opens EPOCH: `fenced` if it is not `mine` any more.
[[nodiscard]] Status check_epoch(fs::FileSystem& fs, const fs::Path& collection, Epoch mine);

}  // namespace ndb::writer
