#include "tests/support/daemon_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace ndb::test {
namespace {

constexpr std::size_t kMaxLogBytes = 16U << 20;

struct Child {
  pid_t pid;
  int output;  // its standard output and error
};

Child spawn(const std::string& program, const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    for (const auto& variable : environment) ::putenv(const_cast<char*>(variable.c_str()));
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

int exit_code_of(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

DaemonProcess::DaemonProcess(const std::string& program, std::vector<std::string> arguments,
                             const std::vector<std::string>& environment) {
  arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0"});
  const Child child = spawn(program, arguments, environment);
  pid_ = child.pid;
  output_ = child.output;
  const std::string marker = "listening on ";
  std::string said;
  for (;;) {
    std::array<char, 512> piece{};
    const ssize_t n = ::read(output_, piece.data(), piece.size());
    if (n <= 0) {
      ::close(output_);
      throw DidNotStart(program + " did not start: " + said, exit_code_of(pid_));
    }
    said.append(piece.data(), static_cast<std::size_t>(n));
    const auto at = said.find(marker);
    if (at == std::string::npos || said.find('\n', at) == std::string::npos) continue;
    const auto begin = at + marker.size();
    url_ = said.substr(begin, said.find_first_of(" \n", begin) - begin);
    break;
  }
  // A daemon whose output nobody reads would block once the pipe is full.
  log_ = std::move(said);
  drain_ = std::thread([this] {
    std::array<char, 4096> piece{};
    for (ssize_t n = 0; (n = ::read(output_, piece.data(), piece.size())) > 0;) {
      const std::lock_guard lock(log_mutex_);
      if (log_.size() < kMaxLogBytes) log_.append(piece.data(), static_cast<std::size_t>(n));
    }
  });
}

std::string DaemonProcess::log() {
  const std::lock_guard lock(log_mutex_);
  return log_;
}

DaemonProcess::~DaemonProcess() {
  if (pid_ > 0) static_cast<void>(stop(SIGKILL));
  if (drain_.joinable()) drain_.join();  // the pipe ends with the process
  if (output_ >= 0) ::close(output_);
}

http::Client DaemonProcess::connect() const {
  auto client = http::Client::connect(url_);
  if (!client) throw std::runtime_error(client.error().message);
  return std::move(*client);
}

int DaemonProcess::stop(int signal) {
  ::kill(pid_, signal);
  return wait();
}

int DaemonProcess::wait() {
  const int code = exit_code_of(pid_);
  pid_ = -1;
  return code;
}

Finished run_to_end(const std::string& program, const std::vector<std::string>& arguments) {
  const Child child = spawn(program, arguments, {});
  Finished finished;
  std::array<char, 4096> piece{};
  for (ssize_t n = 0; (n = ::read(child.output, piece.data(), piece.size())) > 0;)
    finished.output.append(piece.data(), static_cast<std::size_t>(n));
  ::close(child.output);
  finished.exit_code = exit_code_of(child.pid);
  return finished;
}

}  // namespace ndb::test
