#include "shared/base/result.hpp"

#include <cerrno>

#include "tests/support/catch.hpp"

using namespace ndb;

TEST_CASE("a file that another host deleted is not found, whichever way the system says so") {
  for (const int number : {ENOENT, ESTALE}) CHECK(base::errno_error(number, "open x").code == ErrorCode::not_found);
  CHECK(base::errno_error(EIO, "open x").code == ErrorCode::io_error);
  CHECK(base::errno_error(ENOSPC, "open x").code == ErrorCode::no_space);
  CHECK(base::errno_error(EROFS, "open x").code == ErrorCode::permission_denied);
  CHECK(base::errno_error(EEXIST, "open x").code == ErrorCode::already_exists);
}
