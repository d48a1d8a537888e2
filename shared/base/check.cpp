#include "shared/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace ndb::base {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "ndb: bug: %s does not hold at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace ndb::base
