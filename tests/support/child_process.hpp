// A forked child that runs a function, tells the parent one line at a time through a pipe, and waits for the parent's
// words through another: two processes meet at agreed points, without sleeping. One thread.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ndb::test {

class ChildProcess {
 public:
  /// The child's side of the pipes.
  class Line {
   public:
    Line(int in, int out) : in_(in), out_(out) {}
    void say(std::string text) const {
      text += '\n';
      if (::write(out_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(97);
    }
    /// The next line from the other side; empty when it is gone.
    [[nodiscard]] std::string hear() const {
      std::string text;
      for (char c = 0; ::read(in_, &c, 1) == 1 && c != '\n';) text += c;
      return text;
    }

   private:
    int in_;
    int out_;
  };

  /// body returns the exit code.
  explicit ChildProcess(const std::function<int(const Line&)>& body) {
    std::array<int, 2> to_child{};
    std::array<int, 2> to_parent{};
    if (::pipe(to_child.data()) != 0 || ::pipe(to_parent.data()) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
      ::close(to_child[1]);
      ::close(to_parent[0]);
      ::_exit(body(Line(to_child[0], to_parent[1])));
    }
    ::close(to_child[0]);
    ::close(to_parent[1]);
    in_ = to_parent[0];
    out_ = to_child[1];
  }
  ~ChildProcess() {
    kill();
    join();
    ::close(in_);
    ::close(out_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void say(std::string_view text) const { Line(in_, out_).say(std::string(text)); }
  [[nodiscard]] std::string hear() const { return Line(in_, out_).hear(); }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// kill -9. Afterwards the child is a zombie until join().
  void kill() const noexcept {
    if (!joined_) ::kill(pid_, SIGKILL);
  }
  /// Waits for its end; the exit code, or minus the signal that ended it.
  int join() {
    if (joined_) return code_;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    joined_ = true;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return code_;
  }

 private:
  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  bool joined_ = false;
  int code_ = 0;
};

}  // namespace ndb::test
