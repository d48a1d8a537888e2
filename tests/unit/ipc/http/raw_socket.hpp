// A TCP connection for tests that must say what no HTTP library would. Threads: one.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace ndb::test {

class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;
  ~RawSocket() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] bool connected() const { return connected_; }

  // False once the server has closed.
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Closes at once, with RST instead of FIN.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(fd_, -1));
  }
  void shutdown_send() const { ::shutdown(fd_, SHUT_WR); }

  // Reads until `count` times `needle` have come, the server closes, or ten seconds have passed without a byte.
  std::string read_until(std::string_view needle, int count = 1) {
    while (occurrences(received_, needle) < count && read_some()) {
    }
    return received_;
  }
  // Reads on until more than so many bytes have come.
  std::string read_bytes(std::size_t count) {
    while (received_.size() <= count && read_some()) {
    }
    return received_;
  }
  // Everything up to the server's close; `closed()` tells whether that came.
  std::string read_all() {
    while (read_some()) {
    }
    return received_;
  }
  [[nodiscard]] bool closed() const { return closed_; }

  static int occurrences(std::string_view text, std::string_view needle) {
    int found = 0;
    for (std::size_t at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at + 1)) ++found;
    return found;
  }

 private:
  bool read_some() {
    pollfd waiting{fd_, POLLIN, 0};
    int ready = 0;
    while ((ready = ::poll(&waiting, 1, 10'000)) < 0 && errno == EINTR) {  // a fuzzer has an alarm of its own
    }
    if (ready <= 0) return false;
    char buffer[16384];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) {
      closed_ = true;
      return false;
    }
    received_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string received_;
};

}  // namespace ndb::test
