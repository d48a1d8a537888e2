// A bump allocator: memory stays where it is until the arena dies. Threads: one thread allocates; what was allocated and
// published may be read by any.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "shared/base/bytes.hpp"

namespace ndb::memtable {

class Arena {
 public:
  /// A copy of the bytes, aligned to 8.
  [[nodiscard]] base::ByteSpan copy(base::ByteSpan bytes) {
    const std::size_t wanted = base::round_up(bytes.size(), 8);
    if (wanted > left_) refill(wanted);
    std::byte* to = next_;
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    next_ += wanted;
    left_ -= wanted;
    used_ += wanted;
    return {to, bytes.size()};
  }
  /// Taken from the system.
  [[nodiscard]] std::size_t bytes() const noexcept { return total_; }
  /// Of that, what copies fill.
  [[nodiscard]] std::size_t used_bytes() const noexcept { return used_; }

 private:
  static constexpr std::size_t kBlockBytes = 256U << 10;

  void refill(std::size_t wanted) {
    const std::size_t bytes = wanted > kBlockBytes ? wanted : kBlockBytes;
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    next_ = blocks_.back().get();
    left_ = bytes;
    total_ += bytes;
  }

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t total_ = 0;
  std::size_t used_ = 0;
};

}  // namespace ndb::memtable
