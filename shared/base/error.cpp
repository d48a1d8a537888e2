#include "ndb/error.hpp"

namespace ndb {

std::string_view error_code_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::collection_locked: return "collection_locked";
    case ErrorCode::fenced: return "fenced";
    case ErrorCode::corruption: return "corruption";
    case ErrorCode::io_error: return "io_error";
    case ErrorCode::no_space: return "no_space";
    case ErrorCode::read_only: return "read_only";
    case ErrorCode::replica_lagging: return "replica_lagging";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::overloaded: return "overloaded";
    case ErrorCode::unauthenticated: return "unauthenticated";
    case ErrorCode::permission_denied: return "permission_denied";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

}  // namespace ndb
