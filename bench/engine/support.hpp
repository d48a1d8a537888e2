// What the engine's benchmarks share: data that looks like embeddings, reader processes, percentiles.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "ndb/ndb.hpp"

namespace ndb::bench {

using Clock = std::chrono::steady_clock;

[[nodiscard]] inline double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Of the calling thread: turns that others get do not count.
[[nodiscard]] double thread_cpu_seconds();

/// The value below which `share` of them lie.
[[nodiscard]] double percentile(std::vector<double> values, double share);

/// Row `row` of a clustered data set of any size: 500 centres, noise around them; the same on every call.
[[nodiscard]] std::vector<float> clustered_row(std::uint64_t row, std::uint32_t dim);

/// Makes (or finds again) a collection "docs" of `rows` clustered rows, in one indexed segment, in folder/<rows>x<dim>; the path.
[[nodiscard]] std::filesystem::path make_data(const std::filesystem::path& folder, std::uint64_t rows, std::uint32_t dim);

[[nodiscard]] std::filesystem::path reader_binary();
/// Of a process: its private memory, and with it what it has mapped of files and is cached; in MiB.
struct Memory {
  double anonymous = 0.0, with_files = 0.0;
};
[[nodiscard]] Memory memory_of(pid_t pid);

/// A real ndb-reader on a folder, on a port of its own.
class ReaderProcess {
 public:
  explicit ReaderProcess(const std::filesystem::path& data);
  ~ReaderProcess();
  ReaderProcess(const ReaderProcess&) = delete;
  ReaderProcess& operator=(const ReaderProcess&) = delete;
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Tries until the reader listens, then sends the request; the answer's body. Exits the program if it is no 200.
  [[nodiscard]] std::string post(const std::string& target, const std::string& body) const;
  /// Asks /readyz until it says so.
  void wait_until_ready() const;

 private:
  [[nodiscard]] std::string ask(const std::string& request) const;
  pid_t pid_;
  int port_;
};

/// The body of a search for row `row`; its answer begins with that row.
[[nodiscard]] std::string search_body(std::uint64_t row, std::uint32_t dim);

template <class T>
T must(Result<T> result) {
  if (!result) {
    fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(*result);
}

}  // namespace ndb::bench
