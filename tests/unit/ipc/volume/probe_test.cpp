#include "ipc/volume/probe.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/support/temp_folder.hpp"

namespace ndb::ipc {
namespace {

using test::Call;
using test::Fault;
using Rule = test::FaultyFileSystem::Rule;

bool is_called(const fs::Path& path, std::string_view part) { return path.filename().string().find(part) != std::string::npos; }

class Volume {
 public:
  /// What a probe says of a file system on which this happens before each call; in both processes.
  ProbeReport probe(Rule rule, const LockCall& lock = ofd_lock) {
    test::FaultyFileSystem faulty;
    faulty.set_rule(std::move(rule));
    return probe_volume(faulty, folder_.path(), lock);
  }
  ProbeReport probe(const LockCall& lock = ofd_lock) { return probe_volume(fs::posix_file_system(), folder_.path(), lock); }
  /// One that always fails a call on files that are called so.
  ProbeReport failing(Call call, std::string part, ErrorCode code = ErrorCode::permission_denied) {
    return probe([=](Call made, const fs::Path& path) -> std::optional<Fault> {
      if (made != call || !is_called(path, part)) return std::nullopt;
      return Fault{Error{code, "Operation not permitted", {}}};
    });
  }
  [[nodiscard]] const fs::Path& path() const { return folder_.path(); }

 private:
  test::TempFolder folder_;
};

const Finding& last(const ProbeReport& report) { return report.findings.back(); }

void check_refused(const ProbeReport& report, const char* check, const char* because) {
  INFO(report.refusal());
  CHECK(report.verdict() == Verdict::refused);
  CHECK(last(report).check == check);
  CHECK(last(report).detail.find(because) != std::string::npos);
  CHECK(report.refusal().find(report.folder.string()) != std::string::npos);
  CHECK(report.refusal().find(report.volume()) != std::string::npos);
  CHECK(report.refusal().find(because) != std::string::npos);
}

TEST_CASE("a local file system passes every check, and nothing is left on it") {
  Volume volume;
  const ProbeReport report = volume.probe();
  for (const Finding& finding : report.findings) {
    INFO(finding.check << ": " << finding.detail);
    CHECK(finding.verdict <= Verdict::warning);
  }
  CHECK(last(report).check == "lock");
  CHECK(std::filesystem::is_empty(volume.path()));
}

TEST_CASE("where exclusive creation does not exclude, two processes get the same name and it is refused") {
  Volume volume;
  const auto report = volume.probe([](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::create_exclusive && is_called(path, "claim-x")) std::filesystem::remove(path);
    return std::nullopt;
  });
  check_refused(report, "exclusive creation", "two processes created the same name");
  CHECK(std::filesystem::is_empty(volume.path()));
}

TEST_CASE("where link() replaces, or is not there at all, it is refused") {
  Volume volume;
  check_refused(volume.probe([](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::link && is_called(path, "claim-l")) std::filesystem::remove(path);
    return std::nullopt;
  }), "second names", "two processes gave the same name");
  check_refused(volume.failing(Call::link, "linked"), "second names", "cannot get a second name");
}

TEST_CASE("a rename that first removes what it replaces is refused") {
  Volume volume;
  check_refused(volume.probe([](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call != Call::rename || !is_called(path, "pointer") || !std::filesystem::remove(path)) return std::nullopt;
    // Until the other process has looked: it reads without a pause.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return std::nullopt;
  }), "rename", "led nowhere");
}

TEST_CASE("a rename that copies is refused: what is half there is read") {
  Volume volume;
  check_refused(volume.probe([](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call != Call::rename || !is_called(path, "pointer") || !std::filesystem::exists(path)) return std::nullopt;
    std::ofstream(path, std::ios::binary | std::ios::in).write("new", 3).flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return std::nullopt;
  }), "rename", "neither the old nor the new one");
}

TEST_CASE("a volume on which a folder cannot be synced, or a file not be mapped, is refused") {
  Volume volume;
  check_refused(volume.failing(Call::sync_directory, ".ndb-probe-", ErrorCode::io_error), "sync", "Operation not permitted");
  check_refused(volume.failing(Call::map, "plain", ErrorCode::io_error), "mapping", "cannot be mapped");
}

TEST_CASE("appends that another process does not see are refused") {
  Volume volume;
  check_refused(volume.failing(Call::open_read, "log", ErrorCode::not_found), "append", "was not there for another process");
}

TEST_CASE("a volume that is full or may not be written to is not refused: it was not checked") {
  Volume volume;
  for (const ErrorCode code : {ErrorCode::no_space, ErrorCode::permission_denied}) {
    CHECK(volume.failing(Call::make_directory, ".ndb-probe-", code).verdict() == Verdict::unchecked);
    CHECK(volume.failing(Call::append, "plain", code).verdict() == Verdict::unchecked);
  }
  const auto full_later = volume.failing(Call::append, "next-3", ErrorCode::no_space);
  CHECK(full_later.verdict() == Verdict::unchecked);
  CHECK(full_later.refusal().empty());
  CHECK(probe_volume(fs::posix_file_system(), volume.path() / "none").verdict() == Verdict::unchecked);
}

TEST_CASE("without locks it is refused; locks that do not exclude are warned of, as epochs keep writers apart") {
  Volume volume;
  check_refused(volume.probe([](int, bool) { return ENOLCK; }), "lock", "cannot be locked");
  const auto useless = volume.probe([](int, bool) { return 0; });
  CHECK(useless.verdict() == Verdict::warning);
  CHECK(last(useless).detail.find("by epochs only") != std::string::npos);
  const auto only_here = [here = ::getpid()](int, bool) { return ::getpid() == here ? 0 : EAGAIN; };
  check_refused(volume.probe(only_here), "lock", "could not be taken by another process once it was free");
}

TEST_CASE("what a killed probe left is removed once it is old; another probe's folder is left alone") {
  Volume volume;
  std::filesystem::create_directories(volume.path() / ".ndb-probe-old" / "x");
  std::filesystem::create_directories(volume.path() / ".ndb-probe-young");
  std::filesystem::last_write_time(volume.path() / ".ndb-probe-old", std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  static_cast<void>(volume.probe());
  CHECK_FALSE(std::filesystem::exists(volume.path() / ".ndb-probe-old"));
  CHECK(std::filesystem::exists(volume.path() / ".ndb-probe-young"));
}

}  // namespace
}  // namespace ndb::ipc
