// A second process beside a benchmark: it reads the same folder, as any reader would, and says when it sees what was written. And it removes
// the benchmark's folder when that is over, however it ends: at a kill -9 of the benchmark its end of the pipe closes all the same.
//
// Threads: one; start() forks, so it comes before the process has threads and opens anything.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ndb/ndb.hpp"

namespace ndb::cli {

class Companion {
 public:
  struct Shared;

  /// Makes a new folder "ndb-bench-…" in `place`, which the companion removes in the end.
  [[nodiscard]] static Result<std::unique_ptr<Companion>> start(const std::filesystem::path& place);
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;
  /// Returns when the folder is gone.
  ~Companion();

  /// Where the benchmark's database belongs; not made yet.
  [[nodiscard]] std::filesystem::path data_dir() const;
  /// Inserts one document at a time, made of `vectors` by turns; for each, the milliseconds from the acknowledgement to the moment at which the
  /// companion saw it. `collection` is one of a database in data_dir().
  [[nodiscard]] Result<std::vector<double>> measure_freshness(Collection& collection, const std::vector<std::vector<float>>& vectors, std::uint32_t inserts);

 private:
  Companion(std::filesystem::path folder, Shared* shared, pid_t pid, int pipe) : folder_(std::move(folder)), shared_(shared), pid_(pid), pipe_(pipe) {}
  [[nodiscard]] Status wait_until_seen(std::uint64_t operations) const;

  const std::filesystem::path folder_;
  Shared* const shared_;
  const pid_t pid_;
  const int pipe_;  // to the companion
};

}  // namespace ndb::cli
