#include <simdjson.h>

#include <cmath>

#include "shared/payload/json_text.hpp"
#include "shared/payload/payload.hpp"
#include "shared/payload/value.hpp"

namespace ndb::payload {
namespace {

// A text of kMaxPayloadBytes comes out at most a few times longer (an exponent or an escape may be spelt longer).
// Damaged bytes can point to one part many times over; this keeps them from filling the memory.
constexpr std::size_t kMaxTextBytes = 8ULL * Limits::kMaxPayloadBytes;

class Decoder {
 public:
  /// False if something does not add up.
  [[nodiscard]] bool append(const Value& value, std::size_t depth) {
    if (text_.size() > kMaxTextBytes) return false;
    switch (value.kind()) {
      case Kind::invalid: return false;
      case Kind::null: text_ += "null"; return true;
      case Kind::boolean: text_ += value.as_bool() ? "true" : "false"; return true;
      case Kind::int64: append_json_number(text_, value.as_int64()); return true;
      case Kind::uint64: append_json_number(text_, value.as_uint64()); return true;
      case Kind::float64: return append_double(value.as_double());
      case Kind::string: return append_string(value.as_string());
      case Kind::array: return append_array(value, depth);
      case Kind::object: return append_object(value, depth);
    }
    return false;
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  bool append_double(double number) {
    if (!std::isfinite(number)) return false;
    append_json_number(text_, number);
    return true;
  }
  bool append_string(std::string_view text) {
    if (!simdjson::validate_utf8(text.data(), text.size())) return false;
    append_json_string(text_, text);
    return true;
  }
  bool append_array(const Value& array, std::size_t depth) {
    if (depth > kMaxDepth) return false;
    text_ += '[';
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (i > 0) text_ += ',';
      if (!append(array.at(i), depth + 1)) return false;
    }
    text_ += ']';
    return true;
  }
  bool append_object(const Value& object, std::size_t depth) {
    if (depth > kMaxDepth || !object.has_keys()) return false;
    text_ += '{';
    for (std::size_t i = 0; i < object.size(); ++i) {
      if (i > 0) text_ += ',';
      const std::string_view key = object.key_at(i);
      if (key.data() == nullptr || !append_string(key)) return false;
      text_ += ':';
      if (!append(object.at(i), depth + 1)) return false;
    }
    text_ += '}';
    return true;
  }

  std::string text_;
};

}  // namespace

Result<std::string> decode(base::ByteSpan flexbuffers) {
  if (flexbuffers.empty()) return std::string{};
  const Value root = Value::root(flexbuffers);
  Decoder decoder;
  if (root.kind() == Kind::object && decoder.append(root, 1)) return decoder.take();
  return fail(ErrorCode::corruption, "a stored payload is damaged");
}

}  // namespace ndb::payload
