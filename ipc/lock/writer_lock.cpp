#include "ipc/lock/writer_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json.hpp>
#include <cerrno>
#include <chrono>
#include <climits>
#include <ctime>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "shared/base/result.hpp"

namespace ndb::ipc {
namespace {

constexpr std::size_t kMaxHolderBytes = 4096;
// Another process may delete and make the folder anew just while we lock; it cannot go on doing that.
constexpr int kMaxReplacements = 100;
// A holder writes its name right after it got the lock: who comes in between looks again for this long.
constexpr int kHolderReads = 20;
constexpr std::chrono::milliseconds kHolderPause{5};

// A forked child shares the parent's open file description, and with it the lock: it would keep the lock alive after the
// parent's death. So children close every descriptor that holds one.
class HeldDescriptors {
 public:
  static HeldDescriptors& instance() {
    static HeldDescriptors descriptors;
    return descriptors;
  }
  void add(int descriptor) {
    const std::lock_guard guard(mutex_);
    descriptors_.push_back(descriptor);
  }
  void close(int descriptor) {
    const std::lock_guard guard(mutex_);
    std::erase(descriptors_, descriptor);
    ::close(descriptor);
  }
  [[nodiscard]] std::uint64_t fork_generation() const noexcept { return fork_generation_.load(std::memory_order_relaxed); }

 private:
  HeldDescriptors() {
    ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                     [] { instance().forget_in_child(); });
  }
  void forget_in_child() {
    for (const int descriptor : descriptors_) ::close(descriptor);
    descriptors_.clear();
    fork_generation_.fetch_add(1, std::memory_order_relaxed);
    mutex_.unlock();
  }

  std::mutex mutex_;
  std::vector<int> descriptors_;  // guarded by mutex_
  std::atomic<std::uint64_t> fork_generation_{0};
};

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), length};
}

Result<int> open_lock_file(const std::filesystem::path& path) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor >= 0) return descriptor;
  const int reason = errno;
  auto error = base::errno_error(reason, fmt::format("cannot open the lock file {}", path.string()));
  if (reason == EROFS) error.code = ErrorCode::read_only;
  return std::unexpected(std::move(error));
}

// 0, or errno.
int try_lock(int descriptor) {
  struct flock range{};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  while (::fcntl(descriptor, F_OFD_SETLK, &range) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

bool still_named(int descriptor, const std::filesystem::path& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

// The lock is what counts: on a full volume it is held all the same, only without a name.
void write_holder(int descriptor) {
  const boost::json::value holder = {{"pid", static_cast<std::uint64_t>(::getpid())}, {"host", host_name()}, {"since", utc_now()}};
  const std::string text = boost::json::serialize(holder) + "\n";
  if (::ftruncate(descriptor, 0) != 0) return;
  if (::pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    static_cast<void>(::ftruncate(descriptor, 0) == 0);
}

// Printable ASCII only: it goes into messages and logs.
std::string text_field(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  std::string text(value->get_string().c_str());
  if (text.size() > 256) text.resize(256);
  std::ranges::replace_if(text, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

std::optional<LockHolder> read_holder(int descriptor) {
  std::array<char, kMaxHolderBytes> bytes{};
  const ssize_t length = ::pread(descriptor, bytes.data(), bytes.size(), 0);
  if (length <= 0) return std::nullopt;
  try {
    boost::system::error_code error;
    const auto value = boost::json::parse({bytes.data(), static_cast<std::size_t>(length)}, error);
    if (error || !value.is_object()) return std::nullopt;
    const auto* pid = value.get_object().if_contains("pid");
    LockHolder holder{0, text_field(value.get_object(), "host"), text_field(value.get_object(), "since")};
    boost::system::error_code no_number;
    if (pid != nullptr) holder.pid = pid->to_number<std::uint64_t>(no_number);
    if (holder.pid == 0 || holder.host.empty()) return std::nullopt;
    return holder;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

// What a killed holder left behind is there until the next one has written its own name over it.
bool left_behind(const LockHolder& holder) {
  return holder.host == host_name() && ::kill(static_cast<pid_t>(holder.pid), 0) != 0 && errno == ESRCH;
}

std::optional<LockHolder> wait_for_holder(int descriptor) {
  std::optional<LockHolder> holder;
  for (int i = 0; i < kHolderReads; ++i) {
    holder = read_holder(descriptor);
    if (holder && !left_behind(*holder)) return holder;
    std::this_thread::sleep_for(kHolderPause);
  }
  return holder;  // perhaps a process of another pid namespace under the same host name
}

std::unexpected<Error> locked_error(int descriptor, const std::filesystem::path& path) {
  const auto holder = wait_for_holder(descriptor);
  const std::string by = holder ? fmt::format("pid {} on host {} since {}", holder->pid, holder->host, holder->since)
                                : std::string("another process");
  return fail(ErrorCode::collection_locked, fmt::format("{} is locked by {}", path.string(), by));
}

std::unexpected<Error> lock_error(int reason, int descriptor, const std::filesystem::path& path) {
  auto error = reason == EAGAIN || reason == EACCES ? locked_error(descriptor, path)
                                                    : base::fail_errno(reason, fmt::format("cannot lock {}", path.string()));
  ::close(descriptor);
  return error;
}

}  // namespace

Result<WriterLock> WriterLock::acquire(const std::filesystem::path& lock_file) {
  HeldDescriptors& held = HeldDescriptors::instance();
  for (int i = 0; i < kMaxReplacements; ++i) {
    NDB_TRY_ASSIGN(const int descriptor, open_lock_file(lock_file));
    if (const int reason = try_lock(descriptor); reason != 0) return lock_error(reason, descriptor, lock_file);
    if (still_named(descriptor, lock_file)) {
      held.add(descriptor);
      write_holder(descriptor);
      return WriterLock(descriptor, held.fork_generation());
    }
    ::close(descriptor);  // locked a file that has no name any more
  }
  return fail(ErrorCode::io_error, fmt::format("{} is replaced again and again", lock_file.string()));
}

WriterLock::WriterLock(WriterLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), fork_generation_(other.fork_generation_) {}

WriterLock& WriterLock::operator=(WriterLock&& other) noexcept {
  if (this != &other) {
    release();
    descriptor_ = std::exchange(other.descriptor_, -1);
    fork_generation_ = other.fork_generation_;
  }
  return *this;
}

WriterLock::~WriterLock() { release(); }

bool WriterLock::held() const noexcept {
  return descriptor_ >= 0 && fork_generation_ == HeldDescriptors::instance().fork_generation();
}

void WriterLock::release() noexcept {
  // In a forked child the number may belong to another file by now.
  if (held()) {
    static_cast<void>(::ftruncate(descriptor_, 0) == 0);
    HeldDescriptors::instance().close(descriptor_);
  }
  descriptor_ = -1;
}

}  // namespace ndb::ipc
