// Checks mapped bytes block by block, each at its first touch, so that opening a file reads none of its data and yet no
// damaged byte is ever returned. The caller goes on with whatever it read and asks `damage()` before it answers.
//
// Threads: ensure() from any number of threads; a block may be checked twice, never left unchecked.
// Invariant: a set bit in `verified_` means that the block's checksum was right in this process's mapping.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "shared/base/bytes.hpp"

namespace ndb::format {

class BlockVerifier {
 public:
  static constexpr std::size_t kBlockShift = 12;
  static constexpr std::size_t kBlockBytes = std::size_t{1} << kBlockShift;

  /// data: what is checked; checksums: one CRC32C a block (the last block may be short). Both outlive this.
  BlockVerifier(base::ByteSpan data, std::span<const std::uint32_t> checksums);

  /// Checks the blocks under data[offset, offset + length) that were not checked before. False if one is damaged.
  /// The range must lie inside the data.
  bool ensure(std::size_t offset, std::size_t length) const noexcept {
    if (length == 0) return true;
    const std::size_t last = (offset + length - 1) >> kBlockShift;
    for (std::size_t block = offset >> kBlockShift; block <= last; ++block) {
      if ((verified_[block >> 6].load(std::memory_order_relaxed) >> (block & 63) & 1U) == 0 && !verify(block))
        return false;  // relaxed: the bit says something about immutable bytes, it orders nothing
    }
    return true;
  }

  /// Offset of the first damaged block that was found, if any.
  [[nodiscard]] std::optional<std::size_t> damage() const noexcept;

 private:
  [[gnu::noinline]] bool verify(std::size_t block) const noexcept;

  base::ByteSpan data_;
  std::span<const std::uint32_t> checksums_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> verified_;
  mutable std::atomic<std::size_t> damaged_offset_;
};

}  // namespace ndb::format
