// Errors are values: every public call returns Result<T>, nothing throws. Thread-safety: plain values.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace ndb {

/// What went wrong, stable across releases. The names (error_code_name) are the ones HTTP and the bindings use.
enum class ErrorCode {
  invalid_argument,   ///< the request itself is wrong; `field` says where
  not_found,          ///< no such collection, document or index
  already_exists,     ///< the collection exists already
  collection_locked,  ///< another process holds the write lock; the message names its pid and host
  fenced,             ///< another writer has taken over; this one must not go on
  corruption,         ///< a file is damaged; the message names file and offset
  io_error,           ///< the operating system failed a call
  no_space,           ///< the volume is full
  read_only,          ///< opened read-only, or turned read-only after a failed write
  replica_lagging,    ///< `min_seq` was not reached in time
  timeout,            ///< the deadline passed
  overloaded,         ///< too much is waiting; try again later
  unauthenticated,    ///< no valid key was given
  permission_denied,  ///< the key, or the operating system, does not allow it
  unavailable,        ///< not ready (yet, or any more)
  internal,           ///< a bug in nDB
};

/// "invalid_argument" for ErrorCode::invalid_argument, and so on.
[[nodiscard]] std::string_view error_code_name(ErrorCode code) noexcept;

/// An error: code, message for people, and the field of the request it is about ("documents[3].vector", or empty).
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string field;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

/// Makes the failing side of a Result: `return fail(ErrorCode::not_found, "no collection 'docs'");`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string field = {}) {
  return std::unexpected<Error>(Error{code, std::move(message), std::move(field)});
}

}  // namespace ndb
