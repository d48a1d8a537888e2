#include "shared/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace ndb::base {
namespace {

std::string json_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

struct Logger {
  std::shared_ptr<spdlog::logger> sink = std::make_shared<spdlog::logger>(
      "ndb", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  LogFormat format = LogFormat::text;

  Logger() {
    sink->set_level(spdlog::level::warn);
    sink->flush_on(spdlog::level::trace);
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  }
};

Logger& logger() {
  static Logger instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

}  // namespace

void configure_log(LogLevel minimum, LogFormat format) {
  logger().format = format;
  logger().sink->set_level(to_spdlog(minimum));
  logger().sink->set_pattern(format == LogFormat::json
                                 ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%v"})"
                                 : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
}

void log(LogLevel level, std::string_view message) {
  if (logger().format == LogFormat::json) {
    logger().sink->log(to_spdlog(level), "{}", json_escaped(message));
  } else {
    logger().sink->log(to_spdlog(level), "{}", message);
  }
}

}  // namespace ndb::base
