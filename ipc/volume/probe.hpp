// Tries on a folder what nDB's protocol needs of a file system: exclusive creation and second names that exclude two processes, renames that
// others see whole, appends that others see, files that can be mapped, syncs, and locks that the kernel frees.
//
// It tells what one host can see: two processes of it. What another host sees late is known from the kind of file system
// (volume_type.hpp) or not at all. Everything happens in a hidden folder of its own, which is removed at the end.
// Threads: call it while the process has one thread only (it forks). Takes some milliseconds on a local disk.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ipc/volume/volume_type.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::ipc {

enum class Verdict {
  ok,
  warning,    ///< nDB works, but see the detail
  unchecked,  ///< it could not be tried: the volume is full, or may not be written to
  refused,    ///< nDB cannot work there
};

struct Finding {
  std::string check;  ///< "exclusive creation"
  Verdict verdict = Verdict::ok;
  std::string detail;
};

struct ProbeReport {
  fs::Path folder;
  Mount mount;
  std::vector<Finding> findings;  ///< in the order in which they were tried; the first that is refused or unchecked ends the trial

  /// The worst of all.
  [[nodiscard]] Verdict verdict() const noexcept;
  /// "ext4 on /data (/dev/sda1)"
  [[nodiscard]] std::string volume() const;
  /// Names folder, volume and what failed; only if something is refused.
  [[nodiscard]] std::string refusal() const;
};

/// A test of the lock at offset 0 of an open file: `take` or free it, without waiting; 0 or errno.
using LockCall = std::function<int(int descriptor, bool take)>;
/// F_OFD_SETLK.
[[nodiscard]] int ofd_lock(int descriptor, bool take);

/// `folder` must exist. Nothing is an error: what fails is a finding.
[[nodiscard]] ProbeReport probe_volume(fs::FileSystem& fs, const fs::Path& folder, const LockCall& lock = ofd_lock);

}  // namespace ndb::ipc
