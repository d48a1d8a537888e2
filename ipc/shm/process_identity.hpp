// Telling one process from another on this host, and whether it still lives: pid, start time (a recycled pid has another)
// and pid namespace (the same pid means another process there). Plain values; the functions may be called from any thread.
#pragma once

#include <cstdint>

namespace ndb::ipc {

struct ProcessIdentity {
  std::uint64_t pid = 0;
  std::uint64_t start_ticks = 0;    ///< clock ticks between boot and its start: field 22 of /proc/<pid>/stat; 0 unknown
  std::uint64_t pid_namespace = 0;  ///< inode of /proc/self/ns/pid; 0 unknown

  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

enum class Liveness {
  alive,
  dead,
  unknown,  ///< it lives in another pid namespace, so its pid means nothing here
};

/// The calling process (also right after a fork).
[[nodiscard]] ProcessIdentity this_process() noexcept;
/// What the kernel says. A zombie is dead; when in doubt (no /proc), a process whose pid exists is alive.
[[nodiscard]] Liveness liveness_of(const ProcessIdentity& process) noexcept;

}  // namespace ndb::ipc
