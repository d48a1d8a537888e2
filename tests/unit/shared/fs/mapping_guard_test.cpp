// Files that are cut off under their mapping: zeros and a mark instead of the end of the process.
#include "shared/fs/mapping_guard.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "shared/fs/file_system.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using fs::MappingGuard;

namespace {

constexpr std::size_t kPage = 4096;

std::filesystem::path file_of(const test::TempFolder& folder, const std::string& name, std::size_t bytes) {
  const auto path = folder.path() / name;
  test::put_file(path, std::vector<std::byte>(bytes, std::byte{7}));
  return path;
}

std::unique_ptr<fs::Mapping> map(const std::filesystem::path& path) {
  auto mapping = fs::posix_file_system().map(path);
  REQUIRE(mapping);
  return std::move(*mapping);
}

bool all(base::ByteSpan bytes, int value) {
  return std::ranges::all_of(bytes, [&](std::byte byte) { return byte == static_cast<std::byte>(value); });
}

/// Maps a file without a guard, cuts it off and reads behind the end.
void fault_outside(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  auto* bytes = static_cast<volatile unsigned char*>(::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, fd, 0));
  std::filesystem::resize_file(path, 0);
  static_cast<void>(bytes[0]);
}

extern "C" void end_with_42(int) { ::_exit(42); }
extern "C" void end_with_43(int, siginfo_t* info, void*) { ::_exit(info->si_addr != nullptr ? 43 : 1); }

}  // namespace

TEST_CASE("what was cut off under its mapping reads as zeros and is marked, from the first page that is gone") {
  const test::TempFolder folder;
  for (const std::size_t left : {std::size_t{0}, kPage, 2 * kPage + 100, 9 * kPage}) {
    CAPTURE(left);
    const auto path = file_of(folder, "file", 10 * kPage);
    const auto other = map(file_of(folder, "other", 10 * kPage));
    const auto mapping = map(path);
    CHECK_FALSE(mapping->lost());
    CHECK(all(mapping->bytes(), 7));
    std::filesystem::resize_file(path, left);
    const std::size_t first_gone = base::round_up(left, kPage);
    CHECK(all(mapping->bytes().subspan(first_gone), 0));
    CHECK(mapping->lost() == first_gone);
    CHECK(all(mapping->bytes().first(left), 7));
    CHECK_FALSE(other->lost());
    CHECK(all(other->bytes(), 7));
  }
}

TEST_CASE("a file that was cut off is noticed even by those who read nothing that is gone") {
  const test::TempFolder folder;
  const auto path = file_of(folder, "file", 3 * kPage);
  const auto mapping = map(path);
  std::filesystem::resize_file(path, kPage + 1);
  CHECK(all(mapping->bytes().subspan(kPage + 1, kPage - 1), 0));  // the kernel's zeros, without a fault
  CHECK(mapping->lost());
}

TEST_CASE("a mapping of a file that is whole again starts without a mark, and an empty one never has any") {
  const test::TempFolder folder;
  const auto path = file_of(folder, "file", 4 * kPage);
  {
    const auto mapping = map(path);
    std::filesystem::resize_file(path, 0);
    CHECK(mapping->lost() == 3 * kPage);
    CHECK(mapping->bytes()[kPage] == std::byte{0});
    CHECK(mapping->lost() == kPage);
  }
  CHECK_FALSE(map(path)->lost());
  const auto again = map(file_of(folder, "file", 4 * kPage));
  CHECK_FALSE(again->lost());
  CHECK(all(again->bytes(), 7));
}

TEST_CASE("a large file, whose mapping is aligned for huge pages, is no different") {
  const test::TempFolder folder;
  const auto path = file_of(folder, "file", (6U << 20) + 5);
  const auto mapping = map(path);
  CHECK(all(mapping->bytes(), 7));
  std::filesystem::resize_file(path, 1U << 20);
  CHECK(all(mapping->bytes().subspan(1U << 20), 0));
  CHECK(all(mapping->bytes().first(1U << 20), 7));
  CHECK(mapping->lost() == 1U << 20);
}

