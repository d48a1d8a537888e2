// The fallible part of a test that has to work: its value, or the test fails with the error. The test's own thread only.
#pragma once

#include <utility>

#include "ndb/error.hpp"
#include "tests/support/catch.hpp"

namespace ndb::test {

template <class T>
T must(Result<T> result) {
  if (!result) FAIL(error_code_name(result.error().code) << ": " << result.error().message);
  return std::move(*result);
}
inline void must(const Status& status) {
  if (!status) FAIL(error_code_name(status.error().code) << ": " << status.error().message);
}

}  // namespace ndb::test
