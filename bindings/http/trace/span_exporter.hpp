// Sends spans to an OpenTelemetry collector (OTLP over HTTP, JSON encoding), off the way of requests: a span is put
// into a bounded queue or dropped, never waited for; a thread sends what is there, and drops what the collector does
// not take.
//
// Threads: offer() and the counters from any; one thread of its own from construction to destruction, which sends what
// is left.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "bindings/http/trace/trace.hpp"
#include "ipc/http/client.hpp"

namespace ndb::http {

/// An ExportTraceServiceRequest.
[[nodiscard]] std::string encode_spans(std::span<const Span> spans, std::string_view service,
                                       std::string_view instance);

class SpanExporter {
 public:
  static constexpr std::size_t kMaxQueued = 4'096;
  static constexpr std::size_t kMaxBatch = 512;
  static constexpr std::chrono::milliseconds kInterval{1'000};
  static constexpr std::chrono::milliseconds kPatience{5'000};  ///< with the collector

  /// endpoint: as for parse_url; "/v1/traces" is appended. service: "ndb-writer". instance: tells processes apart.
  SpanExporter(std::string endpoint, std::string service, std::string instance);
  SpanExporter(const SpanExporter&) = delete;
  SpanExporter& operator=(const SpanExporter&) = delete;
  ~SpanExporter();

  void offer(Span span) noexcept;
  [[nodiscard]] std::uint64_t exported() const noexcept { return exported_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  void run();
  void send(std::vector<Span> batch);

  const std::string service_;
  const std::string instance_;
  ClientPool collector_;
  std::string last_problem_;  // the thread's own: said once

  std::atomic<std::uint64_t> exported_{0}, dropped_{0};  // relaxed: statistics
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Span> queue_;  // guarded by mutex_
  bool stopping_ = false;    // likewise
  std::thread thread_;
};

}  // namespace ndb::http
