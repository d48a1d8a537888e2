// A value inside a FlexBuffers payload, read in place.
//
// Why not flexbuffers::Reference: payloads lie in mapped files at any alignment, and the verifier of FlatBuffers 2.0.8
// neither needs a key's terminator nor compares a map's sizes. Here every access is bounds-checked when it happens, so
// any bytes are safe without a pass over them first; what does not add up reads as Kind::invalid (or as absent).
// Threads: plain views; the bytes must outlive them.
// Source: https://flatbuffers.dev/flatbuffers_internals.html#flexbuffers. Only the types that encode() writes are known.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "shared/base/bytes.hpp"

namespace ndb::payload {

enum class Kind : std::uint8_t { invalid, null, boolean, int64, uint64, float64, string, array, object };

class Value {
 public:
  /// An invalid value.
  Value() = default;
  /// The value that fills `bytes`.
  [[nodiscard]] static Value root(base::ByteSpan bytes) noexcept {
    if (bytes.size() < 3) return {};
    const auto width = std::to_integer<std::uint8_t>(bytes.back());
    if (!is_width(width) || bytes.size() - 2U < width) return {};
    const auto packed = std::to_integer<std::uint8_t>(bytes[bytes.size() - 2]);
    return make(bytes, bytes.size() - 2 - width, width, packed);
  }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// For Kind::boolean, int64, uint64, float64.
  [[nodiscard]] bool as_bool() const noexcept { return bits_ != 0; }
  [[nodiscard]] std::int64_t as_int64() const noexcept { return static_cast<std::int64_t>(bits_); }
  [[nodiscard]] std::uint64_t as_uint64() const noexcept { return bits_; }
  [[nodiscard]] double as_double() const noexcept { return std::bit_cast<double>(bits_); }
  /// For Kind::string; may be any bytes if the payload was not made by encode().
  [[nodiscard]] std::string_view as_string() const noexcept { return base::as_text(bytes_.subspan(bits_, size_)); }
  /// Number of elements of an array or object.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Element i < size() of an array, or value i of an object.
  [[nodiscard]] Value at(std::size_t i) const noexcept {
    const auto packed = std::to_integer<std::uint8_t>(bytes_[bits_ + size_ * width_ + i]);
    return make(bytes_, bits_ + i * width_, width_, packed);
  }
  /// Whether the keys of an object are all there.
  [[nodiscard]] bool has_keys() const noexcept { return read_keys().width != 0; }
  /// Key i < size() of an object; without data() if it is damaged.
  [[nodiscard]] std::string_view key_at(std::size_t i) const noexcept {
    const Keys keys = read_keys();
    if (keys.width == 0) return {};
    const std::string_view rest = key_bytes(keys, i);
    const auto end = rest.find('\0');
    return end == std::string_view::npos ? std::string_view{} : rest.substr(0, end);
  }
  /// The member of an object with this name (which has no NUL inside), or an invalid value.
  [[nodiscard]] Value find(const char* name) const noexcept {
    const Keys keys = read_keys();
    if (keys.width == 0) return {};
    std::size_t low = 0;
    for (std::size_t high = size_; low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      const std::string_view key = key_bytes(keys, middle);
      const int order = key.empty() ? 1 : std::strncmp(name, key.data(), key.size());
      if (order == 0) return at(middle);
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return {};
  }

 private:
  enum Type : std::uint8_t { null_type = 0, int_type = 1, uint_type = 2, float_type = 3, string_type = 5, map_type = 9,
                             vector_type = 10, bool_type = 26 };
  struct Keys {
    std::size_t offset = 0;
    std::uint8_t width = 0;  ///< 0: damaged
  };

  [[nodiscard]] static bool is_width(std::uint64_t width) noexcept {
    return width == 1 || width == 2 || width == 4 || width == 8;
  }
  [[nodiscard]] static std::uint64_t read_uint(const std::byte* from, std::uint8_t width) noexcept {
    switch (width) {
      case 1: return base::load<std::uint8_t>(from);
      case 2: return base::load<std::uint16_t>(from);
      case 4: return base::load<std::uint32_t>(from);
      default: return base::load<std::uint64_t>(from);
    }
  }
  [[nodiscard]] static std::int64_t read_int(const std::byte* from, std::uint8_t width) noexcept {
    switch (width) {
      case 1: return base::load<std::int8_t>(from);
      case 2: return base::load<std::int16_t>(from);
      case 4: return base::load<std::int32_t>(from);
      default: return base::load<std::int64_t>(from);
    }
  }

  /// The value whose `width` bytes at `offset` (in range) have the type `packed`.
  [[nodiscard]] static Value make(base::ByteSpan bytes, std::size_t offset, std::uint8_t width,
                                  std::uint8_t packed) noexcept {
    const std::byte* from = bytes.data() + offset;
    switch (packed >> 2U) {
      case null_type: return Value(Kind::null, 0);
      case bool_type: return Value(Kind::boolean, read_uint(from, width));
      case int_type: return Value(Kind::int64, static_cast<std::uint64_t>(read_int(from, width)));
      case uint_type: return Value(Kind::uint64, read_uint(from, width));
      case float_type:
        if (width == 4) return Value(Kind::float64, std::bit_cast<std::uint64_t>(double{base::load<float>(from)}));
        if (width == 8) return Value(Kind::float64, base::load<std::uint64_t>(from));
        return {};
      case string_type: return sized(Kind::string, bytes, offset, width, packed);
      case vector_type: return sized(Kind::array, bytes, offset, width, packed);
      case map_type: return sized(Kind::object, bytes, offset, width, packed);
      default: return {};
    }
  }

  /// What the offset at `offset` points back to: a size of (1 << low bits of packed) bytes, then the elements.
  [[nodiscard]] static Value sized(Kind kind, base::ByteSpan bytes, std::size_t offset, std::uint8_t width,
                                   std::uint8_t packed) noexcept {
    const std::uint64_t back = read_uint(bytes.data() + offset, width);
    const auto own_width = static_cast<std::uint8_t>(1U << (packed & 3U));
    const std::size_t prefix = own_width * (kind == Kind::object ? 3U : 1U);
    if (back > offset || offset - back < prefix) return {};
    const std::size_t start = offset - back;
    const std::uint64_t size = read_uint(bytes.data() + start - own_width, own_width);
    const std::uint64_t element = kind == Kind::string ? 1 : own_width + 1U;  // its bytes and its type
    if (size > (bytes.size() - start) / element) return {};
    Value value(kind, start);
    value.bytes_ = bytes;
    value.size_ = size;
    value.width_ = own_width;
    return value;
  }

  /// Where an object's sorted keys are; as many as it has values, or damaged.
  [[nodiscard]] Keys read_keys() const noexcept {
    if (kind_ != Kind::object) return {};
    const std::size_t field = bits_ - 3U * width_;
    const std::uint64_t back = read_uint(bytes_.data() + field, width_);
    const std::uint64_t width = read_uint(bytes_.data() + field + width_, width_);
    if (!is_width(width) || back > field || field - back < width) return {};
    const Keys keys{field - back, static_cast<std::uint8_t>(width)};
    const std::uint64_t count = read_uint(bytes_.data() + keys.offset - keys.width, keys.width);
    if (count != size_ || count > (bytes_.size() - keys.offset) / keys.width) return {};
    return keys;
  }
  /// From the first byte of key i to the end of the payload; empty if its offset is damaged.
  [[nodiscard]] std::string_view key_bytes(const Keys& keys, std::size_t i) const noexcept {
    const std::size_t slot = keys.offset + i * keys.width;
    const std::uint64_t back = read_uint(bytes_.data() + slot, keys.width);
    if (back > slot) return {};
    return base::as_text(bytes_.subspan(slot - back));
  }

  Value(Kind kind, std::uint64_t bits) noexcept : bits_(bits), kind_(kind) {}

  base::ByteSpan bytes_;
  std::uint64_t bits_ = 0;  ///< the scalar, or the offset of the first element
  std::size_t size_ = 0;
  Kind kind_ = Kind::invalid;
  std::uint8_t width_ = 0;  ///< bytes of an element
};

}  // namespace ndb::payload
