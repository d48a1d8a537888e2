#include "bench/http/bare_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <unordered_map>
#include <vector>

#include "bench/http/support.hpp"

namespace ndb::bench {

BareServer::BareServer(std::size_t request_bytes, std::string answer, std::function<void()> work, unsigned core)
    : request_bytes_(request_bytes),
      answer_(std::move(answer)),
      work_(std::move(work)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 100) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    give_up("cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this, core] {
    pin_to_core(core);
    thread_id_.store(::gettid());
    serve();
  });
  while (thread_id_.load() == 0) std::this_thread::yield();
}

BareServer::~BareServer() {
  stop_.store(true);
  const Connection waker(port_);
  thread_.join();
  ::close(listener_);
}

double BareServer::cpu_seconds() const {
  return scheduled_seconds(fmt::format("/proc/self/task/{}", thread_id_.load()));
}

void BareServer::serve() {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [&](int descriptor) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
  };
  watch(listener_);
  std::unordered_map<int, std::size_t> received;
  std::vector<char> buffer(64U << 10);
  std::array<epoll_event, 64> events{};
  while (!stop_.load()) {
    const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int from = events[static_cast<std::size_t>(i)].data.fd;
      if (from == listener_) {
        const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const int on = 1;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        received[accepted] = 0;
        watch(accepted);
        continue;
      }
      const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        ::close(from);
        received.erase(from);
        continue;
      }
      std::size_t& have = received[from];
      for (have += static_cast<std::size_t>(got); have >= request_bytes_; have -= request_bytes_) {
        work_();
        if (::send(from, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) break;
      }
    }
  }
  for (const auto& [descriptor, ignored] : received) ::close(descriptor);
  ::close(poll);
}

}  // namespace ndb::bench
