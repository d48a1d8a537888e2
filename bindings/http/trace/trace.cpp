#include "bindings/http/trace/trace.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <span>

namespace ndb::http {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

// Lower case only, as the standard asks.
bool read_hex(std::string_view text, std::span<std::uint8_t> into) {
  for (std::size_t i = 0; i < into.size(); ++i) {
    const auto high = kDigits.find(text[2 * i]);
    const auto low = kDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    into[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

bool is_zero(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

void fill_randomly(std::span<std::uint8_t> bytes) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  while (!bytes.empty()) {
    const std::uint64_t number = random() | 1;  // never all zero, which is no id
    const std::size_t count = std::min(bytes.size(), sizeof number);
    std::memcpy(bytes.data(), &number, count);
    bytes = bytes.subspan(count);
  }
}

}  // namespace

std::string TraceContext::trace_text() const {
  std::string text;
  append_hex(text, trace_id);
  return text;
}

std::string TraceContext::span_text() const {
  std::string text;
  append_hex(text, span_id);
  return text;
}

std::string TraceContext::to_header() const {
  std::string text = "00-";
  append_hex(text, trace_id);
  text += '-';
  append_hex(text, span_id);
  return text += sampled ? "-01" : "-00";
}

std::optional<TraceContext> parse_traceparent(std::string_view header) {
  constexpr std::size_t kSize = 55;  // version-trace-span-flags
  if (header.size() < kSize || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  TraceContext context;
  const bool read = read_hex(header.substr(0, 2), version) && read_hex(header.substr(3, 32), context.trace_id) &&
                    read_hex(header.substr(36, 16), context.span_id) && read_hex(header.substr(53, 2), flags);
  if (!read || version[0] == 0xff || is_zero(context.trace_id) || is_zero(context.span_id)) return std::nullopt;
  const bool longer_is_fine = version[0] > 0 && (header.size() == kSize || header[kSize] == '-');
  if (header.size() != kSize && !longer_is_fine) return std::nullopt;
  context.sampled = (flags[0] & 1) != 0;
  return context;
}

Span begin_span(std::string_view traceparent) {
  Span span;
  if (const auto caller = parse_traceparent(traceparent)) {
    span.context = *caller;
    span.parent = caller->span_id;
  } else {
    fill_randomly(span.context.trace_id);
  }
  fill_randomly(span.context.span_id);
  span.started = std::chrono::system_clock::now();
  return span;
}

}  // namespace ndb::http
