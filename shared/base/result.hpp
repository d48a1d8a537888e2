// Helpers around Result<T>: early return, and errors from errno.
#pragma once

#include <string>
#include <string_view>

#include "ndb/error.hpp"

// NDB_TRY(expr): returns the error of a failing Status. NDB_TRY_ASSIGN(auto x, expr): unwraps a Result or returns its error.
#define NDB_CONCAT_(a, b) a##b
#define NDB_CONCAT(a, b) NDB_CONCAT_(a, b)
#define NDB_TRY_(result, expr)                                              \
  do {                                                                      \
    if (auto result = (expr); !result) [[unlikely]]                         \
      return std::unexpected<::ndb::Error>(std::move(result).error());      \
  } while (false)
#define NDB_TRY(expr) NDB_TRY_(NDB_CONCAT(ndb_status_, __COUNTER__), expr)
#define NDB_TRY_ASSIGN_(result, target, expr)                                           \
  auto result = (expr);                                                                 \
  if (!result) [[unlikely]] return std::unexpected<::ndb::Error>(std::move(result).error()); \
  target = std::move(*result)
#define NDB_TRY_ASSIGN(target, expr) NDB_TRY_ASSIGN_(NDB_CONCAT(ndb_result_, __COUNTER__), target, expr)

namespace ndb::base {

/// The Error for a failed system call: ENOSPC and EDQUOT are no_space, ENOENT and ESTALE not_found, EACCES, EPERM and EROFS
/// permission_denied, EEXIST already_exists, everything else io_error. The message reads "<what>: <strerror>".
[[nodiscard]] Error errno_error(int error_number, std::string_view what);
[[nodiscard]] inline std::unexpected<Error> fail_errno(int error_number, std::string_view what) {
  return std::unexpected<Error>(errno_error(error_number, what));
}

}  // namespace ndb::base
