#include "cli/history/as_of.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "cli/answer.hpp"
#include "cli/text.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/time_text.hpp"

namespace ndb::cli {
namespace {

struct Unit {
  char letter;
  std::uint64_t seconds;
  const char* name;
};
constexpr std::array<Unit, 5> kUnits{{{'w', 604'800, "week"}, {'d', 86'400, "day"}, {'h', 3'600, "hour"}, {'m', 60, "minute"}, {'s', 1, "second"}}};

}  // namespace

void add_as_of_options(CLI::App& command, AsOfOptions& options) {
  auto* version = command.add_option("--at-version", options.version, "Answer from this version instead of the newest state")
                      ->check(CLI::PositiveNumber)->type_name("N");
  command.add_option("--at-time", options.time, "Answer from the newest version that there was at this time: 2026-11-26T10:00:00Z, or milliseconds since 1970")
      ->excludes(version)
      ->type_name("TIME")
      ->check([](const std::string& text) { return base::parse_time(text) ? std::string() : "'" + text + "' is no time such as 2026-11-26T10:00:00Z"; });
}

http::AsOf as_of(const AsOfOptions& options) {
  http::AsOf wanted;
  if (options.version != 0) wanted.version = ManifestVersion{options.version};
  if (!options.time.empty()) wanted.time = base::parse_time(options.time);
  return wanted;
}

std::string with_as_of(std::string body, const AsOfOptions& options) {
  if (options.newest()) return body;
  http::JsonWriter time;
  time.string(options.time);
  const std::string member = options.version != 0 ? fmt::format("\"at_version\":{}", options.version) : "\"at_time\":" + time.text();
  body.pop_back();
  return body + (body.size() > 1 ? "," : "") + member + "}";
}

void tell_as_of(const Session& session, const boost::json::object& answer) {
  const auto& as_of = object_at(answer, "as_of");
  if (as_of.empty()) return;
  session.streams.err << fmt::format("as of version {}, published {} (seq {})\n", count_at(as_of, "version"),
                                     printable(text_at(as_of, "time")), count_at(as_of, "seq"));
}

Result<std::chrono::seconds> parse_duration(const std::string& text, const char* option) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const char letter = stop == end ? 's' : *stop;
  constexpr std::uint64_t kMost = 1'000'000'000;  // further than anything allows, and far from overflow
  if (error == std::errc() && end - stop <= 1 && number <= kMost)
    for (const auto& unit : kUnits)
      if (unit.letter == letter) return std::chrono::seconds(number * unit.seconds);
  return usage(fmt::format("{} takes a time such as 90s, 15m, 24h, 7d or 2w, not '{}'", option, text));
}

std::string duration_text(std::uint64_t seconds) {
  for (const auto& unit : kUnits)
    if (seconds >= unit.seconds && seconds % unit.seconds == 0) {
      const auto count = seconds / unit.seconds;
      return fmt::format("{} {}{}", count, unit.name, count == 1 ? "" : "s");
    }
  return "0 seconds";
}

}  // namespace ndb::cli
