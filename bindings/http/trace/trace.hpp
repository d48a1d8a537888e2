// Spans: one for each request, part of its caller's trace (W3C Trace Context, level 1). Threads: plain values and
// functions.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ndb::http {

/// Which trace and which span of it; what `traceparent` carries.
struct TraceContext {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  bool sampled = true;

  /// As a header: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".
  [[nodiscard]] std::string to_header() const;
  [[nodiscard]] std::string trace_text() const;
  [[nodiscard]] std::string span_text() const;
};

/// Nothing unless it is a valid header of version 00 or of a later one that begins alike.
[[nodiscard]] std::optional<TraceContext> parse_traceparent(std::string_view header);

/// A request as it is told to others.
struct Span {
  TraceContext context;                               ///< its own
  std::optional<std::array<std::uint8_t, 8>> parent;  ///< the caller's span
  std::string_view name;                              ///< of the route; lives for ever
  std::string method;
  std::string collection;
  std::chrono::system_clock::time_point started;
  std::chrono::nanoseconds duration{0};
  unsigned status = 0;
};

/// A new span of the caller's trace, or of a new one. Ids are random, not secret.
[[nodiscard]] Span begin_span(std::string_view traceparent);

}  // namespace ndb::http
