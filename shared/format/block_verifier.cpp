#include "shared/format/block_verifier.hpp"

#include "shared/base/check.hpp"
#include "shared/base/crc32c.hpp"

namespace ndb::format {
namespace {
constexpr std::size_t kNoDamage = ~std::size_t{0};
}

BlockVerifier::BlockVerifier(base::ByteSpan data, std::span<const std::uint32_t> checksums)
    : data_(data), checksums_(checksums), damaged_offset_(kNoDamage) {
  const std::size_t blocks = (data.size() + kBlockBytes - 1) / kBlockBytes;
  NDB_CHECK(checksums.size() == blocks);
  verified_ = std::make_unique<std::atomic<std::uint64_t>[]>((blocks + 63) / 64 + 1);
}

bool BlockVerifier::verify(std::size_t block) const noexcept {
  const std::size_t offset = block << kBlockShift;
  const auto bytes = data_.subspan(offset, std::min(kBlockBytes, data_.size() - offset));
  if (base::crc32c(bytes) != checksums_[block]) {
    std::size_t expected = kNoDamage;
    damaged_offset_.compare_exchange_strong(expected, offset, std::memory_order_relaxed);
    return false;
  }
  verified_[block >> 6].fetch_or(std::uint64_t{1} << (block & 63), std::memory_order_relaxed);
  return true;
}

std::optional<std::size_t> BlockVerifier::damage() const noexcept {
  const std::size_t offset = damaged_offset_.load(std::memory_order_relaxed);
  if (offset == kNoDamage) return std::nullopt;
  return offset;
}

}  // namespace ndb::format
