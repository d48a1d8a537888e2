// Answers of a target taken apart, leniently: what is not there reads as nothing, as an older server may not send it.
// Include only from .cpp files: Boost.JSON is heavy. Threads: plain functions.
#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "ndb/error.hpp"

namespace ndb::cli {

/// internal if the text is no JSON object.
[[nodiscard]] Result<boost::json::object> parse_answer(std::string_view text);

[[nodiscard]] std::string text_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::uint64_t count_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] double number_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] bool flag_at(const boost::json::object& object, std::string_view key);
/// An empty one if there is none.
[[nodiscard]] const boost::json::array& array_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] const boost::json::object& object_at(const boost::json::object& object, std::string_view key);
/// An element of an array as an object; an empty one if it is none.
[[nodiscard]] const boost::json::object& as_object(const boost::json::value& value);

/// Four significant digits: "0.8731", "12.5".
[[nodiscard]] std::string short_number(double number);
/// "[0.1, 0.2, 0.3, … 768]"
[[nodiscard]] std::string short_vector(const boost::json::array& vector);
/// The payload in one line, "" for none; printable.
[[nodiscard]] std::string payload_line(const boost::json::object& document);

}  // namespace ndb::cli
