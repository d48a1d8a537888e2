// Chunks on their way from the thread that reads to one that writes: two wait at most, so that neither side stands still because the other
// takes a moment longer for one chunk.
//
// Threads: put() and finish() from one thread; `take` runs in the conveyor's own, in the order of the chunks. After a chunk that could not be
// taken none is.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "cli/import/document_source.hpp"

namespace ndb::cli {

class Conveyor {
 public:
  using Take = std::function<Status(Chunk&)>;

  explicit Conveyor(Take take);
  Conveyor(const Conveyor&) = delete;
  Conveyor& operator=(const Conveyor&) = delete;
  ~Conveyor();

  /// Hands the chunk over, and gives one to fill in its place. The error of an earlier chunk, if there is one.
  [[nodiscard]] Status put(Chunk& chunk);
  /// Returns when all were taken, or one was not.
  [[nodiscard]] Status finish();

 private:
  void work();

  const Take take_;
  std::mutex mutex_;  // for what follows
  std::condition_variable changed_;
  std::deque<Chunk> full_;
  std::vector<Chunk> used_;  // taken; their memory serves again
  Status status_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace ndb::cli
