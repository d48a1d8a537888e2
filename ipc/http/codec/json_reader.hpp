// Internal to ipc/http: strict reading of JSON with simdjson's on-demand parser. Only .cpp files include it.
//
// Errors carry a path relative to the value that was read; callers put their own part in front on the way out, so that
// the good path builds no text. Threads: pure functions; small bodies use a parser per thread.
#pragma once

#include <simdjson.h>

#include <array>
#include <bitset>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/http/codec/json_position.hpp"
#include "ndb/error.hpp"
#include "shared/base/result.hpp"

namespace ndb::http::json {

namespace ondemand = simdjson::ondemand;

/// "documents[3]" + "vector[17]" and "vector" + "[17]".
[[nodiscard]] Error prefixed(Error error, std::string_view prefix);
[[nodiscard]] Error prefixed(Error error, std::size_t index);
/// The Error for what simdjson found, where `expected` ("a string") should have been.
[[nodiscard]] std::unexpected<Error> refused(simdjson::error_code error, std::string_view expected);
[[nodiscard]] std::unexpected<Error> missing(std::string_view field);

[[nodiscard]] Result<std::string> read_string(ondemand::value& value);
[[nodiscard]] Result<bool> read_bool(ondemand::value& value);
[[nodiscard]] Result<std::uint64_t> read_integer(ondemand::value& value, std::uint64_t minimum, std::uint64_t maximum);
/// A finite number.
[[nodiscard]] Result<double> read_number(ondemand::value& value);
/// Appends an array of numbers, each rounded once to the nearest float32; refuses what is larger than a float32 can be.
[[nodiscard]] Status read_floats(ondemand::value& value, std::size_t max_count, std::vector<float>& into);
/// The text of an object, unchecked inside but for brackets, or nothing for null.
[[nodiscard]] Result<std::optional<std::string_view>> read_raw_object(ondemand::value& value);

/// Calls visit(index into names, value) -> Status for every member; refuses members that are not named or come twice.
/// Answers which were there.
template <std::size_t N, class Visit>
[[nodiscard]] Result<std::bitset<N>> read_members(ondemand::object& object,
                                                  const std::array<std::string_view, N>& names, Visit visit) {
  std::bitset<N> seen;
  for (auto member : object) {
    std::string_view key;
    if (const auto error = member.unescaped_key().get(key)) return refused(error, "a field");
    std::size_t index = 0;
    while (index < N && names[index] != key) ++index;
    if (index == N) return fail(ErrorCode::invalid_argument, "unknown field", std::string(key));
    if (seen[index]) return fail(ErrorCode::invalid_argument, "given twice", std::string(key));
    seen[index] = true;
    ondemand::value value;
    if (const auto error = member.value().get(value)) return refused(error, "a value");
    if (Status status = visit(index, value); !status)
      return std::unexpected(prefixed(std::move(status).error(), names[index]));
  }
  return seen;
}

/// Calls visit(value) -> Status for every element of an array of at most max_count.
template <class Visit>
[[nodiscard]] Status read_elements(ondemand::value& value, std::size_t max_count, Visit visit) {
  ondemand::array array;
  if (const auto error = value.get_array().get(array)) return refused(error, "an array");
  std::size_t index = 0;
  for (auto element : array) {
    ondemand::value item;
    if (const auto error = element.get(item)) return refused(error, "a value");
    if (index == max_count) {
      return fail(ErrorCode::invalid_argument, "has more than " + std::to_string(max_count) + " elements");
    }
    if (Status status = visit(item); !status) return std::unexpected(prefixed(std::move(status).error(), index));
    ++index;
  }
  return {};
}

/// Opens a body that must be one object, calls read(object) -> Status, and refuses text after it. The body needs
/// Request::kBodyPadding bytes of readable memory behind it unless it is copied: `capacity` says how much there is in
/// all.
class BodyReader {
 public:
  [[nodiscard]] Result<ondemand::object> open(std::string_view body, std::size_t capacity);
  [[nodiscard]] Status finish();

 private:
  std::optional<ondemand::parser> own_parser_;
  std::string copy_;
  ondemand::document document_;
};

template <class Read>
[[nodiscard]] Status read_body(std::string_view body, std::size_t capacity, Read read) {
  BodyReader reader;
  auto object = reader.open(body, capacity);
  Status status = object ? read(*object) : Status(std::unexpected(std::move(object).error()));
  if (status) status = reader.finish();
  if (!status) return std::unexpected(with_position(std::move(status).error(), body));
  return {};
}

}  // namespace ndb::http::json
