#include "shared/fs/mapped_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <limits>
#include <string>

namespace ndb::fs {
namespace {

// Of the limit: the rest is for what is not mapped, and for other processes of the group. A merge, whose sources and result are mapped for a while,
// shall not tip it to and fro.
constexpr double kMostMapped = 0.6;
constexpr double kAmpleMapped = 0.45;

// The limit in a file of a control group; none if there is no such file, or it says "max".
std::uint64_t limit_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t limit = 0;
  return file >> limit ? limit : std::numeric_limits<std::uint64_t>::max();
}

// Of a group and of all above it.
std::uint64_t least_limit(const std::string& root, std::string group, const char* name) {
  std::uint64_t least = limit_in(root + "/" + name);  // in a container the group's own folder is often mounted as the root
  while (group.size() > 1) {
    least = std::min(least, limit_in(root + group + "/" + name));
    group.resize(group.rfind('/'));
  }
  return least;
}

std::uint64_t control_group_limit() {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:/group
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
    if (controllers.empty()) least = std::min(least, least_limit("/sys/fs/cgroup", group, "memory.max"));
    if (controllers == "memory") least = std::min(least, least_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

// Advice is a wish: what the system makes of it is not asked. Where huge pages are wished for, Linux reads whole ones, whatever else is said.
void read_nothing_ahead(void* begin, std::size_t bytes) noexcept {
  ::madvise(begin, bytes, MADV_NOHUGEPAGE);
  ::madvise(begin, bytes, MADV_RANDOM);
}
void read_ahead(void* begin, std::size_t bytes) noexcept {
  ::madvise(begin, bytes, MADV_NORMAL);
  ::madvise(begin, bytes, MADV_HUGEPAGE);
}

}  // namespace

std::uint64_t memory_limit() noexcept {
  static const std::uint64_t limit = [] {
    const long pages = ::sysconf(_SC_PHYS_PAGES), page_bytes = ::sysconf(_SC_PAGESIZE);
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    if (pages > 0 && page_bytes > 0) least = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
    try {
      return std::min(least, control_group_limit());
    } catch (const std::exception&) {  // without memory there is no answer, and none is needed
      return least;
    }
  }();
  return limit;
}

MappedMemory& MappedMemory::instance() {
  static auto* const memory = new MappedMemory(memory_limit());  // never destroyed: mappings may outlive all else
  return *memory;
}

void MappedMemory::add(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  mapped_ += bytes;
  if (short_ || static_cast<double>(mapped_) <= kMostMapped * static_cast<double>(limit_)) return;
  short_ = true;
  for (const Random& mapping : random_) read_nothing_ahead(mapping.begin, mapping.bytes);
}

void MappedMemory::remove(std::size_t bytes) noexcept {
  const std::scoped_lock lock(mutex_);
  mapped_ -= bytes;
  if (!short_ || static_cast<double>(mapped_) > kAmpleMapped * static_cast<double>(limit_)) return;
  short_ = false;
  for (const Random& mapping : random_) read_ahead(mapping.begin, mapping.bytes);
}

void MappedMemory::read_at_random(void* begin, std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  random_.push_back({begin, bytes});
  if (short_) read_nothing_ahead(begin, bytes);
}

void MappedMemory::forget(void* begin) noexcept {
  const std::scoped_lock lock(mutex_);
  std::erase_if(random_, [&](const Random& mapping) { return mapping.begin == begin; });
}

void MappedMemory::will_need(const void* begin, std::size_t bytes) noexcept {
  if (bytes == 0 || !is_short()) return;
  static const auto page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(begin), first = address / page_bytes * page_bytes;
  ::madvise(reinterpret_cast<void*>(first), address + bytes - first, MADV_WILLNEED);
}

bool MappedMemory::is_short() noexcept {
  const std::scoped_lock lock(mutex_);
  return short_;
}

}  // namespace ndb::fs
