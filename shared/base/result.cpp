#include "shared/base/result.hpp"

#include <cerrno>
#include <system_error>

namespace ndb::base {

Error errno_error(int error_number, std::string_view what) {
  ErrorCode code = ErrorCode::io_error;
  switch (error_number) {
    case ENOSPC:
    case EDQUOT: code = ErrorCode::no_space; break;
    case ENOENT:
    case ESTALE: code = ErrorCode::not_found; break;  // deleted on another host while this one still knew it
    case EEXIST:
    case ENOTEMPTY: code = ErrorCode::already_exists; break;
    case EACCES:
    case EPERM:
    case EROFS: code = ErrorCode::permission_denied; break;
    default: break;
  }
  return Error{code, std::string(what) + ": " + std::generic_category().message(error_number), {}};
}

}  // namespace ndb::base
