#include "bindings/http/trace/trace.hpp"

#include <boost/json.hpp>
#include <condition_variable>
#include <mutex>

#include "bindings/http/daemon.hpp"
#include "bindings/http/trace/log_limit.hpp"
#include "bindings/http/trace/span_exporter.hpp"
#include "ipc/http/server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace ndb::http {
namespace {

namespace json = boost::json;

constexpr std::string_view kCaller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

// What an OpenTelemetry collector is for these tests: it keeps what it is sent.
class Collector {
 public:
  explicit Collector(unsigned status = 200)
      : server_(std::move(*Server::start({}, [this, status](Request&& request, Responder responder) {
          {
            const std::lock_guard lock(mutex_);
            REQUIRE(request.target == "/v1/traces");
            const json::value body = json::parse(request.body);
            for (const json::value& span : body.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array())
              spans_.push_back(span);
            resource_ = body.at("resourceSpans").at(0).at("resource");
          }
          arrived_.notify_all();
          std::move(responder).send({.status = status, .headers = {}, .body = "{}"});
        }))) {}

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  // The spans, once there are that many.
  std::vector<json::value> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::seconds(20), [&] { return spans_.size() >= count; });
    return spans_;
  }
  json::value resource() {
    const std::lock_guard lock(mutex_);
    return resource_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<json::value> spans_;
  json::value resource_;
  Server server_;  // last: its threads use the others
};

TEST_CASE("a caller's trace is carried on, and what is no traceparent begins a new one") {
  const auto caller = parse_traceparent(kCaller);
  REQUIRE(caller);
  CHECK(caller->to_header() == kCaller);
  CHECK(caller->sampled);
  CHECK_FALSE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")->sampled);
  CHECK(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
  for (const char* bad : {"", "x", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
                          "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                          "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                          "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x"}) {
    INFO(bad);
    CHECK_FALSE(parse_traceparent(bad));
    CHECK_FALSE(begin_span(bad).parent);
  }
  const Span span = begin_span(kCaller);
  CHECK(span.context.trace_id == caller->trace_id);
  CHECK(span.context.span_id != caller->span_id);
  CHECK(span.parent == caller->span_id);
  CHECK(begin_span("").context.trace_id != begin_span("").context.trace_id);
  CHECK(parse_traceparent(begin_span("").context.to_header()));
}

TEST_CASE("one request is one span, and a forwarded one is two of the same trace") {
  Collector collector;
  const test::TemporaryFolder folder;
  config::DaemonConfig config;
  config.data_dir = folder.path().string();
  config.listen = "127.0.0.1:0";
  config.host = "127.0.0.1";
  config.otlp_endpoint = collector.url();
  auto writer = Daemon::start(config::Role::writer, config);
  REQUIRE(writer);
  config.writer_url = writer->url();
  {
    auto reader = Daemon::start(config::Role::reader, config);
    REQUIRE(reader);
    const auto made =
        Client::create(reader->url())
            ->request("PUT", "/v1/collections/docs", {{"traceparent", std::string(kCaller)}}, R"({"dim":2})");
    REQUIRE(made);
    CHECK(made->status == 201);
  }
  static_cast<void>(
      Client::create(writer->url())
          ->request("GET", "/version", {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-00"}}));
  REQUIRE(writer->stop());
  writer = std::unexpected(Error{});  // sends what it has
  std::vector<json::value> of_trace;
  for (const json::value& span : collector.wait_for(2)) {
    CHECK(span.at("traceId") != "4bf92f3577b34da6a3ce929d0e0e4737");  // its caller did not want it sampled
    if (span.at("traceId") == "4bf92f3577b34da6a3ce929d0e0e4736") of_trace.push_back(span);
  }
  REQUIRE(of_trace.size() == 2);
  const bool first_is_inner = of_trace[0].at("parentSpanId") != "00f067aa0ba902b7";
  const json::value& inner = of_trace[first_is_inner ? 0 : 1];
  const json::value& outer = of_trace[first_is_inner ? 1 : 0];
  CHECK(outer.at("parentSpanId") == "00f067aa0ba902b7");
  CHECK(inner.at("parentSpanId") == outer.at("spanId"));
  CHECK(outer.at("name") == "create_collection");
  CHECK(outer.at("kind") == 2);
  const auto time = [](const json::value& span, const char* which) {
    return std::stoull(std::string(span.at(which).as_string()));
  };
  CHECK(time(outer, "startTimeUnixNano") <= time(inner, "startTimeUnixNano"));
  CHECK(time(inner, "startTimeUnixNano") <= time(inner, "endTimeUnixNano"));
  const json::value status = json::parse(R"({"key":"http.response.status_code","value":{"intValue":"201"}})");
  CHECK(std::ranges::count(outer.at("attributes").as_array(), status) == 1);
}

TEST_CASE(
    "an exporter never waits: what the collector does not take, or the queue does not hold, is dropped and counted") {
  const Span span = begin_span("");
  {
    Collector refusing(500);
    SpanExporter exporter(refusing.url(), "test", "1");
    exporter.offer(span);
    CHECK(refusing.wait_for(1).size() == 1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (exporter.dropped() == 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    CHECK(exporter.dropped() == 1);
    CHECK(exporter.exported() == 0);
    CHECK(refusing.resource().at("attributes").at(0).at("value").at("stringValue") == "test");
  }
  {
    SpanExporter nowhere("http://127.0.0.1:1", "test", "1");
    for (std::size_t i = 0; i < 3 * SpanExporter::kMaxQueued; ++i) nowhere.offer(span);
    CHECK(nowhere.dropped() >= SpanExporter::kMaxQueued);
  }
  Collector collector;
  {
    SpanExporter exporter(collector.url(), "test", "1");
    for (std::size_t i = 0; i < SpanExporter::kMaxBatch + 1; ++i) exporter.offer(span);
  }
  CHECK(collector.wait_for(SpanExporter::kMaxBatch + 1).size() == SpanExporter::kMaxBatch + 1);
}

TEST_CASE("a log line that comes too often is left out and counted") {
  LogLimit limit(2);
  const LogLimit::Clock::time_point start{std::chrono::hours(1)};
  CHECK(limit.allow(start) == 0U);
  CHECK(limit.allow(start) == 0U);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limit.allow(start));
  CHECK(limit.allow(start + std::chrono::seconds(1)) == 5U);
  CHECK(limit.allow(start + std::chrono::seconds(1)) == 0U);
}

}  // namespace
}  // namespace ndb::http
