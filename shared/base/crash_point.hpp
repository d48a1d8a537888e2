// Named points at which a process can be told to kill itself, so that tests meet crashes at the worst instructions and not only by
// luck: NDB_CRASH_AT=<point> or <point>:<n> in its environment, and it sends itself SIGKILL when it gets there (for the n-th time).
// Without the variable a point costs one load and a branch that is never taken. All points: docs/testing.md.
//
// Threads: any.
#pragma once

#include <string_view>

namespace ndb::base {

namespace detail {
extern const bool crash_points_armed;
void reach_crash_point(std::string_view name);
}  // namespace detail

inline void crash_point(std::string_view name) {
  if (detail::crash_points_armed) [[unlikely]] detail::reach_crash_point(name);
}

}  // namespace ndb::base
