// Points in time as people and other programs write them. Threads: pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ndb::base {

using TimePoint = std::chrono::system_clock::time_point;

/// What all this is about: 1970 to 2261, which a TimePoint can hold.
inline constexpr std::uint64_t kMostUnixMs = 9'214'646'399'999;

/// RFC 3339 in UTC with milliseconds: "2026-11-26T08:13:15.123Z".
[[nodiscard]] std::string time_text(TimePoint time);
/// RFC 3339 with any offset and fraction ("2026-11-26T08:13:15+01:00", 't', 'z' and a space between date and time are allowed), or
/// milliseconds since 1970 as a whole number. Finer than a millisecond is cut off; what lies outside those years is refused.
[[nodiscard]] std::optional<TimePoint> parse_time(std::string_view text);

/// Later than kMostUnixMs is kMostUnixMs.
[[nodiscard]] constexpr TimePoint from_unix_ms(std::uint64_t ms) noexcept {
  return TimePoint(std::chrono::milliseconds(static_cast<std::int64_t>(ms < kMostUnixMs ? ms : kMostUnixMs)));
}
/// 0 for what was before 1970.
[[nodiscard]] constexpr std::uint64_t to_unix_ms(TimePoint time) noexcept {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return ms < 0 ? 0 : static_cast<std::uint64_t>(ms);
}

}  // namespace ndb::base
