// Decides how a request's body is framed, before a byte of it is read. Stricter than RFC 9112 section 6 allows servers
// to be, and independent of the HTTP library: whatever two parsers could read differently is refused, so that nothing
// can be smuggled past a proxy. Threads: pure functions.
#pragma once

#include <cstdint>

#include "ipc/http/message.hpp"
#include "ndb/error.hpp"

namespace ndb::http {

struct Framing {
  enum class Kind : std::uint8_t { none, length, chunked };
  Kind kind = Kind::none;
  std::uint64_t content_length = 0;  ///< for Kind::length
};

/// http_version: 10 or 11. invalid_argument, naming the header in `field`, for: Transfer-Encoding together with
/// Content-Length; any Transfer-Encoding but one plain "chunked"; Transfer-Encoding in HTTP/1.0; Content-Length that is
/// given twice, in a list or not as digits; no Host in HTTP/1.1, or several.
[[nodiscard]] Result<Framing> check_framing(const Headers& headers, unsigned http_version);

}  // namespace ndb::http
