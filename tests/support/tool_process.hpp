// The real tool in a process of its own, with its output in a file, so that it can be killed. One thread.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace ndb::test {

class ToolProcess {
 public:
  ToolProcess(const std::string& binary, const std::vector<std::string>& words, std::filesystem::path output) : output_(std::move(output)) {
    std::vector<char*> argv = {const_cast<char*>(binary.c_str())};
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const int fd = ::open(output_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
    ::execv(binary.c_str(), argv.data());
    ::_exit(127);
  }
  ToolProcess(const ToolProcess&) = delete;
  ToolProcess& operator=(const ToolProcess&) = delete;
  ~ToolProcess() {
    if (pid_ > 0) kill();
  }

  /// Whether it has ended by itself; then code() says how.
  [[nodiscard]] bool ended() {
    int status = 0;
    if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) end(status);
    return pid_ <= 0;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    if (pid_ > 0 && ::waitpid(pid_, &status, 0) == pid_) end(status);
    return code_;
  }
  [[nodiscard]] int code() const { return code_; }
  /// Output and errors.
  [[nodiscard]] std::string output() const {
    std::ostringstream text;
    text << std::ifstream(output_).rdbuf();
    return text.str();
  }

 private:
  void end(int status) {
    pid_ = -1;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::filesystem::path output_;
  pid_t pid_ = -1;
  int code_ = -1;
};

/// Runs the tool to its end; it must succeed.
inline std::string run_tool(const std::string& binary, const std::vector<std::string>& words, const std::filesystem::path& output) {
  ToolProcess tool(binary, words, output);
  const int code = tool.wait();
  INFO(tool.output());
  REQUIRE(code == 0);
  return tool.output();
}

}  // namespace ndb::test
