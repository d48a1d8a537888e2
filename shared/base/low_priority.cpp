#include "shared/base/low_priority.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace ndb::base {
namespace {

constexpr int kNice = 10;
// linux/ioprio.h, which Debian 12 has and older headers lack
constexpr int kIoprioWhoProcess = 1;
constexpr int kLastOfBestEffort = (2 << 13) | 7;

constexpr std::uint64_t kTurnNs = 200'000;
// struct sched_attr of linux/sched/types.h, its first version
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

void ask_for_short_turns_of_this_thread() noexcept {
  SchedulingAttributes attributes;
  const auto thread = static_cast<pid_t>(::gettid());
  if (::syscall(SYS_sched_getattr, thread, &attributes, sizeof attributes, 0U) != 0) return;
  attributes.runtime_ns = kTurnNs;
  static_cast<void>(::syscall(SYS_sched_setattr, thread, &attributes, 0U));
}

void lower_priority_of_this_thread() noexcept {
  const auto thread = static_cast<id_t>(::gettid());
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, std::max(kNice, ::getpriority(PRIO_PROCESS, thread))));
  // And to short turns: whoever wakes up need not wait until a long one is over. Systems before Linux 6.12 ignore it.
  ask_for_short_turns_of_this_thread();
  static_cast<void>(::syscall(SYS_ioprio_set, kIoprioWhoProcess, 0, kLastOfBestEffort));
}

}  // namespace ndb::base
