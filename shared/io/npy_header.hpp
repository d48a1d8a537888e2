// The header of a .npy file: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/error.hpp"

namespace ndb::io {

struct NpyHeader {
  std::string descr;  ///< "<f4"
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

/// Parses the Python dictionary "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }" with exactly these keys.
/// invalid_argument tells what is wrong.
[[nodiscard]] Result<NpyHeader> parse_npy_header(std::string_view text);

}  // namespace ndb::io
