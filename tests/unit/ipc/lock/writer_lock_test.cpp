#include "ipc/lock/writer_lock.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace ndb;
using ipc::WriterLock;
using test::ChildProcess;
using test::TemporaryFolder;

namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A child that takes the lock, says so, and keeps it until told otherwise.
ChildProcess locker(const std::filesystem::path& path) {
  return ChildProcess([path](const ChildProcess::Line& line) {
    const auto lock = WriterLock::acquire(path);
    line.say(lock ? "locked" : lock.error().message);
    return line.hear() == "go" ? 0 : 1;
  });
}

}  // namespace

TEST_CASE("the lock file says who holds the lock") {
  const TemporaryFolder folder;
  const auto lock = WriterLock::acquire(folder / "LOCK");
  REQUIRE(lock);
  CHECK(lock->held());
  CHECK(content(folder / "LOCK").find("\"pid\":" + std::to_string(::getpid())) != std::string::npos);
}

TEST_CASE("two acquires in one process exclude each other") {
  const TemporaryFolder folder;
  auto first = WriterLock::acquire(folder / "LOCK");
  REQUIRE(first);
  const auto second = WriterLock::acquire(folder / "LOCK");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::collection_locked);
  CHECK(first->held());

  first->release();
  CHECK_FALSE(first->held());
  CHECK(WriterLock::acquire(folder / "LOCK"));
}

TEST_CASE("the lock moves with its object and is freed with it") {
  const TemporaryFolder folder;
  {
    auto first = WriterLock::acquire(folder / "LOCK");
    REQUIRE(first);
    const WriterLock second = std::move(*first);
    CHECK(second.held());
    CHECK_FALSE(first->held());
    CHECK_FALSE(WriterLock::acquire(folder / "LOCK"));
  }
  CHECK(WriterLock::acquire(folder / "LOCK"));
}

TEST_CASE("another process learns who holds the lock") {
  const TemporaryFolder folder;
  ChildProcess child = locker(folder / "LOCK");
  REQUIRE(child.hear() == "locked");
  const auto mine = WriterLock::acquire(folder / "LOCK");
  REQUIRE_FALSE(mine);
  CHECK(mine.error().code == ErrorCode::collection_locked);
  INFO(mine.error().message);
  CHECK(mine.error().message.find("pid " + std::to_string(child.pid()) + " on host ") != std::string::npos);
  CHECK(mine.error().message.find(" since 2") != std::string::npos);
  child.say("go");
  CHECK(child.join() == 0);
}

TEST_CASE("kill -9 of the holder frees the lock, with nothing to clean up") {
  const TemporaryFolder folder;
  ChildProcess child = locker(folder / "LOCK");
  REQUIRE(child.hear() == "locked");
  REQUIRE_FALSE(WriterLock::acquire(folder / "LOCK"));
  child.kill();
  CHECK(child.join() == -SIGKILL);
  CHECK(WriterLock::acquire(folder / "LOCK"));
}

TEST_CASE("a forked child neither holds nor releases nor prolongs its parent's lock") {
  const TemporaryFolder folder;
  auto lock = WriterLock::acquire(folder / "LOCK");
  REQUIRE(lock);
  ChildProcess child([&](const ChildProcess::Line& line) {
    const bool held = lock->held();
    lock->release();
    const bool taken = WriterLock::acquire(folder / "LOCK").has_value();
    line.say(held || taken ? "wrong" : "right");
    return line.hear() == "go" ? 0 : 1;
  });
  CHECK(child.hear() == "right");
  CHECK(lock->held());
  CHECK_FALSE(WriterLock::acquire(folder / "LOCK"));
  lock->release();
  CHECK(WriterLock::acquire(folder / "LOCK"));  // the child lives on, the lock does not
  child.say("go");
  CHECK(child.join() == 0);
}

TEST_CASE("a lock file full of garbage locks all the same") {
  const TemporaryFolder folder;
  std::ofstream(folder / "LOCK") << std::string(10'000, '{');
  const auto lock = WriterLock::acquire(folder / "LOCK");
  REQUIRE(lock);
  std::ofstream(folder / "LOCK") << "{\"pid\": \"x\", \"host\": 7}";
  const auto second = WriterLock::acquire(folder / "LOCK");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::collection_locked);
  CHECK(second.error().message.find("another process") != std::string::npos);
}

TEST_CASE("a lock on a file that was deleted does not stop a new one") {
  const TemporaryFolder folder;
  const auto old_lock = WriterLock::acquire(folder / "LOCK");
  REQUIRE(old_lock);
  std::filesystem::remove(folder / "LOCK");
  CHECK(WriterLock::acquire(folder / "LOCK"));
}

TEST_CASE("a missing folder and a symbolic link are refused clearly") {
  const TemporaryFolder folder;
  const auto nowhere = WriterLock::acquire(folder / "missing" / "LOCK");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code == ErrorCode::not_found);
  std::filesystem::create_symlink("/dev/null", folder / "LOCK");
  const auto link = WriterLock::acquire(folder / "LOCK");
  REQUIRE_FALSE(link);
  CHECK(link.error().code == ErrorCode::io_error);
}

TEST_CASE("without permission to write the lock is permission_denied") {
  const TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  ChildProcess child([&](const ChildProcess::Line& line) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 1;
    ::chmod(folder.path().c_str(), 0555);  // succeeds only where we own the folder and are not root
    const auto lock = WriterLock::acquire(folder / "LOCK");
    ::chmod(folder.path().c_str(), 0755);
    line.say(lock ? "locked" : std::string(error_code_name(lock.error().code)));
    return 0;
  });
  CHECK(child.hear() == "permission_denied");
}

TEST_CASE("on a read-only mount the lock is read_only") {
  const TemporaryFolder folder;
  ChildProcess child([&](const ChildProcess::Line& line) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", folder.path().c_str(), "tmpfs", MS_RDONLY, nullptr) != 0) {
      line.say("no privilege");
      return 0;
    }
    const auto lock = WriterLock::acquire(folder / "LOCK");
    line.say(lock ? "locked" : std::string(error_code_name(lock.error().code)));
    return 0;
  });
  const std::string answer = child.hear();
  if (answer == "no privilege")
    WARN("skipped: mounting needs privileges");
  else
    CHECK(answer == "read_only");
}
