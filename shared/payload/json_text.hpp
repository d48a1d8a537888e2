// Writing JSON by appending to a string. Threads: plain functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ndb::payload {

/// The text in quotes, escaped as RFC 8259 needs it; UTF-8 is passed through.
void append_json_string(std::string& to, std::string_view text);
/// The shortest decimal that reads back as the same double, always with a point or an exponent ("3.0"). Finite only.
void append_json_number(std::string& to, double number);
void append_json_number(std::string& to, std::int64_t number);
void append_json_number(std::string& to, std::uint64_t number);

/// ["a","b"]
[[nodiscard]] std::string json_list(const std::vector<std::string>& texts);

}  // namespace ndb::payload
