// The writer's side of the control block in shared memory: tells readers on this host what is new, and learns what they pin.
// Everything here is a hint; without shared memory it does nothing. Threads: any.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "ipc/shm/control_block.hpp"
#include "ndb/stats.hpp"
#include "shared/format/file_names.hpp"

namespace ndb::writer {

class Readers {
 public:
  /// enabled: false never touches shared memory.
  Readers(std::filesystem::path collection, bool enabled);

  void committed(Seq seq, format::WalName wal, std::uint64_t wal_bytes);
  void published(ManifestVersion version);
  /// Call every few seconds: heartbeat, and a new block if somebody deleted ours.
  void tick();
  [[nodiscard]] std::optional<ManifestVersion> min_pinned_version();
  [[nodiscard]] std::vector<ReplicaStats> list(Seq newest);

 private:
  void open();

  const std::filesystem::path collection_;
  const bool enabled_;
  std::mutex mutex_;  // guards the rest: the block is replaced when it went stale
  std::optional<ipc::ControlBlock> block_;
  ManifestVersion newest_{};
};


}  // namespace ndb::writer
