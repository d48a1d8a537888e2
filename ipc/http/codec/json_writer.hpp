// An append-only JSON writer: commas and escapes are its business, nesting the caller's. Output is always valid UTF-8:
// bytes of strings that are not become U+FFFD. Threads: one writer, one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ndb::http {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& string(std::string_view text);
  JsonWriter& number(std::uint64_t value);
  JsonWriter& number(std::int64_t value);
  JsonWriter& number(std::uint32_t value) { return number(std::uint64_t{value}); }
  /// Shortest text that reads back as the same value; NaN and infinities, which JSON lacks, become null.
  JsonWriter& number(float value);
  JsonWriter& number(double value);
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json);
  JsonWriter& floats(std::span<const float> values);

  template <class T>
  JsonWriter& field(std::string_view name, const T& value) {
    key(name);
    if constexpr (std::is_same_v<T, bool>)
      return boolean(value);
    else if constexpr (std::is_arithmetic_v<T>)
      return number(value);
    else
      return string(value);
  }

  void reserve(std::size_t bytes) { text_.reserve(bytes); }
  [[nodiscard]] const std::string& text() const& noexcept { return text_; }
  [[nodiscard]] std::string text() && noexcept { return std::move(text_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();
  void append_escaped(std::string_view text);

  std::string text_;
  bool comma_ = false;  ///< a value stands before, at this level
};

}  // namespace ndb::http
