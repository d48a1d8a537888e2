#include "shared/base/time_text.hpp"

#include "tests/support/catch.hpp"

using namespace ndb::base;

namespace {

std::optional<std::uint64_t> ms_of(std::string_view text) {
  const auto time = parse_time(text);
  return time ? std::optional(to_unix_ms(*time)) : std::nullopt;
}

}  // namespace

TEST_CASE("times in RFC 3339, with any offset and fraction, and in milliseconds are the same moment") {
  for (const auto* text : {"2026-11-26T08:13:15.123Z", "2026-11-26 08:13:15.123z", "2026-11-26t09:13:15.123+01:00", "2026-11-26T02:43:15.1239-05:30",
                           "1795680795123"}) {
    CAPTURE(text);
    CHECK(ms_of(text) == 1'795'680'795'123);
  }
  CHECK(ms_of("1970-01-01T00:00:00Z") == 0);
  CHECK(ms_of("2024-02-29T23:59:60Z") == ms_of("2024-03-01T00:00:00Z"));
  CHECK(ms_of("2026-11-26T08:13:15.5Z") == 1'795'680'795'500);
}

TEST_CASE("what is no time is refused") {
  for (const auto* text : {"", "yesterday", "2026-11-26", "2026-11-26T08:13:15", "2026-11-26T08:13Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
                           "2026-11-26T24:00:00Z", "2026-11-26T08:60:00Z", "2026-11-26T08:13:61Z", "2026-11-26T08:13:15.Z", "2026-11-26T08:13:15+1:00",
                           "2026-11-26T08:13:15Z ", "-5", "1.5", "9214646400000", "2262-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-11-26T08:13:15+24:00"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text));
  }
}

TEST_CASE("what time_text writes is read as the same millisecond") {
  CHECK(time_text(from_unix_ms(0)) == "1970-01-01T00:00:00.000Z");
  for (const std::uint64_t ms : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{951'782'400'007}, kMostUnixMs}) CHECK(ms_of(time_text(from_unix_ms(ms))) == ms);
  CHECK(time_text(from_unix_ms(~0ULL)) == "2261-12-31T23:59:59.999Z");
}
