#include "cli/bench/companion.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

using Clock = std::chrono::steady_clock;  // one for all processes of the machine

constexpr const char* kData = "data";
constexpr std::uint32_t kMaxInserts = 100'000;
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::microseconds kLook{50}, kBetweenInserts{500};

/// What the companion is asked to do: to follow from `seen` operations on.
struct Order {
  std::uint64_t seen = 0, inserts = 0;
  std::array<char, 65> collection{};  // its name, with a zero behind it
};

}  // namespace

/// Both processes see it. `seen` is stored after `visible` of the same operation, with release, and loaded with acquire.
struct Companion::Shared {
  std::atomic<std::uint64_t> seen = 0;  // operations
  std::atomic<bool> ready = false, failed = false;
  std::array<Clock::time_point, kMaxInserts> visible;
};

namespace {

void follow(const std::filesystem::path& data, const Order& order, Companion::Shared& shared) {
  const auto failed = [&] { shared.failed.store(true, std::memory_order_release); };
  const auto database = Database::open(data, {.read_only = true});
  if (!database) return failed();
  const auto collection = database->get_collection(order.collection.data());
  if (!collection || !collection->wait_for(Seq{order.seen}, kPatience)) return failed();
  shared.seen.store(order.seen, std::memory_order_release);
  shared.ready.store(true, std::memory_order_release);
  for (std::uint64_t i = 0; i < order.inserts; ++i) {
    if (!collection->wait_for(Seq{order.seen + i + 1}, kPatience)) return failed();
    shared.visible[i] = Clock::now();
    shared.seen.store(order.seen + i + 1, std::memory_order_release);
  }
}

// The companion's whole life. In a session of its own: Ctrl-C in the terminal is for the benchmark, and this outlives it.
[[noreturn]] void live(int pipe, const std::filesystem::path& folder, Companion::Shared& shared) {
  ::setsid();
  for (const int ignored : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(ignored, SIG_IGN);
  if (const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0)
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);  // whoever reads the benchmark's output shall see its end
  Order order;
  for (;;) {
    const ssize_t n = ::read(pipe, &order, sizeof(order));
    if (n < 0 && errno == EINTR) continue;
    if (n != static_cast<ssize_t>(sizeof(order))) break;  // the end
    follow(folder / kData, order, shared);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  ::_exit(0);
}

Result<std::filesystem::path> make_folder(const std::filesystem::path& place) {
  std::string name = (place / "ndb-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return base::fail_errno(errno, "create " + name);
  return std::filesystem::path(name);
}

}  // namespace

Result<std::unique_ptr<Companion>> Companion::start(const std::filesystem::path& place) {
  NDB_TRY_ASSIGN(const auto folder, make_folder(place));
  const auto give_up = [&folder](const char* call) {
    const int why = errno;
    std::error_code ignored;
    std::filesystem::remove(folder, ignored);
    return base::fail_errno(why, call);
  };
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return give_up("mmap");
  auto* const shared = new (memory) Shared{};
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return give_up("pipe");
  const pid_t pid = ::fork();
  if (pid < 0) return give_up("fork");
  if (pid == 0) {
    ::close(pipe[1]);
    live(pipe[0], folder, *shared);
  }
  ::close(pipe[0]);
  return std::unique_ptr<Companion>(new Companion(folder, shared, pid, pipe[1]));
}

Companion::~Companion() {
  ::close(pipe_);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ::munmap(shared_, sizeof(Shared));
}

std::filesystem::path Companion::data_dir() const { return folder_ / kData; }

Status Companion::wait_until_seen(std::uint64_t operations) const {
  const auto end = Clock::now() + kPatience;
  while (!shared_->ready.load(std::memory_order_acquire) || shared_->seen.load(std::memory_order_acquire) < operations) {
    if (shared_->failed.load(std::memory_order_acquire) || Clock::now() > end)
      return fail(ErrorCode::timeout, "the second process did not see what was written");
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

Result<std::vector<double>> Companion::measure_freshness(Collection& collection, const std::vector<std::vector<float>>& vectors, std::uint32_t inserts) {
  inserts = std::min(inserts, kMaxInserts);
  if (vectors.empty() || inserts == 0) return std::vector<double>{};
  NDB_TRY(collection.acquire_write_lock());
  NDB_TRY_ASSIGN(const auto stats, collection.stats());
  Order order{.seen = stats.seq.value, .inserts = inserts};
  collection.name().copy(order.collection.data(), order.collection.size() - 1);
  shared_->ready.store(false, std::memory_order_relaxed);  // the companion has nothing to do now
  if (::write(pipe_, &order, sizeof(order)) != static_cast<ssize_t>(sizeof(order))) return base::fail_errno(errno, "write to the second process");
  NDB_TRY(wait_until_seen(order.seen));
  std::vector<Clock::time_point> acknowledged;
  for (std::uint32_t i = 0; i < inserts; ++i) {
    NDB_TRY(collection.insert({.id = fmt::format("ndb-bench-{}", i), .vector = vectors[i % vectors.size()], .payload = {}}));
    acknowledged.push_back(Clock::now());
    NDB_TRY(wait_until_seen(order.seen + i + 1));
    std::this_thread::sleep_for(kBetweenInserts);
  }
  std::vector<double> delays;
  for (std::uint32_t i = 0; i < inserts; ++i)
    delays.push_back(std::max(0.0, std::chrono::duration<double, std::milli>(shared_->visible[i] - acknowledged[i]).count()));
  return delays;
}

}  // namespace ndb::cli
