// 1-bit codes of a memtable's full chunks, so that searches compare a thirtieth of the bytes. They are made by the searches that want them,
// a chunk at a time: loading costs nothing, and a memtable that nobody searches has none.
//
// Threads: any; one at a time makes codes, the others go on without.
// Invariants: codes of a chunk, once published, never change; the codec is that of the first chunk that was coded.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "shared/index/codes/bit_codec.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::memtable {

class ChunkCodes {
 public:
  static constexpr std::uint32_t kMinDim = 64;  // below, vectors are about as short as their codes

  /// [rows · BitCodec::stride_bytes(dim)], or null: not made yet, or its numbers do not fit.
  [[nodiscard]] const std::byte* rows(std::size_t chunk) const noexcept {
    const std::byte* codes = published_[chunk].load(std::memory_order_acquire);  // pairs with make()
    return codes == &kNone ? nullptr : codes;
  }
  /// Only once rows() of some chunk was not null.
  [[nodiscard]] const index::BitCodec& codec() const noexcept { return *codec_; }
  /// Codes a full chunk, unless that was tried before or another thread is coding; true if it took the time.
  bool make(std::size_t chunk, const index::VectorsView& vectors);

 private:
  static constexpr std::size_t kMaxChunks = 4096;
  static constexpr std::byte kNone{0};

  std::array<std::atomic<const std::byte*>, kMaxChunks> published_{};
  std::mutex mutex_;
  // written under mutex_ before the first chunk is published
  std::unique_ptr<const index::BitCodec> codec_;
  std::vector<index::AlignedBuffer<std::byte>> owned_;  // guarded by mutex_
};

}  // namespace ndb::memtable
