// What the writer knows of readers: those on this host by the control block in shared memory, through which it also tells them
// what is new; others by what they report over HTTP. Everything here is a hint; without shared memory and reports it does
// nothing. Threads: any.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "ipc/shm/control_block.hpp"
#include "ndb/stats.hpp"
#include "shared/base/clock.hpp"
#include "shared/format/file_names.hpp"

namespace ndb::writer {

/// What a reader says about itself. host and pid name it.
struct ReaderReport {
  std::string host;
  std::uint64_t pid = 0;
  ManifestVersion pinned_version;  ///< its files are in use there
  Seq seq;                         ///< applied there
};

class Readers {
 public:
  /// A reader that has not reported for so long is forgotten, and what it pinned may be collected once the grace time is over.
  static constexpr std::chrono::seconds kForgetAfter{30};
  static constexpr std::size_t kMaxReports = 1'024;

  /// enabled: false never touches shared memory.
  Readers(std::filesystem::path collection, bool enabled, const base::Clock& clock = base::system_clock());

  void committed(Seq seq, format::WalName wal, std::uint64_t wal_bytes);
  void published(ManifestVersion version);
  /// Call every few seconds: heartbeat, and a new block if somebody deleted ours.
  void tick();
  /// Notes a report. overloaded if kMaxReports others are known.
  [[nodiscard]] Status reported(const ReaderReport& report);
  /// What this process itself reads of older versions.
  void pin_here(std::optional<ManifestVersion> oldest);
  [[nodiscard]] std::optional<ManifestVersion> min_pinned_version();
  /// A reader that is known in both ways is there once.
  [[nodiscard]] std::vector<ReplicaStats> list(Seq newest);

 private:
  struct Heard {
    ReaderReport report;
    std::chrono::steady_clock::time_point at;
  };

  void open();
  void forget_silent();

  const std::filesystem::path collection_;
  const bool enabled_;
  const base::Clock& clock_;
  std::mutex mutex_;  // guards the rest: the block is replaced when it went stale
  std::optional<ipc::ControlBlock> block_;
  std::vector<Heard> reports_;
  ManifestVersion newest_{};
  std::optional<ManifestVersion> pinned_here_;
};

}  // namespace ndb::writer
