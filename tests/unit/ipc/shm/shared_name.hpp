// A name for a control block that no other test uses; the block is gone with the object.
#pragma once

#include <unistd.h>

#include <atomic>
#include <string>

#include "ipc/shm/control_block.hpp"

namespace ndb::test {

struct SharedName {
  SharedName() : key("ndb-test-" + std::to_string(::getpid()) + "-" + std::to_string(next().fetch_add(1))) {}
  ~SharedName() { ipc::ControlBlock::remove(key); }
  SharedName(const SharedName&) = delete;
  SharedName& operator=(const SharedName&) = delete;

  [[nodiscard]] std::string file() const { return "/dev/shm/" + key; }

  std::string key;

 private:
  static std::atomic<int>& next() {
    static std::atomic<int> counter{0};
    return counter;
  }
};

}  // namespace ndb::test
