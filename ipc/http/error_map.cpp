#include "ipc/http/error_map.hpp"

#include <boost/json.hpp>

#include "ipc/http/codec/json_writer.hpp"

namespace ndb::http {
namespace {

constexpr ErrorCode kAllCodes[] = {
    ErrorCode::invalid_argument, ErrorCode::not_found,         ErrorCode::already_exists, ErrorCode::collection_locked,
    ErrorCode::fenced,           ErrorCode::corruption,        ErrorCode::io_error,       ErrorCode::no_space,
    ErrorCode::read_only,        ErrorCode::replica_lagging,   ErrorCode::timeout,        ErrorCode::overloaded,
    ErrorCode::unauthenticated,  ErrorCode::permission_denied, ErrorCode::unavailable,    ErrorCode::internal};

ErrorCode code_of_status(unsigned status) noexcept {
  if (status == 404 || status == 405) return ErrorCode::not_found;
  if (status == 413) return ErrorCode::invalid_argument;
  for (const ErrorCode code : kAllCodes) {
    if (status_of(code) == status && code != ErrorCode::fenced) return code;
  }
  return status >= 500 ? ErrorCode::unavailable : ErrorCode::invalid_argument;
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const boost::json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

unsigned status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return 400;
    case ErrorCode::unauthenticated:
      return 401;
    case ErrorCode::permission_denied:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::already_exists:
    case ErrorCode::collection_locked:
      return 409;
    case ErrorCode::overloaded:
      return 429;
    case ErrorCode::replica_lagging:
    case ErrorCode::unavailable:
    case ErrorCode::fenced:
    case ErrorCode::read_only:
      return 503;
    case ErrorCode::timeout:
      return 504;
    case ErrorCode::no_space:
      return 507;
    case ErrorCode::corruption:
    case ErrorCode::io_error:
    case ErrorCode::internal:
      return 500;
  }
  return 500;
}

Response error_response(const Error& error) {
  return error_response(status_of(error.code), error);
}

Response error_response(unsigned status, const Error& error) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.field("code", error_code_name(error.code)).field("message", error.message);
  if (!error.field.empty()) json.field("field", error.field);
  json.end_object().end_object();
  Response response{.status = status, .headers = {}, .body = std::move(json).text()};
  if (status == 429 || status == 503) response.headers.push_back({"Retry-After", "1"});
  if (status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

Error error_of(unsigned status, std::string_view body) {
  boost::system::error_code ignored;
  const boost::json::value parsed = boost::json::parse(body, ignored);
  const boost::json::object* const outer = parsed.if_object();
  const boost::json::value* const inner = outer != nullptr ? outer->if_contains("error") : nullptr;
  if (inner == nullptr || !inner->is_object()) {
    return Error{code_of_status(status), "the server answered " + std::to_string(status), {}};
  }
  const boost::json::object& object = inner->get_object();
  Error error{code_of_status(status), text_of(object, "message"), text_of(object, "field")};
  const std::string name = text_of(object, "code");
  for (const ErrorCode code : kAllCodes) {
    if (error_code_name(code) == name) error.code = code;
  }
  return error;
}

}  // namespace ndb::http
