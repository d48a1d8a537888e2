// The second process of the probe: a child that does to the probed folder what it is told, at the same time as its parent.
//
// Threads: the parent must have one thread when it makes one (it forks); an object belongs to that thread. The child ends when it is told
// to, or when its parent is gone.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>

#include "ndb/error.hpp"

namespace ndb::ipc {

class ProbePeer {
 public:
  /// What the child does for a command; it calls `wait_for_start` right before what is to happen at the same time as in the parent.
  using Work = std::function<std::uint8_t(char command, std::uint32_t number, const std::function<void()>& wait_for_start)>;
  /// The child's answer when it is gone or did not answer in time.
  static constexpr std::uint8_t kNoAnswer = 0xFF;

  [[nodiscard]] static Result<ProbePeer> start(const Work& work);
  ProbePeer(ProbePeer&& other) noexcept;
  ProbePeer& operator=(ProbePeer&&) = delete;
  ~ProbePeer();

  /// Sends a command; the child may begin, but waits where it wants to be started.
  void tell(char command, std::uint32_t number = 0);
  /// Waits until the child waits, and lets it go on.
  void let_go();
  /// The answer to the last command.
  [[nodiscard]] std::uint8_t answer();
  /// tell() and answer(), for commands that wait for no start.
  [[nodiscard]] std::uint8_t ask(char command, std::uint32_t number = 0);
  /// As `kill -9`; its locks must be free when this returns.
  void kill();

 private:
  struct Shared {  // in memory that both processes have; lock-free, so that it works between processes
    const pid_t parent;
    std::atomic<std::uint32_t> waiting{0};  // the child increments it (release) when it waits; acquire by let_go()
    std::atomic<std::uint32_t> started{0};  // let_go() sets it (release) to `waiting`; acquire by the child
  };
  static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

  ProbePeer(int socket, pid_t child, Shared* shared) noexcept : socket_(socket), child_(child), shared_(shared) {}
  [[noreturn]] static void serve(int socket, Shared& shared, const Work& work);

  int socket_ = -1;
  pid_t child_ = -1;
  Shared* shared_ = nullptr;
  std::uint32_t started_ = 0;
};

}  // namespace ndb::ipc
