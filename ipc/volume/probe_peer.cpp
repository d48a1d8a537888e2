#include "ipc/volume/probe_peer.hpp"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>
#include <utility>

#include "shared/base/result.hpp"

namespace ndb::ipc {
namespace {

struct Message {
  char command = 0;
  std::uint32_t number = 0;
};

constexpr int kAnswerTimeoutMs = 30'000;  // a volume that needs longer for one step is as good as none

}  // namespace

Result<ProbePeer> ProbePeer::start(const Work& work) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return base::fail_errno(errno, "socketpair");
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Shared* const shared = memory == MAP_FAILED ? nullptr : new (memory) Shared{.parent = ::getpid()};
  const pid_t child = shared == nullptr ? -1 : ::fork();
  if (child < 0) {
    const int reason = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    if (memory != MAP_FAILED) ::munmap(memory, sizeof(Shared));
    return base::fail_errno(reason, "starting a second process");
  }
  if (child == 0) {
    ::close(ends[0]);
    serve(ends[1], *shared, work);
  }
  ::close(ends[1]);
  return ProbePeer(ends[0], child, shared);
}

ProbePeer::ProbePeer(ProbePeer&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      child_(std::exchange(other.child_, -1)),
      shared_(std::exchange(other.shared_, nullptr)),
      started_(other.started_) {}

ProbePeer::~ProbePeer() {
  if (socket_ >= 0) ::close(socket_);  // the child takes this as the end
  if (child_ > 0) kill();
  if (shared_ != nullptr) ::munmap(shared_, sizeof(Shared));
}

void ProbePeer::serve(int socket, Shared& shared, const Work& work) {
  const auto wait_for_start = [&] {
    const std::uint32_t turn = shared.waiting.fetch_add(1, std::memory_order_release) + 1;
    while (shared.started.load(std::memory_order_acquire) < turn) {
      ::sched_yield();
      if (::getppid() != shared.parent) ::_exit(0);  // it died meanwhile
    }
  };
  Message message;
  while (::recv(socket, &message, sizeof message, 0) == static_cast<ssize_t>(sizeof message)) {
    const std::uint8_t answer = work(message.command, message.number, wait_for_start);
    if (::send(socket, &answer, 1, MSG_NOSIGNAL) != 1) break;
  }
  ::_exit(0);
}

void ProbePeer::tell(char command, std::uint32_t number) {
  const Message message{command, number};
  static_cast<void>(::send(socket_, &message, sizeof message, MSG_NOSIGNAL));  // a child that is gone does not answer either
}

void ProbePeer::let_go() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kAnswerTimeoutMs);
  while (shared_->waiting.load(std::memory_order_acquire) <= started_ && std::chrono::steady_clock::now() < end) ::sched_yield();
  shared_->started.store(++started_, std::memory_order_release);
}

std::uint8_t ProbePeer::answer() {
  pollfd waiting{socket_, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, kAnswerTimeoutMs);
  } while (ready < 0 && errno == EINTR);
  std::uint8_t answer = kNoAnswer;
  if (ready != 1 || ::recv(socket_, &answer, 1, 0) != 1) return kNoAnswer;
  return answer;
}

std::uint8_t ProbePeer::ask(char command, std::uint32_t number) {
  tell(command, number);
  return answer();
}

void ProbePeer::kill() {
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
}

}  // namespace ndb::ipc
