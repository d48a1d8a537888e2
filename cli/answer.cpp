#include "cli/answer.hpp"

#include <fmt/format.h>

#include "cli/text.hpp"

namespace ndb::cli {

namespace json = boost::json;

Result<json::object> parse_answer(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 128;
  json::value value = json::parse(text, error, {}, options);
  if (error || !value.is_object())
    return fail(ErrorCode::internal, "the answer is no JSON object; is this an nDB server?");
  return std::move(value.get_object());
}

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

double number_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  json::error_code error;
  const double number = value == nullptr ? 0 : value->to_number<double>(error);
  return error ? 0 : number;
}

std::uint64_t count_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  json::error_code error;
  const auto number = value == nullptr ? 0 : value->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

bool flag_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::array& array_at(const json::object& object, std::string_view key) {
  static const json::array none;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

const json::object& object_at(const json::object& object, std::string_view key) {
  static const json::value none;
  const auto* value = object.if_contains(key);
  return as_object(value == nullptr ? none : *value);
}

const json::object& as_object(const json::value& value) {
  static const json::object none;
  return value.is_object() ? value.get_object() : none;
}

std::string short_number(double number) { return fmt::format("{:.4g}", number); }

std::string short_vector(const json::array& vector) {
  constexpr std::size_t shown = 4;
  std::string out = "[";
  for (std::size_t i = 0; i < vector.size() && i < shown; ++i) {
    json::error_code error;
    out += (i == 0 ? "" : ", ") + short_number(vector[i].to_number<double>(error));
  }
  if (vector.size() > shown) out += fmt::format(", … {} in all", vector.size());
  return out + "]";
}

std::string payload_line(const json::object& document) {
  const auto* payload = document.if_contains("payload");
  if (payload == nullptr || !payload->is_object()) return "";
  return printable(json::serialize(*payload));
}

}  // namespace ndb::cli
