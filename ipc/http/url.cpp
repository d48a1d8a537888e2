#include <charconv>

#include "ipc/http/client.hpp"

namespace ndb::http {
namespace {

std::unexpected<Error> bad_url(std::string_view text) {
  return fail(ErrorCode::invalid_argument,
              std::string(text).append(" is not a URL like http://127.0.0.1:7700 or https://host"), "url");
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port > 0;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || c == ':';
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  else if (rest.starts_with("https://"))
    rest.remove_prefix(8), url.tls = true, url.port = 443;
  else if (rest.find("://") != std::string_view::npos)
    return bad_url(text);
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) url.path = rest.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  std::string_view authority = rest.substr(0, slash);
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return bad_url(text);
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
    if (url.host.find(':') != std::string::npos) return bad_url(text);
  }
  if (!port.empty() && (port[0] != ':' || !parse_port(port.substr(1), url.port))) return bad_url(text);
  if (url.host.empty()) return bad_url(text);
  for (const char c : url.host) {
    if (!is_host_character(c)) return bad_url(text);
  }
  for (const char c : url.path) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '?' || c == '#') return bad_url(text);
  }
  return url;
}

}  // namespace ndb::http
