#include "bench/http/support.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

namespace ndb::bench {
namespace {

pid_t spawn(const std::vector<std::string>& words, int output) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::dup2(output, STDERR_FILENO);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

void give_up(std::string_view what) {
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

// From the scheduler, in nanoseconds: /proc/<pid>/stat counts hundredths of a second.
double scheduled_seconds(const std::filesystem::path& task) {
  std::uint64_t ns = 0;
  std::ifstream(task / "schedstat") >> ns;
  return static_cast<double>(ns) * 1e-9;
}

Daemon::Daemon(const std::filesystem::path& data, const std::string& binary, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{binary, "--data-dir", data.string(), "--listen", "127.0.0.1:0"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) give_up("no pipe");
  pid_ = spawn(words, ends[1]);
  ::close(ends[1]);
  output_ = ends[0];
  std::string said;
  std::array<char, 512> piece{};
  for (ssize_t n = 0; (n = ::read(output_, piece.data(), piece.size())) > 0;) {
    said.append(piece.data(), static_cast<std::size_t>(n));
    const auto at = said.find("listening on http://127.0.0.1:");
    if (at == std::string::npos || said.find('\n', at) == std::string::npos) continue;
    const char* const digits = said.data() + at + std::string_view("listening on http://127.0.0.1:").size();
    std::from_chars(digits, said.data() + said.size(), port_);
    return;
  }
  give_up("ndb-reader did not start: " + said);
}

Daemon::~Daemon() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::close(output_);
}

double Daemon::cpu_seconds() const {
  double seconds = 0;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_))) seconds += scheduled_seconds(task.path());
  return seconds;
}

double Daemon::private_mib() const {
  std::ifstream status(fmt::format("/proc/{}/status", pid_));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::strtod(line.c_str() + 8, nullptr) / 1024;
  }
  return 0;
}

Connection::Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("cannot connect");
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Connection::Connection(Connection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), buffer_(std::move(other.buffer_)) {}

Connection::~Connection() {
  if (socket_ >= 0) ::close(socket_);
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // receive() will tell
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

unsigned Connection::receive() {
  constexpr std::string_view kLength = "Content-Length: ";
  std::size_t header = std::string::npos;
  std::size_t wanted = std::string::npos;
  for (;;) {
    if (header == std::string::npos && (header = buffer_.find("\r\n\r\n")) != std::string::npos) {
      const std::size_t at = buffer_.find(kLength);
      if (at > header) give_up("an answer without a length");
      std::size_t length = 0;
      std::from_chars(buffer_.data() + at + kLength.size(), buffer_.data() + header, length);
      wanted = header + 4 + length;
    }
    if (wanted != std::string::npos && buffer_.size() >= wanted) break;
    std::array<char, 16'384> piece;
    const ssize_t got = ::recv(socket_, piece.data(), piece.size(), 0);
    if (got <= 0) return 0;
    buffer_.append(piece.data(), static_cast<std::size_t>(got));
  }
  unsigned status = 0;
  std::from_chars(buffer_.data() + 9, buffer_.data() + 12, status);
  buffer_.erase(0, wanted);
  return status;
}

std::vector<std::size_t> ready(const std::vector<Connection>& all, const std::vector<std::size_t>& some) {
  std::vector<pollfd> polled;
  for (const std::size_t one : some) polled.push_back({all[one].descriptor(), POLLIN, 0});
  std::vector<std::size_t> result;
  if (polled.empty() || ::poll(polled.data(), polled.size(), 0) <= 0) return result;
  for (std::size_t i = 0; i < some.size(); ++i)
    if (polled[i].revents != 0) result.push_back(some[i]);
  return result;
}

std::string post(std::string_view target, std::string_view content_type, std::string_view body) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", target, content_type,
                     body.size(), body);
}

void pin_to_core(unsigned core) {
  if (core >= std::thread::hardware_concurrency()) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

}  // namespace ndb::bench
