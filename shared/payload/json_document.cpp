#include "shared/payload/json_document.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ndb::payload {
namespace {

constexpr std::size_t kKeptTextBytes = 64 * 1024;

/// One per thread; its memory is bounded because only short texts come here.
simdjson::dom::parser& thread_parser() {
  static thread_local simdjson::dom::parser parser;
  return parser;
}

const char* why(simdjson::error_code code) {
  switch (code) {
    case simdjson::DEPTH_ERROR: return "it nests too deeply";
    case simdjson::UTF8_ERROR: return "it is not valid UTF-8";
    case simdjson::NUMBER_ERROR: return "a number is malformed, or does not fit into 64 bits";
    case simdjson::EMPTY: return "there is no value";
    case simdjson::STRING_ERROR: return "a string is malformed";
    case simdjson::UNESCAPED_CHARS: return "a string has a control character that is not escaped";
    case simdjson::UNCLOSED_STRING: return "a string is not closed";
    case simdjson::MEMALLOC: return "there is not enough memory";
    default: return "the syntax is wrong";
  }
}

}  // namespace

Result<JsonDocument> JsonDocument::parse(std::string_view json, std::size_t max_depth, std::string_view field) {
  JsonDocument document;
  simdjson::dom::parser* parser = nullptr;
  if (json.size() <= kKeptTextBytes) {
    parser = &thread_parser();
  } else {
    document.own_ = std::make_unique<simdjson::dom::parser>();
    parser = document.own_.get();
  }
  auto code = simdjson::SUCCESS;
  const std::size_t levels = max_depth + 1;  // simdjson counts the document itself
  if (parser->max_depth() != levels || parser->capacity() < json.size())
    code = parser->allocate(std::max(json.size(), parser->capacity()), levels);
  if (code == simdjson::SUCCESS) code = parser->parse(json.data(), json.size(), true).get(document.root_);
  if (code == simdjson::SUCCESS) return document;
  return fail(ErrorCode::invalid_argument, fmt::format("{} is no valid JSON: {}", field, why(code)), std::string(field));
}

}  // namespace ndb::payload
