// What kind of file system a folder is on, and what is known about such a kind before anything is tried (docs/file-systems.md).
//
// Threads: plain functions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/error.hpp"

namespace ndb::ipc {

/// A line of /proc/self/mountinfo, as far as it matters here.
struct Mount {
  std::string point;
  std::string type;     ///< "ext4", "nfs4", "fuse.mfs"
  std::string source;   ///< "server:/export", "/dev/sda1"
  std::string options;  ///< of the mount and of the file system, separated by commas
};

struct VolumeType {
  Mount mount;
  std::optional<std::string> refusal;  ///< why nDB cannot work there
  std::vector<std::string> warnings;   ///< what is slow or weak there
};

/// The mount that `folder` (absolute, without symlinks) lies on: the longest mount point that begins its path, of equals the last.
[[nodiscard]] std::optional<Mount> find_mount(std::string_view mountinfo, const std::filesystem::path& folder);
/// Linux's name for a magic number of statfs(2); "unknown (0x…)".
[[nodiscard]] std::string name_of_magic(std::uint64_t magic);
/// What is known of such a mount.
[[nodiscard]] VolumeType judge(Mount mount);
/// All of it, for a folder that exists. Reads /proc/self/mountinfo; asks statfs(2) where that does not help.
[[nodiscard]] Result<VolumeType> volume_type_of(const std::filesystem::path& folder);

}  // namespace ndb::ipc