TEST_CASE("memory that others may write, too, goes on taking writes when it is lost") {
  const test::TempFolder folder;
  const auto path = file_of(folder, "file", kPage);
  const int fd = ::open(path.c_str(), O_RDWR);
  void* begin = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  {
    const MappingGuard guard(begin, kPage, MappingGuard::Access::read_write);
    std::filesystem::resize_file(path, 0);
    auto* words = static_cast<std::atomic<std::uint64_t>*>(begin);
    words[3].store(5);
    CHECK(words[3].load() == 5);
    CHECK(guard.lost() == 0);
  }
  ::munmap(begin, kPage);
}

TEST_CASE("threads that read a file while it is cut off, beside others that map and unmap, all go on") {
  const test::TempFolder folder;
  constexpr std::size_t kBytes = 64 * kPage;
  const auto steady = file_of(folder, "steady", kBytes);
  for (int round = 0; round < 20; ++round) {
    const auto path = file_of(folder, "file", kBytes);
    const auto mapping = map(path);
    std::atomic<int> saw_the_end{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&] {
        // A zero that is read although no mark is set would be returned as data.
        const volatile auto* place = &mapping->bytes()[kBytes - kPage];
        while (static_cast<unsigned char>(*place) == 7) {
        }
        if (mapping->lost()) ++saw_the_end;
      });
    threads.emplace_back([&] {
      while (!stop) {
        const auto own = fs::posix_file_system().map(steady);
        if (!own || (*own)->lost() || !all((*own)->bytes(), 7)) saw_the_end = -100;
      }
    });
    std::filesystem::resize_file(path, static_cast<std::uintmax_t>(round % 3) * kPage);
    for (int i = 0; i < 3; ++i) threads[static_cast<std::size_t>(i)].join();
    stop = true;
    threads.back().join();
    CHECK(saw_the_end == 3);
  }
}

TEST_CASE("hundreds of mappings are guarded, each on its own") {
  const test::TempFolder folder;
  const auto whole = file_of(folder, "whole", kPage);
  std::vector<std::unique_ptr<fs::Mapping>> mappings;
  for (int i = 0; i < 600; ++i) mappings.push_back(map(whole));
  const auto path = file_of(folder, "file", kPage);
  mappings.push_back(map(path));
  mappings.erase(mappings.begin(), mappings.begin() + 10);
  std::filesystem::resize_file(path, 0);
  CHECK(mappings.back()->lost() == 0);
  mappings.pop_back();
  for (const auto& mapping : mappings) CHECK_FALSE(mapping->lost());
}

TEST_CASE("faults elsewhere go to the handler that was there before, or end the process as without a guard") {
  const test::TempFolder folder;
  const auto guarded = file_of(folder, "guarded", kPage);
  const auto other = file_of(folder, "other", kPage);
  const auto in_child = [&](const std::function<void()>& before) {
    test::ChildProcess child([&](const test::ChildProcess::Line&) {
      before();
      const auto mapping = fs::posix_file_system().map(guarded);
      fault_outside(other);
      return 0;
    });
    return child.join();
  };
  // The guard of an earlier test in this process is in force already, and so is its handler: a child that execs would be no
  // different, so the previous handler is set up where it counts, in a fresh process.
  if (::getenv("NDB_GUARD_TEST") == nullptr) {
    for (const char* const kind : {"simple", "with_info", "none"}) {
      CAPTURE(kind);
      test::ChildProcess child([&](const test::ChildProcess::Line&) {
        ::setenv("NDB_GUARD_TEST", kind, 1);
        ::execl("/proc/self/exe", "test", "faults elsewhere*", nullptr);
        return 127;
      });
      CHECK(child.join() == 0);
    }
    return;
  }
  const std::string kind = ::getenv("NDB_GUARD_TEST");
  const int code = in_child([&] {
    struct sigaction action {};
    if (kind == "simple") action.sa_handler = end_with_42;
    if (kind == "with_info") {
      action.sa_sigaction = end_with_43;
      action.sa_flags = SA_SIGINFO;
    }
    if (kind != "none") ::sigaction(SIGBUS, &action, nullptr);
  });
  if (kind == "simple") CHECK(code == 42);
  else if (kind == "with_info") CHECK(code == 43);
#ifdef NDB_SANITIZED
  else CHECK(code != 0);
#else
  else CHECK(code == -SIGBUS);
#endif
}
