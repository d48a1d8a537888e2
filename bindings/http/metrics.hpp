// What Prometheus sees of a daemon. Threads: recording from any, without locks on the way of a request; render() from
// any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "bindings/http/router.hpp"
#include "ipc/http/server.hpp"
#include "ndb/error.hpp"
#include "ndb/stats.hpp"
#include "writer/activity.hpp"

namespace ndb::http {

/// A collection as it is at the time of a scrape.
struct CollectionSample {
  CollectionStats stats;
  std::vector<ReplicaStats> replicas;
  std::optional<writer::Activity::AllTimes> activity;  ///< of the writer, if this process is it
};

struct SpanCounts {
  std::uint64_t exported = 0, dropped = 0;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void count_request(Action action, unsigned status, std::chrono::nanoseconds duration) noexcept;
  void count_error(ErrorCode code) noexcept;
  void count_inserts(std::uint64_t documents) noexcept;
  void count_deletes(std::uint64_t documents) noexcept;
  void observe_search(std::chrono::nanoseconds duration) noexcept;

  /// Everything in the text exposition format 0.0.4.
  [[nodiscard]] std::string render(const ServerStats& server, std::span<const CollectionSample> collections,
                                   std::uint64_t mmapped_bytes, const SpanCounts& spans = {}) const;

 private:
  struct Families;  // the registry of prometheus-cpp

  // One counter per action and class of status (1xx … 5xx), and the time spent, all relaxed: statistics only.
  struct ActionCounters {
    std::array<std::atomic<std::uint64_t>, 5> by_class{};
    std::atomic<std::uint64_t> nanoseconds{0};
  };
  std::array<ActionCounters, kActionCount> actions_;
  std::unique_ptr<Families> families_;
};

/// Bytes of this process's mappings of files under `folder`, from /proc/self/maps; 0 where there is no such file.
[[nodiscard]] std::uint64_t mapped_bytes_under(const std::string& folder);

}  // namespace ndb::http
