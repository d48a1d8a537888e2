#include "ipc/shm/process_identity.hpp"

#include <unistd.h>

#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"

using namespace ndb::ipc;
using ndb::test::ChildProcess;

TEST_CASE("this process is alive and knows itself") {
  const ProcessIdentity self = this_process();
  CHECK(self.pid == static_cast<std::uint64_t>(::getpid()));
  CHECK(self.start_ticks > 0);
  CHECK(self.pid_namespace > 0);
  CHECK(liveness_of(self) == Liveness::alive);
}

TEST_CASE("a killed process is dead, as a zombie already") {
  ChildProcess child([](const ChildProcess::Line& line) {
    line.say(std::to_string(this_process().start_ticks));
    return line.hear().empty() ? 0 : 1;
  });
  ProcessIdentity process = this_process();
  process.pid = static_cast<std::uint64_t>(child.pid());
  process.start_ticks = std::stoull(child.hear());
  CHECK(liveness_of(process) == Liveness::alive);
  child.kill();
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT);  // it has ended, but is not collected
  CHECK(liveness_of(process) == Liveness::dead);
  child.join();
  CHECK(liveness_of(process) == Liveness::dead);
}

TEST_CASE("a recycled pid is another process") {
  ProcessIdentity other = this_process();
  ++other.start_ticks;
  CHECK(liveness_of(other) == Liveness::dead);
}

TEST_CASE("a pid of another namespace tells nothing, and an impossible one is dead") {
  ProcessIdentity process = this_process();
  ++process.pid_namespace;
  CHECK(liveness_of(process) == Liveness::unknown);
  process = this_process();
  for (const std::uint64_t pid : {std::uint64_t{0}, std::uint64_t{1} << 23U, ~std::uint64_t{0}}) {
    process.pid = pid;
    CHECK(liveness_of(process) == Liveness::dead);
  }
}
