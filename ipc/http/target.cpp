#include "ipc/http/target.hpp"

#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

Result<std::vector<std::string>> parse_path(std::string_view path) {
  std::vector<std::string> segments;
  path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    NDB_TRY_ASSIGN(std::string segment, percent_decode(path.substr(0, slash)));
    segments.push_back(std::move(segment));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return segments;
}

Status parse_query(std::string_view query, Target& into) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    NDB_TRY_ASSIGN(std::string name, percent_decode(pair.substr(0, equals)));
    NDB_TRY_ASSIGN(std::string value,
                   percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1)));
    if (!pair.empty()) into.query.emplace_back(std::move(name), std::move(value));
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return {};
}

// "http://host:port/path" -> "/path"; proxies may send that form.
std::string_view origin_form(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos || target[path] == '?' ? "/" : target.substr(path);
}

}  // namespace

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(ErrorCode::invalid_argument, "'%' without two hexadecimal digits", "path");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

std::optional<std::string_view> Target::query_value(std::string_view name) const noexcept {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<Target> parse_target(std::string_view target) {
  target = origin_form(target);
  if (!target.starts_with('/')) return fail(ErrorCode::invalid_argument, "the request target must be a path", "path");
  target = target.substr(0, target.find('#'));
  const std::size_t question = target.find('?');
  Target parsed;
  NDB_TRY_ASSIGN(parsed.segments, parse_path(target.substr(0, question)));
  if (question != std::string_view::npos) NDB_TRY(parse_query(target.substr(question + 1), parsed));
  return parsed;
}

}  // namespace ndb::http
