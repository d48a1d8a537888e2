// How every check of a filter says what is wrong, and where. Threads: any.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace ndb::filter {

/// invalid_argument about the condition at `place`, such as "filter.year.$gte".
inline std::unexpected<Error> refuse(std::string place, std::string_view why) {
  std::string message = fmt::format("{}: {}", place, why);
  return fail(ErrorCode::invalid_argument, std::move(message), std::move(place));
}

}  // namespace ndb::filter
