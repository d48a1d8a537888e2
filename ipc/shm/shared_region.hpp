// The shared-memory object behind a control block, mapped into this process. Private to ipc/shm.
// Threads: any; the block's words have their own synchronization.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/shm/layout.hpp"
#include "ndb/error.hpp"

namespace ndb::ipc {

class SharedRegion {
 public:
  enum class Role { writer, reader };
  /// See ControlBlock::open_for_writer and open_for_reader.
  [[nodiscard]] static Result<std::shared_ptr<SharedRegion>> open(Role role, std::string_view key, mode_t permissions);
  static void remove(std::string_view key) noexcept;

  ~SharedRegion();
  SharedRegion(const SharedRegion&) = delete;
  SharedRegion& operator=(const SharedRegion&) = delete;

  [[nodiscard]] layout::Block& block() const noexcept { return *block_; }
  /// Slots that can be in use, [0, kSlots].
  [[nodiscard]] std::size_t slots_used() const noexcept;
  /// Whether the object has lost its name, or was cut off.
  [[nodiscard]] bool unlinked() const noexcept;

  struct Mapped;

 private:
  explicit SharedRegion(std::unique_ptr<Mapped> mapped) noexcept;

  std::unique_ptr<Mapped> mapped_;
  layout::Block* block_;
};

}  // namespace ndb::ipc
