#include "shared/base/crash_point.hpp"

#ifdef NDB_CRASH_POINTS

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace ndb::base {
namespace {

struct CrashTarget {
  std::string name{};
  std::atomic<long> left{1};

  CrashTarget() {
    const char* wanted = std::getenv("NDB_CRASH_AT");
    if (wanted == nullptr) return;
    name = wanted;
    const auto colon = name.find(':');
    if (colon == std::string::npos) return;
    left = std::strtol(name.c_str() + colon + 1, nullptr, 10);
    name.resize(colon);
  }
};

}  // namespace

void crash_point(std::string_view name) {
  static CrashTarget target;
  if (name != target.name || target.left.fetch_sub(1, std::memory_order_relaxed) != 1) return;
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();  // the signal is on its way
}

}  // namespace ndb::base

#else

namespace ndb::base {
void crash_point(std::string_view) {}
}  // namespace ndb::base

#endif
