// The vectors in other databases' answers. Threads: a pure function.
#pragma once

#include <vector>

#include "shared/io/numbers.hpp"
#include "shared/payload/json_document.hpp"

namespace ndb::cli {

/// Appends a JSON array of numbers to `into`; false, with some of them appended, if it is none.
[[nodiscard]] inline bool read_floats(const simdjson::dom::element& from, std::vector<float>& into) {
  simdjson::dom::array array;
  if (from.get_array().get(array) != simdjson::SUCCESS) return false;
  for (const auto element : array) {
    double value = 0;
    if (element.get_double().get(value) != simdjson::SUCCESS) return false;
    into.push_back(io::to_float(value));
  }
  return true;
}

}  // namespace ndb::cli
