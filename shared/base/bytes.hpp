// Little-endian integers in byte buffers, and a bounds-checked cursor for bytes that came from outside.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

static_assert(std::endian::native == std::endian::little, "nDB's files are little-endian and used in place");

namespace ndb::base {

using ByteSpan = std::span<const std::byte>;

template <class T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] T load(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
  requires std::is_trivially_copyable_v<T>
void store(std::byte* to, const T& value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

template <class T>
  requires std::is_trivially_copyable_v<T>
void append(std::vector<std::byte>& to, const T& value) {
  const auto* from = reinterpret_cast<const std::byte*>(&value);
  to.insert(to.end(), from, from + sizeof value);
}

inline void append_bytes(std::vector<std::byte>& to, ByteSpan bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

[[nodiscard]] inline ByteSpan as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteSpan bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
}

/// Reads forward through untrusted bytes; never past the end.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) noexcept : bytes_(bytes) {}

  template <class T>
  [[nodiscard]] std::optional<T> read() noexcept {
    if (remaining() < sizeof(T)) return std::nullopt;
    const T value = load<T>(bytes_.data() + offset_);
    offset_ += sizeof(T);
    return value;
  }
  [[nodiscard]] std::optional<ByteSpan> read_bytes(std::size_t length) noexcept {
    if (remaining() < length) return std::nullopt;
    const ByteSpan part = bytes_.subspan(offset_, length);
    offset_ += length;
    return part;
  }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - offset_; }
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

 private:
  ByteSpan bytes_;
  std::size_t offset_ = 0;
};

}  // namespace ndb::base
