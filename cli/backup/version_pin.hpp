// Keeps the writer of this host from deleting what a version names, for as long as it lives. Where shared memory does not reach, the
// grace time is all there is.
//
// Threads: made and destroyed by one thread; a thread of its own says now and then that this process lives.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "ipc/shm/control_block.hpp"

namespace ndb::cli {

class VersionPin {
 public:
  explicit VersionPin(const std::filesystem::path& collection);
  VersionPin(const VersionPin&) = delete;
  VersionPin& operator=(const VersionPin&) = delete;

  /// Call it, then look whether the version is still there.
  void pin(ManifestVersion version);

 private:
  std::optional<ipc::ControlBlock> block_;
  std::optional<ipc::ReaderSlot> slot_;
  std::mutex mutex_;
  std::condition_variable_any never_;
  std::jthread beating_;  // last, so that it ends first
};

}  // namespace ndb::cli
