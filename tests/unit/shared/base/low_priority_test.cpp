#include "shared/base/low_priority.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "tests/support/catch.hpp"

namespace {

int nice_of_this_thread() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); }

}  // namespace

TEST_CASE("work at low priority gives way, with all that it starts, and the caller does not") {
  const int before = nice_of_this_thread();
  int started = 0;
  const int during = ndb::base::run_at_low_priority([&] {
    std::jthread([&] { started = nice_of_this_thread(); }).join();
    return nice_of_this_thread();
  });
  CHECK(during >= 10);
  CHECK(started == during);
  CHECK(nice_of_this_thread() == before);
}

TEST_CASE("what work at low priority throws reaches the caller") {
  CHECK_THROWS_AS(ndb::base::run_at_low_priority([]() -> int { throw std::runtime_error("no"); }), std::runtime_error);
}

TEST_CASE("short turns leave the priority as it is") {
  const int before = nice_of_this_thread();
  std::jthread([&] {
    ndb::base::ask_for_short_turns_of_this_thread();
    CHECK(nice_of_this_thread() == before);
  }).join();
  const int low = ndb::base::run_at_low_priority([] {
    ndb::base::ask_for_short_turns_of_this_thread();
    return nice_of_this_thread();
  });
  CHECK(low >= 10);
}
