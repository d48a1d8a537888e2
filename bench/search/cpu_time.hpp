// CPU time of the calling thread: what else the machine runs then costs cache and memory, but not turns.
#pragma once

#include <time.h>

namespace ndb::bench {

inline double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace ndb::bench
