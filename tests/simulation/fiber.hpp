// A stackful fiber (Boost.Context): a function that can stop in the middle of any call and go on later, all on one thread.
//
// Threads: one. A fiber must have finished before it is destroyed: its stack holds live objects of the product.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace ndb::sim {

class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Called outside of every fiber: runs this one until it pauses or ends.
  void resume();
  /// Called inside: back to whoever resumed.
  void pause();
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  /// What ended the body if it was an exception; empty otherwise.
  [[nodiscard]] const std::string& exception() const noexcept { return exception_; }

 private:
  struct Switch;
  void run();

  std::function<void()> body_;
  std::unique_ptr<Switch> switch_;
  bool finished_ = false;
  std::string exception_;
};

}  // namespace ndb::sim
