// What was committed to the log, for whoever cannot see its files, or sees them late: readers on other hosts ask for what follows a place in
// a WAL file, and are answered as soon as there is something.
//
// Threads: committed() and published() from the writer's, cheap unless somebody waits. The rest from any. One thread of its own, from the
// first who has to wait on, answers.
// Invariants: bytes are handed out only once they are committed. Each caller is answered exactly once, at the latest by close().
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "shared/format/file_names.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::writer {

/// What a follower has: all of a WAL file before `offset`, and a manifest.
struct WalPlace {
  format::WalName file;
  std::uint64_t offset = 0;
  ManifestVersion manifest{};
};

struct WalChunk {
  std::vector<std::byte> bytes;          ///< of the file that was asked for, from the offset that was asked for
  std::optional<format::WalName> next;   ///< the file that goes on, once the one that was asked for ends at the offset
  ManifestVersion manifest{};            ///< the newest
};

class WalFeed {
 public:
  static constexpr std::size_t kMostBytes = 4U << 20;  // of a chunk
  static constexpr std::size_t kMostWaiting = 1'024;
  using Clock = std::chrono::steady_clock;
  /// not_found: the file is gone, and a newer manifest is there. unavailable: this process writes no more.
  using Answer = std::move_only_function<void(Result<WalChunk>)>;

  WalFeed(fs::FileSystem& fs, fs::Path collection) : fs_(fs), collection_(std::move(collection)) {}
  WalFeed(const WalFeed&) = delete;
  WalFeed& operator=(const WalFeed&) = delete;
  ~WalFeed() { close(); }

  /// The log is committed up to `bytes` of this file. Call it for the first file before anything is asked for.
  void committed(format::WalName file, std::uint64_t bytes);
  void published(ManifestVersion version);
  /// Answers with what follows the place, with nothing at the deadline. At once, on the calling thread, if there is something or too many wait
  /// (overloaded); later on another.
  void when_more(const WalPlace& place, Clock::time_point deadline, Answer answer);
  /// Answers all who wait, and whoever asks later, with unavailable.
  void close();

 private:
  struct Waiting {
    WalPlace place;
    Clock::time_point deadline;
    Answer answer;
  };
  struct Known {
    format::WalName file;  // the newest that was committed to
    std::uint64_t bytes = 0;
    ManifestVersion manifest{};
  };

  [[nodiscard]] bool has_more(const WalPlace& place) const;
  [[nodiscard]] Result<WalChunk> read(const WalPlace& place);
  [[nodiscard]] std::optional<format::WalName> file_after(format::WalName file);
  std::vector<Waiting> take_ready();
  void run();

  fs::FileSystem& fs_;
  const fs::Path collection_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  Known known_;
  std::deque<format::WalName> files_;  // that were committed to, the newest last
  std::deque<Waiting> waiting_;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace ndb::writer
