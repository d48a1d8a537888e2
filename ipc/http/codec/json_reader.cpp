#include "ipc/http/codec/json_reader.hpp"

#include <bit>
#include <cfloat>
#include <charconv>

namespace ndb::http::json {
namespace {

// Larger bodies get a parser of their own, so that threads do not keep its memory.
constexpr std::size_t kSharedParserBytes = 256U << 10;
// What rounds to infinity: FLT_MAX plus half a unit in its last place.
constexpr double kFloatOverflow = 0x1.ffffffp127;

// Text -> double -> float rounds twice, which differs from rounding once only where the double lies exactly in the
// middle of two floats (the 29 bits that a float lacks are 100…0) or where floats get sparser (below FLT_MIN).
bool needs_single_rounding(double value) {
  constexpr std::uint64_t kDropped = (1ULL << 29) - 1;
  return (std::bit_cast<std::uint64_t>(value) & kDropped) == (1ULL << 28) || (value != 0 && std::abs(value) < FLT_MIN);
}

float to_float(double value, std::string_view token) {
  if (needs_single_rounding(value)) [[unlikely]] {
    float exact = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), exact);
    if (error == std::errc{}) return exact;
  }
  if (std::abs(value) > static_cast<double>(FLT_MAX))
    return std::copysign(FLT_MAX, static_cast<float>(std::copysign(1.0, value)));
  return static_cast<float>(value);
}

std::string excerpt(std::string_view token) {
  constexpr std::size_t kMaxExcerpt = 40;
  while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') token.remove_suffix(1);
  return std::string(token.substr(0, kMaxExcerpt)).append(token.size() > kMaxExcerpt ? "…" : "");
}

std::unexpected<Error> refused_float(simdjson::error_code error, std::string_view token) {
  if (error == simdjson::INCORRECT_TYPE) return refused(error, "a number");
  return fail(ErrorCode::invalid_argument, excerpt(token).append(" is not a finite float32"));
}

Result<float> read_float(ondemand::value& value) {
  std::string_view token = value.raw_json_token();
  double number = 0;
  if (const auto error = value.get_double().get(number)) [[unlikely]]
    return refused_float(error, token);
  if (!(std::abs(number) < kFloatOverflow)) [[unlikely]]
    return refused_float(simdjson::NUMBER_ERROR, token);
  return to_float(number, token);
}

}  // namespace

Error prefixed(Error error, std::string_view prefix) {
  const bool joins = error.field.empty() || error.field.front() == '[';
  error.field = std::string(prefix).append(joins ? "" : ".").append(error.field);
  return error;
}

Error prefixed(Error error, std::size_t index) {
  return prefixed(std::move(error), std::string("[").append(std::to_string(index)).append("]"));
}

std::unexpected<Error> refused(simdjson::error_code error, std::string_view expected) {
  if (error == simdjson::INCORRECT_TYPE) {
    return fail(ErrorCode::invalid_argument, "must be " + std::string(expected));
  }
  return fail(ErrorCode::invalid_argument, std::string("invalid JSON: ") + simdjson::error_message(error));
}

std::unexpected<Error> missing(std::string_view field) {
  return fail(ErrorCode::invalid_argument, "is missing", std::string(field));
}

Result<std::string> read_string(ondemand::value& value) {
  std::string_view text;
  if (const auto error = value.get_string().get(text)) return refused(error, "a string");
  return std::string(text);
}

Result<bool> read_bool(ondemand::value& value) {
  bool flag = false;
  if (value.get_bool().get(flag) != simdjson::SUCCESS) return refused(simdjson::INCORRECT_TYPE, "true or false");
  return flag;
}

Result<std::uint64_t> read_integer(ondemand::value& value, std::uint64_t minimum, std::uint64_t maximum) {
  std::uint64_t number = 0;
  const auto error = value.get_uint64().get(number);
  if (error || number < minimum || number > maximum) {
    return fail(ErrorCode::invalid_argument,
                "must be a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
  }
  return number;
}

Result<double> read_number(ondemand::value& value) {
  double number = 0.0;
  if (const auto error = value.get_double().get(number); error != simdjson::SUCCESS) return refused(error, "a number");
  return number;
}

Status read_floats(ondemand::value& value, std::size_t max_count, std::vector<float>& into) {
  return read_elements(value, max_count, [&](ondemand::value& item) -> Status {
    NDB_TRY_ASSIGN(const float number, read_float(item));
    into.push_back(number);
    return {};
  });
}

Result<std::optional<std::string_view>> read_raw_object(ondemand::value& value) {
  ondemand::json_type type{};
  if (const auto error = value.type().get(type)) return refused(error, "an object");
  if (type == ondemand::json_type::null) {
    bool is_null = false;
    if (value.is_null().get(is_null) != simdjson::SUCCESS || !is_null)
      return refused(simdjson::N_ATOM_ERROR, "an object");
    return std::optional<std::string_view>{};
  }
  ondemand::object object;
  if (const auto error = value.get_object().get(object)) return refused(error, "an object");
  std::string_view text;
  if (const auto error = object.raw_json().get(text)) return refused(error, "an object");
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return std::optional(text);
}

Result<ondemand::object> BodyReader::open(std::string_view body, std::size_t capacity) {
  thread_local ondemand::parser shared_parser;
  ondemand::parser& parser = body.size() <= kSharedParserBytes ? shared_parser : own_parser_.emplace();
  if (capacity < body.size() + simdjson::SIMDJSON_PADDING) {
    copy_.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    copy_ = body;
    body = copy_;
    capacity = copy_.capacity();
  }
  if (const auto error = parser.iterate(body.data(), body.size(), capacity).get(document_)) {
    return refused(error, "a JSON object");
  }
  ondemand::object object;
  if (const auto error = document_.get_object().get(object)) return refused(error, "a JSON object");
  return object;
}

Status BodyReader::finish() {
  const char* location = nullptr;  // document::at_end() came after simdjson 3.0
  if (document_.current_location().get(location) == simdjson::OUT_OF_BOUNDS) return {};
  return fail(ErrorCode::invalid_argument, "invalid JSON: text after the object");
}

}  // namespace ndb::http::json
