// Logging without spdlog's headers: one call takes a level and a finished line. Thread-safe.
#pragma once

#include <string_view>

#include "ndb/error.hpp"

namespace ndb::base {

enum class LogLevel { debug, info, warn, error, off };
enum class LogFormat { text, json };

/// Sets what the process logs, to standard error. Embedded use logs warnings and errors unless told otherwise.
void configure_log(LogLevel minimum, LogFormat format);
void log(LogLevel level, std::string_view message);
inline void log_info(std::string_view message) { log(LogLevel::info, message); }
inline void log_warn(std::string_view message) { log(LogLevel::warn, message); }
inline void log_error(std::string_view message) { log(LogLevel::error, message); }
inline void log_error(std::string_view what, const Error& error) {
  log(LogLevel::error, std::string(what) + ": " + error.message);
}

}  // namespace ndb::base
