#include "shared/base/time_text.hpp"

#include <fmt/format.h>

#include <charconv>

namespace ndb::base {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;

/// Takes the text apart from the left.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : left_(text) {}
  [[nodiscard]] std::optional<int> digits(std::size_t count) {
    int value = 0;
    if (left_.size() < count) return std::nullopt;
    for (const char c : left_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    left_.remove_prefix(count);
    return value;
  }
  /// One of these characters.
  [[nodiscard]] std::optional<char> one_of(std::string_view allowed) {
    if (left_.empty() || allowed.find(left_.front()) == std::string_view::npos) return std::nullopt;
    const char c = left_.front();
    left_.remove_prefix(1);
    return c;
  }
  /// ".123456": its milliseconds; 0 if there is no fraction.
  [[nodiscard]] std::optional<int> fraction() {
    if (!one_of(".")) return 0;
    int ms = 0, seen = 0;
    for (; !left_.empty() && left_.front() >= '0' && left_.front() <= '9'; left_.remove_prefix(1), ++seen)
      if (seen < 3) ms = ms * 10 + (left_.front() - '0');
    if (seen == 0) return std::nullopt;
    for (; seen < 3; ++seen) ms *= 10;
    return ms;
  }
  [[nodiscard]] bool at_end() const noexcept { return left_.empty(); }

 private:
  std::string_view left_;
};

std::optional<sys_days> parse_date(Cursor& from) {
  const auto year = from.digits(4);
  if (!year || !from.one_of("-")) return std::nullopt;
  const auto month = from.digits(2);
  if (!month || !from.one_of("-")) return std::nullopt;
  const auto day = from.digits(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

std::optional<std::chrono::minutes> parse_hours_minutes(Cursor& from) {
  const auto hours = from.digits(2);
  if (!hours || *hours > 23 || !from.one_of(":")) return std::nullopt;
  const auto minutes = from.digits(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
}

std::optional<std::chrono::minutes> parse_offset(Cursor& from) {
  const auto sign = from.one_of("zZ+-");
  if (!sign) return std::nullopt;
  if (*sign == 'z' || *sign == 'Z') return std::chrono::minutes(0);
  const auto offset = parse_hours_minutes(from);
  if (!offset) return std::nullopt;
  return *sign == '+' ? *offset : -*offset;
}

}  // namespace

std::string time_text(TimePoint time) {
  const auto ms = std::chrono::floor<milliseconds>(time);
  const auto day = std::chrono::floor<days>(ms);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(ms - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::optional<TimePoint> parse_time(std::string_view text) {
  std::uint64_t ms = 0;
  const char* const end = text.data() + text.size();
  if (const auto [stop, error] = std::from_chars(text.data(), end, ms); error == std::errc() && stop == end && !text.empty())
    return ms <= kMostUnixMs ? std::optional(from_unix_ms(ms)) : std::nullopt;
  Cursor from(text);
  const auto date = parse_date(from);
  if (!date || !from.one_of("Tt ")) return std::nullopt;
  const auto minutes = parse_hours_minutes(from);
  if (!minutes || !from.one_of(":")) return std::nullopt;
  const auto seconds = from.digits(2);
  if (!seconds || *seconds > 60) return std::nullopt;  // 60: a leap second
  const auto fraction = from.fraction();
  if (!fraction) return std::nullopt;
  const auto offset = parse_offset(from);
  if (!offset || !from.at_end()) return std::nullopt;
  const std::chrono::sys_time<milliseconds> time = *date + *minutes - *offset + std::chrono::seconds(*seconds) + milliseconds(*fraction);
  const auto since_1970 = time.time_since_epoch().count();
  if (since_1970 < 0 || static_cast<std::uint64_t>(since_1970) > kMostUnixMs) return std::nullopt;
  return TimePoint(time);
}

}  // namespace ndb::base
