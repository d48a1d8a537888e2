// A zero-filled array of numbers, 64-byte aligned and padded to a multiple of 64 bytes, as the SIMD kernels like it. Large ones ask
// for huge pages: what walks read at random then misses the TLB far less, and is paged in two megabytes at a time.
//
// Threads: like std::vector.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "shared/base/bytes.hpp"

namespace ndb::index {

template <class T>
  requires std::is_trivially_copyable_v<T>
class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size) : size_(size) {
    const std::size_t bytes = static_cast<std::size_t>(base::round_up(size * sizeof(T) + 1, kAlignment));
    const std::size_t alignment = bytes >= kHugeFrom ? kHugePage : kAlignment;
    data_ = {static_cast<T*>(::operator new(bytes, std::align_val_t{alignment})), Free{alignment}};
    if (alignment == kHugePage) static_cast<void>(::madvise(data_.get(), bytes, MADV_HUGEPAGE));  // a wish
    std::memset(static_cast<void*>(data_.get()), 0, bytes);
  }

  [[nodiscard]] T* data() noexcept { return data_.get(); }
  [[nodiscard]] const T* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return data_.get()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return data_.get()[i]; }
  [[nodiscard]] std::span<T> span() noexcept { return {data(), size_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {data(), size_}; }

 private:
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  static constexpr std::size_t kHugeFrom = 4 * kHugePage;

  struct Free {
    std::size_t alignment = kAlignment;
    void operator()(T* from) const noexcept { ::operator delete(static_cast<void*>(from), std::align_val_t{alignment}); }
  };

  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace ndb::index
