#include "shared/base/low_priority.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace ndb::base {
namespace {

constexpr int kNice = 10;
// linux/ioprio.h, which Debian 12 has and older headers lack
constexpr int kIoprioWhoProcess = 1;
constexpr int kLastOfBestEffort = (2 << 13) | 7;

}  // namespace

void lower_priority_of_this_thread() noexcept {
  const auto thread = static_cast<id_t>(::gettid());
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, std::max(kNice, ::getpriority(PRIO_PROCESS, thread))));
  static_cast<void>(::syscall(SYS_ioprio_set, kIoprioWhoProcess, 0, kLastOfBestEffort));
}

}  // namespace ndb::base
