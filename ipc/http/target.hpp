// Request targets: "/v1/collections/docs/documents/a%2Fb?wait=true" into decoded parts. Threads: plain values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ndb/error.hpp"

namespace ndb::http {

/// Decodes %XX (and nothing else: '+' stays '+'). invalid_argument for a '%' without two hexadecimal digits.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);
/// Encodes everything but letters, digits and "-._~", so that the result is one path segment or one query value.
[[nodiscard]] std::string percent_encode(std::string_view text);

struct Target {
  std::vector<std::string> segments;  ///< decoded; a decoded segment may contain '/'
  std::vector<std::pair<std::string, std::string>> query;

  /// The first value of that name.
  [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const noexcept;
};

/// Accepts origin form ("/a/b?c=d") and absolute form ("http://host/a/b"). One trailing slash is ignored, empty
/// segments are kept. invalid_argument for anything else.
[[nodiscard]] Result<Target> parse_target(std::string_view target);

}  // namespace ndb::http
