// What the header of a request decides: may its caller come in, which route is it, how much body may follow.
#include <fmt/format.h>

#include "bindings/http/routes.hpp"
#include "ipc/http/codec/flatbuffers_codec.hpp"
#include "ipc/http/error_map.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

Status check_query(const Route& route, const Target& target) {
  if (!route.pattern.starts_with("v1/")) return {};  // scrapers and probes may add what they like
  if (route.query == Query::place) return {};  // the route looks itself
  for (const auto& [name, value] : target.query) {
    if (route.query == Query::as_of && (name == "at_version" || name == "at_time")) continue;
    if (route.query != Query::wait || name != "wait") return fail(ErrorCode::invalid_argument, "unknown query parameter", name);
    if (value != "true" && value != "false") return fail(ErrorCode::invalid_argument, "must be true or false", "wait");
  }
  return {};
}

bool has_flatbuffers_body(const Request& request) {
  return find_header(request.headers, "Content-Type").value_or("").starts_with(kFlatBuffersType);
}

// An explicit Accept decides; without one the answer is like the question.
bool wants_flatbuffers_answer(const Request& request) {
  const std::string_view accept = find_header(request.headers, "Accept").value_or("*/*");
  if (accept.find(kFlatBuffersType) != std::string_view::npos) return true;
  return accept.find("*/*") != std::string_view::npos && has_flatbuffers_body(request);
}

std::uint64_t body_limit_of(const Route& route) {
  switch (route.body) {
    case BodySize::none:
      return kNoBodyBytes;
    case BodySize::small:
      return kSmallBodyBytes;
    case BodySize::large:
      break;
  }
  return ~std::uint64_t{0};
}

}  // namespace

Response Routes::unknown_route(const RouteMatch& match, const Request& request) {
  metrics_.count_error(match.allow.empty() ? ErrorCode::not_found : ErrorCode::invalid_argument);
  if (match.allow.empty()) {
    return error_response({ErrorCode::not_found, fmt::format("there is no {}", request.target), "path"});
  }
  const std::string message =
      fmt::format("{} does not go with {}, but {}", request.method, request.target, match.allow);
  Response response = error_response(405, {ErrorCode::invalid_argument, message, "method"});
  response.headers.push_back({"Allow", match.allow});
  return response;
}

// What conclude() says of a request it takes from the call.
Admission Routes::refuse(Call& call, const Request& request, Result<Response> answer) {
  call.request.method = request.method;
  call.request.target = request.target;
  call.request.headers = request.headers;
  return {.refusal = conclude(call, std::move(answer))};
}

// Who has no key learns nothing, not even which routes there are.
Access Routes::access_to(const Route* route) const {
  if (route == nullptr) return Access::read;
  const bool is_open = options_.metrics_without_key && route->action == Action::metrics;
  return is_open ? Access::open : route->access;
}

Admission Routes::admit(Request& request) {
  auto target = parse_target(request.target);
  RouteMatch match = target ? match_route(request.method, target->segments) : RouteMatch{};
  const Status allowed = access_.check(access_to(match.route), request.headers);
  if (match.route == nullptr) {
    if (allowed && target) return {.refusal = unknown_route(match, request)};
    const Error& error = allowed ? target.error() : allowed.error();
    metrics_.count_error(error.code);
    return {.refusal = error_response(error)};
  }
  auto call = std::make_unique<Call>();
  call->span = begin_span(find_header(request.headers, "traceparent").value_or(""));
  call->route = match.route;
  call->collection = std::move(match.name);
  call->id = std::move(match.id);
  if (!allowed) {
    Admission refused = refuse(*call, request, std::unexpected(allowed.error()));
    // A browser asks its user for a key only if it is asked to.
    const bool is_page = call->route->action == Action::page;
    if (is_page)
      refused.refusal->headers = {{"WWW-Authenticate", "Basic realm=\"nDB: the key as password\", charset=\"UTF-8\""}};
    return refused;
  }
  if (const Status known = check_query(*call->route, *target); !known) {
    return refuse(*call, request, std::unexpected(known.error()));
  }
  call->sent_flatbuffers = has_flatbuffers_body(request);
  call->wants_flatbuffers = wants_flatbuffers_answer(request);
  if (call->sent_flatbuffers && !call->route->takes_flatbuffers) {
    const Error error{ErrorCode::invalid_argument, "this route takes JSON only", "Content-Type"};
    metrics_.count_error(error.code);
    return refuse(*call, request, error_response(415, error));
  }
  call->target = std::move(*target);
  Admission admission{.refusal = std::nullopt, .max_body_bytes = body_limit_of(*call->route)};
  if (call->route->place == Place::cpu) admission.lane = Lane::cpu;
  request.context = std::move(call);
  return admission;
}

}  // namespace ndb::http
