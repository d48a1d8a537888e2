// Where a text stops being JSON, for error messages: simdjson, which reads the bodies, does not tell. Threads: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

#include "ndb/error.hpp"

namespace ndb::http::json {

/// The offset of the first byte that cannot belong to a JSON value; the text's size if it only ends too early.
[[nodiscard]] std::size_t broken_at(std::string_view text);
/// Names the offset in an error about invalid JSON; leaves other errors as they are.
[[nodiscard]] Error with_position(Error error, std::string_view text);

}  // namespace ndb::http::json
