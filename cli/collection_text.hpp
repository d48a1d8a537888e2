// A collection's stats and its manifest for people, out of the JSON that a target answers. Include only from .cpp files. Threads: pure functions.
#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <string>

namespace ndb::cli {

/// "3 min ago"; "in the future" of times by another clock.
[[nodiscard]] std::string human_age(std::uint64_t unix_ms, std::uint64_t now_unix_ms);
/// "2026-11-26 08:14:03 UTC (3 min ago)"
[[nodiscard]] std::string time_and_age(std::uint64_t unix_ms, std::uint64_t now_unix_ms);

/// manifest: the one in force, {} if it is not known; replicas: as the writer knows them.
[[nodiscard]] std::string stats_text(const boost::json::object& stats, const boost::json::object& manifest, const boost::json::array& replicas, std::uint64_t now_unix_ms);
[[nodiscard]] std::string manifest_text(const boost::json::object& manifest, std::uint64_t now_unix_ms);

}  // namespace ndb::cli
