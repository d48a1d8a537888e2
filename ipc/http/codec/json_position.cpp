#include "ipc/http/codec/json_position.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <string>

namespace ndb::http::json {
namespace {

namespace boost_json = boost::json;
using boost::system::error_code;

constexpr std::string_view kInvalid = "invalid JSON";
constexpr std::size_t kMaxDepth = 4096;

/// Takes every value and keeps none, so that a large broken body costs no memory.
struct Ignore {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;
  using Text = boost_json::string_view;

  static bool on_document_begin(error_code&) { return true; }
  static bool on_document_end(error_code&) { return true; }
  static bool on_object_begin(error_code&) { return true; }
  static bool on_object_end(std::size_t, error_code&) { return true; }
  static bool on_array_begin(error_code&) { return true; }
  static bool on_array_end(std::size_t, error_code&) { return true; }
  static bool on_key_part(Text, std::size_t, error_code&) { return true; }
  static bool on_key(Text, std::size_t, error_code&) { return true; }
  static bool on_string_part(Text, std::size_t, error_code&) { return true; }
  static bool on_string(Text, std::size_t, error_code&) { return true; }
  static bool on_number_part(Text, error_code&) { return true; }
  static bool on_int64(std::int64_t, Text, error_code&) { return true; }
  static bool on_uint64(std::uint64_t, Text, error_code&) { return true; }
  static bool on_double(double, Text, error_code&) { return true; }
  static bool on_bool(bool, error_code&) { return true; }
  static bool on_null(error_code&) { return true; }
  static bool on_comment_part(Text, error_code&) { return true; }
  static bool on_comment(Text, error_code&) { return true; }
};

}  // namespace

std::size_t broken_at(std::string_view text) {
  boost_json::parse_options options;
  options.max_depth = kMaxDepth;
  boost_json::basic_parser<Ignore> parser(options);
  error_code error;
  return parser.write_some(false, text.data(), text.size(), error);
}

Error with_position(Error error, std::string_view text) {
  if (!error.message.starts_with(kInvalid)) return error;
  error.message.insert(kInvalid.size(), " at byte " + std::to_string(broken_at(text)));
  return error;
}

}  // namespace ndb::http::json
