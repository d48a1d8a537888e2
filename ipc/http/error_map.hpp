// Errors as HTTP answers, and back. Threads: pure functions.
#pragma once

#include "ipc/http/message.hpp"
#include "ndb/error.hpp"

namespace ndb::http {

/// 400, 401, 403, 404, 409, 429, 500, 503, 504 or 507, as the contract says.
[[nodiscard]] unsigned status_of(ErrorCode code) noexcept;
/// {"error":{"code","message","field"}} ("field" only if there is one), with Retry-After where trying again can help.
[[nodiscard]] Response error_response(const Error& error);
/// The same with another status, for what HTTP tells apart and ErrorCode does not (405, 413, 431, …).
[[nodiscard]] Response error_response(unsigned status, const Error& error);
/// The Error that an answer carries; made from its status if the body is not one of ours.
[[nodiscard]] Error error_of(unsigned status, std::string_view body);

}  // namespace ndb::http
