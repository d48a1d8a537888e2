// Named points at which a process can be told to kill itself, so that tests meet crashes at the worst instructions and not only by
// luck: NDB_CRASH_AT=<point> or <point>:<n> in its environment, and it sends itself SIGKILL when it gets there (for the n-th time).
// Only in builds with NDB_CRASH_POINTS (deploy/cmake/Options.cmake; on where tests are built): elsewhere a point is an empty function,
// and no environment can trigger anything. The variable is read once, at the first point. All points: docs/testing.md.
//
// For places beside a system call: a point costs a call and a branch. Threads: any.
#pragma once

#include <string_view>

namespace ndb::base {

void crash_point(std::string_view name);

}  // namespace ndb::base
