// HTTP requests and answers as plain values, free of Beast. Threads: plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ndb::http {

struct Header {
  std::string name;   ///< as it was sent
  std::string value;  ///< without surrounding blanks
};
using Headers = std::vector<Header>;

/// Value of the first header of that name (compared without case), or nothing.
[[nodiscard]] std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) noexcept;
/// Whether two ASCII texts are equal without regard to case.
[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept;

/// What whoever admits requests (Admit in server.hpp) wants to know again when their body is there.
struct RequestContext {
  RequestContext() = default;
  RequestContext(RequestContext&&) = default;
  RequestContext& operator=(RequestContext&&) = default;
  virtual ~RequestContext() = default;
};

/// A request whose framing was checked and whose body is complete.
struct Request {
  std::string method;  ///< "GET"
  std::string target;  ///< origin form, as sent: "/v1/collections/a%2Fb?wait=true"
  Headers headers;     ///< those before the body; trailers are dropped
  std::string body;    ///< has at least kBodyPadding bytes of capacity behind its end, which the JSON parser needs
  std::unique_ptr<RequestContext> context;  ///< null unless something was left there

  static constexpr std::size_t kBodyPadding = 64;
};

/// An answer. Content-Length, Connection and Date are added by whoever sends it.
struct Response {
  unsigned status = 200;
  Headers headers;
  std::string body;
  std::string content_type = "application/json";
  bool close = false;  ///< end the connection after this answer
};

/// "Not Found" for 404; "Unknown" for what HTTP does not name.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace ndb::http
