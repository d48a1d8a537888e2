#include "bindings/http/forwarder.hpp"

#include <array>

#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

constexpr std::string_view kForwardedBy = "x-ndb-forwarded";
constexpr std::array<std::string_view, 5> kPassedOn{"Authorization", "api-key", "Content-Type", "Accept", "tracestate"};

}  // namespace

Result<Response> Forwarder::forward(const Request& request, const TraceContext& trace) {
  if (find_header(request.headers, kForwardedBy)) {
    return fail(ErrorCode::unavailable, "the writer URL leads to a reader: " + pool_.url());
  }
  Headers headers{{std::string(kForwardedBy), "1"}, {"traceparent", trace.to_header()}};
  for (const std::string_view name : kPassedOn) {
    if (const auto value = find_header(request.headers, name))
      headers.push_back({std::string(name), std::string(*value)});
  }
  NDB_TRY_ASSIGN(ClientResponse answer, pool_.request(request.method, request.target, headers, request.body));
  Response response{.status = answer.status, .headers = {}, .body = std::move(answer.body)};
  response.content_type = find_header(answer.headers, "Content-Type").value_or("application/json");
  if (const auto retry = find_header(answer.headers, "Retry-After")) {
    response.headers.push_back({"Retry-After", std::string(*retry)});
  }
  return response;
}

}  // namespace ndb::http
