// The way of an admitted request: where does it run, what came out. What the routes do is in route_*.cpp.
#include "bindings/http/routes.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

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

std::string process_name() {
  std::array<char, 256> host{};
  const bool known = ::gethostname(host.data(), host.size() - 1) == 0;
  return fmt::format("{}:{}", known ? host.data() : "unknown", ::getpid());
}

}  // namespace

Routes::Routes(Backend& backend, RoutesOptions options)
    : backend_(backend),
      options_(std::move(options)),
      access_(options_.keys),
      forwarder_(options_.writer_url.empty()
                     ? nullptr
                     : std::make_unique<Forwarder>(options_.writer_url, options_.writer_client)),
      exporter_(options_.otlp_endpoint.empty()
                    ? nullptr
                    : std::make_unique<SpanExporter>(options_.otlp_endpoint, options_.service, process_name())),
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
  if (call.route->action == Action::wal) return run_wal(std::move(call), std::move(responder));
  const Lane lane = call.route->place == Place::cpu ? Lane::cpu : Lane::blocking;
  run_in(lane, std::move(call), std::move(responder), [this](Call& own) { return perform(own); });
}

void Routes::run_in(Lane lane, Call&& call, Responder responder, Work work) {
  std::move(responder).run(lane, [this, own = std::move(call), work = std::move(work)](Responder answer) mutable {
    Result<Response> result = work(own);
    finish(own, std::move(answer), std::move(result));
  });
}

// A search that must wait for a write (min_seq), or may have to open an old version, gives its processor back first.
void Routes::run_search(Call&& call, Responder responder) {
  std::move(responder).run(Lane::cpu, [this, own = std::move(call)](Responder answer) mutable {
    AsOf as_of;
    auto parsed = own.sent_flatbuffers ? parse_search_flatbuffers(own.request.body) : parse_search(own.request.body, &as_of);
    if (!parsed) return finish(own, std::move(answer), std::unexpected(std::move(parsed).error()));
    if (Status in_time = count_from(own.started, *parsed); !in_time) {
      return finish(own, std::move(answer), std::unexpected(std::move(in_time).error()));
    }
    if (parsed->min_seq().value == 0 && as_of.newest()) {
      Result<Response> result = search(own, *parsed, as_of);
      return finish(own, std::move(answer), std::move(result));
    }
    run_in(Lane::blocking, std::move(own), std::move(answer),
           [this, wanted = std::move(*parsed), as_of](Call& waiting) mutable { return search(waiting, wanted, as_of); });
  });
}

void Routes::run_search_batch(Call&& call, Responder responder) {
  std::move(responder).run(Lane::cpu, [this, own = std::move(call)](Responder answer) mutable {
    AsOf as_of;
    auto parsed = parse_search_batch(own.request.body, &as_of);
    if (!parsed) return finish(own, std::move(answer), std::unexpected(std::move(parsed).error()));
    for (Search& search : *parsed) {
      Status in_time = count_from(own.started, search);
      if (!in_time) return finish(own, std::move(answer), std::unexpected(std::move(in_time).error()));
    }
    const bool waits = std::ranges::any_of(*parsed, [](const Search& s) { return s.min_seq().value > 0; });
    if (!waits && as_of.newest()) {
      Result<Response> result = search_batch(own, *parsed, as_of);
      return finish(own, std::move(answer), std::move(result));
    }
    run_in(Lane::blocking, std::move(own), std::move(answer),
           [this, wanted = std::move(*parsed), as_of](Call& waiting) { return search_batch(waiting, wanted, as_of); });
  });
}

Result<Response> Routes::forward(const Call& call) {
  if (forwarder_) return forwarder_->forward(call.request, call.span.context);
  return fail(ErrorCode::read_only,
              "this is a reader: send writes to the writer, or start the reader with --writer-url");
}

void Routes::log_limited(base::LogLevel level, std::string line) {
  const auto left_out = log_limit_.allow();
  if (!left_out) return;
  if (*left_out > 0) line += fmt::format(" ({} lines were left out)", *left_out);
  base::log(level, line);
}

void Routes::note_slow(const Call& call, const Search& search, const SearchResult& result) {
  if (options_.slow_query.count() == 0 || !result.plan) return;
  const auto took = Clock::now() - call.started;
  if (took < options_.slow_query) return;
  const SearchPlan& plan = *result.plan;
  std::string filter = search.filter().to_json();
  constexpr std::size_t kMaxFilterBytes = 512;
  if (filter.size() > kMaxFilterBytes) filter.replace(kMaxFilterBytes, std::string::npos, "...");
  log_limited(
      base::LogLevel::warn,
      fmt::format("slow search collection={} duration_ms={} searching_ms={} plan={} top_k={} ef={} "
                  "rows_estimated={} rows_matched={} distances={} estimated_distances={} hops={} bytes_touched={} "
                  "filter={} trace_id={}",
                  call.collection, std::chrono::duration_cast<std::chrono::milliseconds>(took).count(),
                  result.took_us / 1000, plan.plan, search.top_k(), search.ef().value_or(0), plan.rows_estimated,
                  plan.rows_matched, plan.distances, plan.estimated_distances, plan.hops, plan.bytes_touched, filter,
                  call.span.context.trace_text()));
}

void Routes::note_error(const Call& call, const Error& error) {
  metrics_.count_error(error.code);
  // Perhaps another process dropped the collection (and made it anew): look again next time.
  if (error.code == ErrorCode::not_found && !call.collection.empty()) backend_.forget(call.collection);
  const bool is_serious =
      error.code == ErrorCode::internal || error.code == ErrorCode::io_error || error.code == ErrorCode::corruption;
  if (is_serious) {
    log_limited(base::LogLevel::error, fmt::format("{} {}: {} trace_id={}", call.request.method, call.request.target,
                                                   error.message, call.span.context.trace_text()));
  }
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
    base::log(
        base::LogLevel::debug,
        fmt::format("request method={} target={} route={} status={} duration_us={} trace_id={} span_id={} parent={}",
                    call.request.method, call.request.target, call.route->name, status, us,
                    call.span.context.trace_text(), call.span.context.span_text(),
                    find_header(call.request.headers, "traceparent").value_or("-")));
  }
  if (exporter_ && call.span.context.sampled) {
    Span span = call.span;
    span.name = call.route->name;
    span.method = call.request.method;
    span.collection = call.collection;
    span.duration = duration;
    span.status = status;
    exporter_->offer(std::move(span));
  }
  return std::move(*result);
}

void Routes::finish(const Call& call, Responder responder, Result<Response> result) {
  std::move(responder).send(conclude(call, std::move(result)));
}

}  // namespace ndb::http
