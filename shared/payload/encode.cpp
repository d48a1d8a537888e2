#include <flatbuffers/flexbuffers.h>
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "shared/base/result.hpp"
#include "shared/payload/json_document.hpp"
#include "shared/payload/payload.hpp"

namespace ndb::payload {
namespace {

namespace dom = simdjson::dom;

/// Copies a parsed value into a builder. Recursion is bounded: the parser has checked the depth.
class Encoder {
 public:
  explicit Encoder(flexbuffers::Builder& builder) : builder_(builder) {}

  /// False if a key has a NUL inside (FlexBuffers ends keys with one).
  [[nodiscard]] bool add(const dom::element& element) {
    switch (element.type()) {
      case dom::element_type::OBJECT: return add_object(element.get_object().value_unsafe());
      case dom::element_type::ARRAY: return add_array(element.get_array().value_unsafe());
      case dom::element_type::INT64: builder_.Int(element.get_int64().value_unsafe()); return true;
      case dom::element_type::UINT64: builder_.UInt(element.get_uint64().value_unsafe()); return true;
      case dom::element_type::DOUBLE: builder_.Double(element.get_double().value_unsafe()); return true;
      case dom::element_type::BOOL: builder_.Bool(element.get_bool().value_unsafe()); return true;
      case dom::element_type::NULL_VALUE: builder_.Null(); return true;
      case dom::element_type::STRING: break;
    }
    const std::string_view text = element.get_string().value_unsafe();
    builder_.String(text.data(), text.size());
    return true;
  }

 private:
  struct Member {
    std::string_view key;
    std::size_t place = 0;  // within the object, as it was written
    dom::element value;

    friend bool operator<(const Member& left, const Member& right) {
      return std::tie(left.key, left.place) < std::tie(right.key, right.place);
    }
  };

  bool add_object(const dom::object& object) {
    std::vector<Member> members;
    members.reserve(object.size());
    for (const auto member : object) {
      if (member.key.find('\0') != std::string_view::npos) return false;
      members.push_back({member.key, members.size(), member.value});
    }
    std::sort(members.begin(), members.end());
    const auto start = builder_.StartMap();
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i + 1 < members.size() && members[i].key == members[i + 1].key) continue;  // the last of equal keys wins
      builder_.Key(members[i].key.data(), members[i].key.size());
      if (!add(members[i].value)) return false;
    }
    builder_.EndMap(start);
    return true;
  }

  bool add_array(const dom::array& array) {
    const auto start = builder_.StartVector();
    for (const auto element : array)
      if (!add(element)) return false;
    builder_.EndVector(start, false, false);
    return true;
  }

  flexbuffers::Builder& builder_;
};

std::unexpected<Error> refuse(std::string_view field, std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("{} {}", field, why), std::string(field));
}

}  // namespace

Result<std::vector<std::byte>> encode(std::string_view json, std::string_view field) {
  if (json.empty()) return std::vector<std::byte>{};
  if (json.size() > Limits::kMaxPayloadBytes)
    return refuse(field, fmt::format("has {} bytes; the limit is {}", json.size(), Limits::kMaxPayloadBytes));
  NDB_TRY_ASSIGN(const auto document, JsonDocument::parse(json, kMaxDepth, field));
  if (!document.root().is_object()) return refuse(field, "must be a JSON object");
  flexbuffers::Builder builder(std::max<std::size_t>(64, json.size()), flexbuffers::BUILDER_FLAG_SHARE_KEYS);
  if (!Encoder(builder).add(document.root())) return refuse(field, "has a key with a NUL character inside");
  builder.Finish();
  const auto* from = reinterpret_cast<const std::byte*>(builder.GetBuffer().data());
  return std::vector<std::byte>(from, from + builder.GetSize());
}

}  // namespace ndb::payload
