// The write lock of a collection: whoever holds it is the one writer of this folder on every host whose file system
// shares locks. The kernel frees it when its holder dies, however it dies; nothing is ever left to clean up.
//
// It is an OFD lock (F_OFD_SETLK), not a POSIX record lock: closing another descriptor of the file does not drop it, and
// two acquires inside one process exclude each other like two processes do. A lock is advice: what keeps a stalled holder
// from harm is the epoch, not the lock.
//
// Threads: acquire() from any; an object belongs to one thread at a time.
// Forks: a child inherits nothing: its copy of the object is dead (held() is false) and the parent's lock dies with the
// parent, even if the child lives on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "ndb/error.hpp"

namespace ndb::ipc {

/// Who holds a lock, as it wrote down itself: good for messages, never for decisions.
struct LockHolder {
  std::uint64_t pid = 0;
  std::string host;
  std::string since;  ///< UTC, "2025-01-31T12:00:00Z"
};

class WriterLock {
 public:
  /// Locks `lock_file`, creating it if it is missing (its folder must exist), without waiting.
  /// collection_locked: another holds it; the message names its pid, host and start. read_only: the volume is mounted
  /// read-only. permission_denied: the file may not be written. not_found: no such folder. io_error: anything else, such
  /// as a file system that knows no locks.
  [[nodiscard]] static Result<WriterLock> acquire(const std::filesystem::path& lock_file);

  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&& other) noexcept;
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;
  /// Releases the lock.
  ~WriterLock();

  /// False after release(), after a move, and in a forked child.
  [[nodiscard]] bool held() const noexcept;
  /// Releases the lock early. Harmless when it is not held.
  void release() noexcept;

 private:
  WriterLock(int descriptor, std::uint64_t fork_generation) noexcept
      : descriptor_(descriptor), fork_generation_(fork_generation) {}

  int descriptor_ = -1;
  std::uint64_t fork_generation_ = 0;  // the process, as counted by forks, that acquired it
};

}  // namespace ndb::ipc
