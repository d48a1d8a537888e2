#include "ipc/shm/process_identity.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

namespace ndb::ipc {
namespace {

struct KernelRecord {
  char state = '?';
  std::uint64_t start_ticks = 0;
};

// Field `number` (from 3) of a stat line whose first two fields, the pid and the "(name)", are cut off already.
std::string_view field(std::string_view rest, int number) {
  for (int i = 3; i < number; ++i) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return {};
    rest.remove_prefix(space + 1);
  }
  return rest.substr(0, rest.find(' '));
}

std::optional<KernelRecord> parse_stat(std::string_view text) {
  const std::size_t name_end = text.rfind(')');  // the name may hold anything, ')' and spaces included
  if (name_end == std::string_view::npos || name_end + 2 >= text.size()) return std::nullopt;
  const std::string_view rest = text.substr(name_end + 2);
  const std::string_view ticks = field(rest, 22);
  KernelRecord record{rest.front(), 0};
  if (std::from_chars(ticks.data(), ticks.data() + ticks.size(), record.start_ticks).ec != std::errc()) return std::nullopt;
  return record;
}

std::optional<KernelRecord> read_record(std::uint64_t pid) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%llu/stat", static_cast<unsigned long long>(pid));
  const int descriptor = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  std::array<char, 1024> text{};
  const ssize_t length = ::read(descriptor, text.data(), text.size());
  ::close(descriptor);
  if (length <= 0) return std::nullopt;
  return parse_stat({text.data(), static_cast<std::size_t>(length)});
}

std::uint64_t own_pid_namespace() {
  struct stat info{};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

}  // namespace

ProcessIdentity this_process() noexcept {
  const auto pid = static_cast<std::uint64_t>(::getpid());
  const auto record = read_record(pid);
  return {pid, record ? record->start_ticks : 0, own_pid_namespace()};
}

Liveness liveness_of(const ProcessIdentity& process) noexcept {
  static const std::uint64_t own_namespace = own_pid_namespace();  // a process cannot change its own
  if (process.pid_namespace != own_namespace) return Liveness::unknown;
  constexpr std::uint64_t kMaxPid = 1U << 22;  // PID_MAX_LIMIT of Linux
  if (process.pid == 0 || process.pid > kMaxPid) return Liveness::dead;
  if (::kill(static_cast<pid_t>(process.pid), 0) != 0 && errno == ESRCH) return Liveness::dead;
  const auto record = read_record(process.pid);
  if (!record) return Liveness::alive;
  if (record->state == 'Z' || record->state == 'X') return Liveness::dead;
  const bool recycled = process.start_ticks != 0 && process.start_ticks != record->start_ticks;
  return recycled ? Liveness::dead : Liveness::alive;
}

}  // namespace ndb::ipc
