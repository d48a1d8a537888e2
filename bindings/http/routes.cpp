// The way of an admitted request: where does it run, what came out. What the routes do is in route_*.cpp.
#include "bindings/http/routes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/http/codec/flatbuffers_codec.hpp"
#include "ipc/http/codec/request_codec.hpp"
#include "ipc/http/error_map.hpp"
#include "shared/base/log.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {

namespace {

// A caller's timeout began when its request came, not when its turn did.
Status count_from(std::chrono::steady_clock::time_point started, Search& search) {
  if (!search.timeout()) return {};
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
  if (passed >= *search.timeout())
    return fail(ErrorCode::timeout, "the request waited for its turn for longer than that", "timeout_ms");
  search.timeout(*search.timeout() - passed);
  return {};
}

}  // namespace

Routes::Routes(Backend& backend, RoutesOptions options)
    : backend_(backend),
      options_(std::move(options)),
      access_(options_.keys),
      forwarder_(options_.writer_url.empty()
                     ? nullptr
                     : std::make_unique<Forwarder>(options_.writer_url, options_.writer_client)),
      server_stats_([] { return ServerStats{}; }) {}

void Routes::set_unready(std::string reason) {
  const std::lock_guard lock(mutex_);
  unready_ = std::move(reason);
}

void Routes::handle(Request&& request, Responder responder) {
  const auto context = std::move(request.context);
  Call call = std::move(static_cast<Call&>(*context));
  call.request = std::move(request);
  run(std::move(call), std::move(responder));
}

bool Routes::belongs_to_writer(const Route& route) const {
  if (!backend_.is_reader()) return false;
  return route.access == Access::write || (route.action == Action::replicas && forwarder_ != nullptr);
}

void Routes::run(Call&& call, Responder responder) {
  if (belongs_to_writer(*call.route)) {
    return run_in(Lane::blocking, std::move(call), std::move(responder), [this](Call& own) { return forward(own); });
  }
  if (call.route->place == Place::io_thread) {
    Result<Response> result = perform(call);
    return finish(call, std::move(responder), std::move(result));
  }
  if (call.route->action == Action::search) return run_search(std::move(call), std::move(responder));
  if (call.route->action == Action::search_batch) return run_search_batch(std::move(call), std::move(responder));
  const Lane lane = call.route->place == Place::cpu ? Lane::cpu : Lane::blocking;
  run_in(lane, std::move(call), std::move(responder), [this](Call& own) { return perform(own); });
}

void Routes::run_in(Lane lane, Call&& call, Responder responder, Work work) {
  std::move(responder).run(lane, [this, own = std::move(call), work = std::move(work)](Responder answer) mutable {
    Result<Response> result = work(own);
    finish(own, std::move(answer), std::move(result));
  });
}

// A search that must wait for a write (min_seq) gives its processor back first.
void Routes::run_search(Call&& call, Responder responder) {
  std::move(responder).run(Lane::cpu, [this, own = std::move(call)](Responder answer) mutable {
    auto parsed = own.sent_flatbuffers ? parse_search_flatbuffers(own.request.body) : parse_search(own.request.body);
    if (!parsed) return finish(own, std::move(answer), std::unexpected(std::move(parsed).error()));
    if (Status in_time = count_from(own.started, *parsed); !in_time) {
      return finish(own, std::move(answer), std::unexpected(std::move(in_time).error()));
    }
    if (parsed->min_seq().value == 0) {
      Result<Response> result = search(own, *parsed);
      return finish(own, std::move(answer), std::move(result));
    }
    run_in(Lane::blocking, std::move(own), std::move(answer),
           [this, wanted = std::move(*parsed)](Call& waiting) { return search(waiting, wanted); });
  });
}

void Routes::run_search_batch(Call&& call, Responder responder) {
  std::move(responder).run(Lane::cpu, [this, own = std::move(call)](Responder answer) mutable {
    auto parsed = parse_search_batch(own.request.body);
    if (!parsed) return finish(own, std::move(answer), std::unexpected(std::move(parsed).error()));
    for (Search& search : *parsed) {
      Status in_time = count_from(own.started, search);
      if (!in_time) return finish(own, std::move(answer), std::unexpected(std::move(in_time).error()));
    }
    const bool waits = std::ranges::any_of(*parsed, [](const Search& s) { return s.min_seq().value > 0; });
    if (!waits) {
      Result<Response> result = search_batch(own, *parsed);
      return finish(own, std::move(answer), std::move(result));
    }
    run_in(Lane::blocking, std::move(own), std::move(answer),
           [this, wanted = std::move(*parsed)](Call& waiting) { return search_batch(waiting, wanted); });
  });
}

Result<Response> Routes::forward(const Call& call) {
  if (forwarder_) return forwarder_->forward(call.request);
  return fail(ErrorCode::read_only,
              "this is a reader: send writes to the writer, or start the reader with --writer-url");
}

void Routes::note_error(const Call& call, const Error& error) {
  metrics_.count_error(error.code);
  // Perhaps another process dropped the collection (and made it anew): look again next time.
  if (error.code == ErrorCode::not_found && !call.collection.empty()) backend_.forget(call.collection);
  const bool is_serious =
      error.code == ErrorCode::internal || error.code == ErrorCode::io_error || error.code == ErrorCode::corruption;
  if (is_serious) base::log_error(fmt::format("{} {}", call.request.method, call.request.target), error);
  // Only writes say `fenced` of this process; a search may say it of a reader that lost the volume, and comes back.
  const bool is_fenced_writer = error.code == ErrorCode::fenced && !backend_.is_reader();
  if (is_fenced_writer && on_fenced_ && !fenced_.exchange(true)) on_fenced_(error);
}

Response Routes::conclude(const Call& call, Result<Response> result) {
  if (!result) {
    note_error(call, result.error());
    result = error_response(result.error());
  }
  const auto duration = Clock::now() - call.started;
  const unsigned status = result->status;
  metrics_.count_request(call.route->action, status, duration);
  if (call.route->action == Action::search) metrics_.observe_search(duration);
  if (options_.log_requests) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    base::log(base::LogLevel::debug,
              fmt::format("request method={} target={} route={} status={} duration_us={} traceparent={}",
                          call.request.method, call.request.target, call.route->name, status, us,
                          find_header(call.request.headers, "traceparent").value_or("-")));
  }
  return std::move(*result);
}

void Routes::finish(const Call& call, Responder responder, Result<Response> result) {
  std::move(responder).send(conclude(call, std::move(result)));
}

}  // namespace ndb::http
