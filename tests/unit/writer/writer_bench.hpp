// A collection with the parts of its writer wired together as CollectionWriter does, but without threads of their own: a test says
// when something is flushed, merged or collected. One thread, except where CommitLog itself allows more.
#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/contents.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/support/temp_folder.hpp"
#include "writer/segments/collector.hpp"
#include "writer/create_collection.hpp"
#include "writer/fencing.hpp"
#include "writer/segments/merge.hpp"
#include "writer/publish.hpp"

namespace ndb::test {

/// The fallible part of a test that must work.
template <class T>
void must(const Result<T>& result) {
  if (!result) FAIL(error_code_name(result.error().code) << ": " << result.error().message);
}

class Engine {
 public:
  Engine(fs::FileSystem& fs, fs::Path collection, writer::TakenOver taken, const writer::WriterOptions& options)
      : collection_(std::move(collection)), manifest_(taken.manifest), log(fs, collection_, options, std::move(taken),
        [](Seq, format::WalName, std::uint64_t) {}, [] {}),
        publisher(fs, collection_, log, manifest_, [](ManifestVersion) {}),
        context{fs, collection_, log, publisher, pending} {}

  Result<WriteResult> put(const std::vector<std::string>& ids, float value) {
    format::WalBodyBuilder body;
    for (const auto& id : ids) body.put(id, std::vector<float>{value, 1.0F}, {});
    return log.write(body);
  }
  Result<WriteResult> remove(const std::vector<std::string>& ids) {
    format::WalBodyBuilder body;
    for (const auto& id : ids) body.remove(id);
    return log.write(body);
  }
  /// Freezes and flushes everything.
  void flush() {
    flush_frozen();
    must(log.freeze());
    flush_frozen();
  }
  [[nodiscard]] Contents contents() { return contents(log.state().applied_seq()); }
  [[nodiscard]] Contents contents(Seq at) { return test::contents(*log.state().snapshot(), at); }
  [[nodiscard]] std::vector<SegmentId> segment_ids() const {
    std::vector<SegmentId> ids;
    const auto manifest = publisher.current();
    for (const auto& segment : manifest->segments) ids.push_back(segment.id);
    return ids;
  }

 private:
  void flush_frozen() {
    for (;;) {
      const auto flushed = writer::flush_oldest(context, {});
      must(flushed);
      if (!*flushed) break;
    }
    if (log.needs_next()) must(publisher.publish([](format::Manifest&) -> Status { return {}; }));
  }

  const fs::Path collection_;
  const std::shared_ptr<const format::Manifest> manifest_;

 public:
  writer::CommitLog log;
  writer::ManifestPublisher publisher;
  writer::PendingSegments pending;
  writer::FlushContext context;
};

/// Whether the thread waits for something, by the state that the kernel tells.
[[nodiscard]] inline bool sleeps(pid_t thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string line((std::istreambuf_iterator<char>(stat)), {});
  const auto end = line.rfind(')');
  return end != std::string::npos && end + 2 < line.size() && line[end + 2] == 'S';
}

/// The time of this host, without waiting: logs that a test made up look like another host's, for which a take-over waits.
class ImpatientClock final : public base::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return base::system_clock().now(); }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return base::system_clock().wall_now(); }
  void sleep(std::chrono::milliseconds) const override {}
};

class WriterBench {
 public:
  explicit WriterBench(Durability durability = Durability::buffered) {
    const CollectionConfig config{.dim = 2, .distance = Distance::euclidean, .durability = durability};
    must(writer::create_collection(fs, folder_.path(), "docs", config));
  }

  [[nodiscard]] const fs::Path& path() const noexcept { return path_; }
  [[nodiscard]] Result<writer::TakenOver> take_over() { return writer::take_over(fs, path_, "1@bench", clock_); }
  /// The next writer of the collection. The one before it, if there is one, goes on as a zombie.
  [[nodiscard]] std::unique_ptr<Engine> open(writer::WriterOptions options = {}) {
    options.backpressure_timeout = std::chrono::milliseconds(0);
    auto taken = take_over();
    must(taken);
    return std::make_unique<Engine>(fs, path_, std::move(*taken), options);
  }
  [[nodiscard]] format::Manifest newest() {
    auto manifest = writer::newest_manifest(fs, path_);
    must(manifest);
    return *manifest;
  }
  [[nodiscard]] fs::Path wal(std::uint64_t epoch, std::uint64_t index) const {
    return format::wal_path(path_, {Epoch{epoch}, index});
  }

 private:
  TempFolder folder_;
  const fs::Path path_ = folder_.path() / "docs";
  const ImpatientClock clock_;

 public:
  FaultyFileSystem fs;
};

}  // namespace ndb::test
