// Keeps the process alive when mapped memory cannot be read any more: a file that was truncated by somebody else, a volume that
// went away, a failing disk. The kernel then sends SIGBUS; for addresses inside a guarded range the handler puts zeros there,
// marks the range and lets the thread go on. Whoever reads a guarded range asks lost() before using what was read for an answer.
// Why so, and what lost: docs/adr/0008-a-lost-mapping-is-an-error-not-the-end.md.
//
// The handler is installed with the first guard and stays; faults elsewhere go to the handler that was there before.
//
// Threads: any. Guards come and go while other threads fault: the handler takes no lock and allocates nothing.
// Invariants: a range stays mapped while its guard lives. lost() is set before the first zero can be read.
#pragma once

#include <cstddef>
#include <optional>

namespace ndb::fs {

class MappingGuard {
 public:
  enum class Access { read_only, read_write };

  /// Guards the mapped bytes [begin, begin + bytes); begin lies on a page boundary, bytes ≥ 1.
  MappingGuard(void* begin, std::size_t bytes, Access access);
  /// Before the range is unmapped.
  ~MappingGuard();
  MappingGuard(const MappingGuard&) = delete;
  MappingGuard& operator=(const MappingGuard&) = delete;

  /// Offset of the first page that was replaced by zeros, if any was. Touches the last page first: a file that was cut off anywhere
  /// before it is noticed even if what was read lay in a part of a page that the kernel had already filled with zeros.
  [[nodiscard]] std::optional<std::size_t> lost() const noexcept;

  struct Slot;

 private:
  const volatile unsigned char* last_byte_;
  Slot* slot_;
};

}  // namespace ndb::fs
