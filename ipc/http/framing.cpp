#include "ipc/http/framing.hpp"

#include <algorithm>
#include <charconv>

#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

std::ptrdiff_t count_of(const Headers& headers, std::string_view name) {
  return std::ranges::count_if(headers, [&](const Header& h) { return equal_ignoring_case(h.name, name); });
}

std::unexpected<Error> refuse(std::string_view message, std::string_view header) {
  return fail(ErrorCode::invalid_argument, std::string(message), std::string(header));
}

Result<std::uint64_t> parse_length(std::string_view text) {
  std::uint64_t length = 0;
  const bool all_digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (!all_digits || error != std::errc{} || end != text.data() + text.size()) {
    return refuse("Content-Length must be one decimal number", "Content-Length");
  }
  return length;
}

Status check_host(const Headers& headers, unsigned http_version) {
  const auto hosts = count_of(headers, "Host");
  if (hosts > 1) return refuse("Host is given more than once", "Host");
  if (hosts == 0 && http_version >= 11) return refuse("HTTP/1.1 needs a Host header", "Host");
  return {};
}

}  // namespace

Result<Framing> check_framing(const Headers& headers, unsigned http_version) {
  NDB_TRY(check_host(headers, http_version));
  const auto lengths = count_of(headers, "Content-Length");
  const auto encodings = count_of(headers, "Transfer-Encoding");
  if (lengths > 0 && encodings > 0) {
    return refuse("Content-Length and Transfer-Encoding exclude each other", "Transfer-Encoding");
  }
  if (lengths > 1) return refuse("Content-Length is given more than once", "Content-Length");
  if (encodings > 1) return refuse("Transfer-Encoding is given more than once", "Transfer-Encoding");
  if (encodings == 1) {
    if (http_version < 11) return refuse("HTTP/1.0 has no Transfer-Encoding", "Transfer-Encoding");
    if (!equal_ignoring_case(*find_header(headers, "Transfer-Encoding"), "chunked")) {
      return refuse("only Transfer-Encoding: chunked is understood", "Transfer-Encoding");
    }
    return Framing{Framing::Kind::chunked, 0};
  }
  if (lengths == 0) return Framing{};
  NDB_TRY_ASSIGN(const std::uint64_t length, parse_length(*find_header(headers, "Content-Length")));
  return Framing{length == 0 ? Framing::Kind::none : Framing::Kind::length, length};
}

}  // namespace ndb::http
