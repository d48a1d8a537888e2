// Strict JSON parsing with simdjson, and its errors in our words. Include only from .cpp files: simdjson is heavy.
#pragma once

#include <simdjson.h>

#include <memory>
#include <string>
#include <string_view>

#include "ndb/error.hpp"

namespace ndb::payload {

/// A parsed text. The parser is the calling thread's own for small texts, so at most one JsonDocument is alive per thread.
class JsonDocument {
 public:
  /// invalid_argument under `field` unless `json` is one strict JSON value nesting at most max_depth deep.
  [[nodiscard]] static Result<JsonDocument> parse(std::string_view json, std::size_t max_depth, std::string_view field);
  [[nodiscard]] simdjson::dom::element root() const noexcept { return root_; }

 private:
  std::unique_ptr<simdjson::dom::parser> own_;  // for large texts, so that no thread keeps their memory
  simdjson::dom::element root_;
};

}  // namespace ndb::payload
