// --at-version and --at-time: commands that answer from an old version. Include only from .cpp files: CLI11 is heavy.
// Threads: plain functions.
#pragma once

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "ipc/http/codec/request_codec.hpp"

namespace ndb::cli {

void add_as_of_options(CLI::App& command, AsOfOptions& options);
[[nodiscard]] http::AsOf as_of(const AsOfOptions& options);
/// `body`, a JSON object, with the version or the time in it.
[[nodiscard]] std::string with_as_of(std::string body, const AsOfOptions& options);
/// Says on standard error which version it was that answered, if it was an old one.
void tell_as_of(const Session& session, const boost::json::object& answer);

/// "90", "90s", "15m", "24h", "7d", "2w" in seconds; nothing else.
[[nodiscard]] Result<std::chrono::seconds> parse_duration(const std::string& text, const char* option);
/// "1 week", "90 seconds"
[[nodiscard]] std::string duration_text(std::uint64_t seconds);

}  // namespace ndb::cli
