// Which process made an object: after fork() a child has copies of the parent's objects but none of its threads, so locks may be held
// for ever and nobody follows the log. The child's copies answer an error instead, and are never destroyed.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <memory>

#include "ndb/error.hpp"

namespace ndb::embedded {

class ForkMark {
 public:
  /// Marks what is made with it as of this process.
  ForkMark() noexcept;
  /// Whether this process is a fork of the one that made the mark.
  [[nodiscard]] bool inherited() const noexcept;
  /// unavailable if it is.
  [[nodiscard]] Status check() const;

 private:
  std::uint64_t generation_;
};

/// Keeps what cannot be destroyed here: its threads, which would have to be waited for, do not exist.
void keep_for_ever(std::shared_ptr<void> inherited);

}  // namespace ndb::embedded
