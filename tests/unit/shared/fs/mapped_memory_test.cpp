#include "shared/fs/mapped_memory.hpp"

#include <sys/mman.h>

#include <fstream>
#include <string>

#include "tests/support/catch.hpp"

namespace {

using ndb::fs::MappedMemory;

constexpr std::size_t kBytes = 64UL * 4096;

class Pages {
 public:
  Pages() : begin_(::mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) { REQUIRE(begin_ != MAP_FAILED); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { ::munmap(begin_, kBytes); }
  [[nodiscard]] void* begin() const { return begin_; }

  /// Whether the kernel reads nothing ahead here.
  [[nodiscard]] bool read_at_random() const {
    std::ifstream maps("/proc/self/smaps");
    bool mine = false;
    for (std::string line; std::getline(maps, line);) {
      if (line.find('-') < 17 && line.find(' ') > line.find('-')) {
        const auto first = std::stoull(line, nullptr, 16), last = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
        const auto at = reinterpret_cast<std::uintptr_t>(begin_);
        mine = first <= at && at < last;
      }
      if (mine && line.starts_with("VmFlags:")) return line.find(" rr") != std::string::npos;
    }
    FAIL("the mapping is not among those of this process");
    return false;
  }

 private:
  void* begin_;
};

TEST_CASE("nothing is read ahead at random while more is mapped than is likely to stay in memory") {
  const Pages early, late, forgotten;
  MappedMemory memory(100'000);
  memory.read_at_random(early.begin(), kBytes);
  memory.read_at_random(forgotten.begin(), kBytes);
  memory.forget(forgotten.begin());
  memory.add(50'000);
  CHECK_FALSE(memory.is_short());
  CHECK_FALSE(early.read_at_random());
  memory.remove(50'000);
  memory.add(55'000);
  CHECK_FALSE(memory.is_short());
  memory.add(10'000);
  CHECK(memory.is_short());
  CHECK(early.read_at_random());
  CHECK_FALSE(forgotten.read_at_random());
  memory.read_at_random(late.begin(), kBytes);
  CHECK(late.read_at_random());
  memory.will_need(static_cast<const char*>(late.begin()) + 5'000, 10'000);  // no page of its own at either end
  memory.remove(15'000);
  CHECK(memory.is_short());
  memory.remove(10'000);
  CHECK_FALSE(memory.is_short());
  CHECK_FALSE(early.read_at_random());
  CHECK_FALSE(late.read_at_random());
  memory.add(30'000);
  CHECK(memory.is_short());
  CHECK(early.read_at_random());
}

TEST_CASE("there is a limit, and it is no more than the machine has") {
  const auto limit = ndb::fs::memory_limit();
  CHECK(limit > (std::uint64_t{16} << 20));
  std::ifstream info("/proc/meminfo");
  std::string name;
  std::uint64_t kilobytes = 0;
  REQUIRE(info >> name >> kilobytes);
  REQUIRE(name == "MemTotal:");
  CHECK(limit <= kilobytes * 1024 + (std::uint64_t{64} << 20));
}

}  // namespace
