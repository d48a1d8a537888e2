#include "bindings/http/trace/span_exporter.hpp"

#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/log.hpp"

namespace ndb::http {
namespace {

ClientOptions collector_options() {
  ClientOptions options;
  options.connect_timeout = options.request_timeout = SpanExporter::kPatience;
  options.max_body_bytes = 1U << 20;
  return options;
}

void write_attribute(JsonWriter& json, std::string_view key, std::string_view value) {
  json.begin_object()
      .field("key", key)
      .key("value")
      .begin_object()
      .field("stringValue", value)
      .end_object()
      .end_object();
}

// Integers of 64 bits are strings in OTLP's JSON.
void write_attribute(JsonWriter& json, std::string_view key, std::uint64_t value) {
  json.begin_object().field("key", key).key("value").begin_object();
  json.field("intValue", std::to_string(value)).end_object().end_object();
}

std::string unix_ns(std::chrono::system_clock::time_point time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

void write_span(JsonWriter& json, const Span& span) {
  constexpr std::uint32_t kServer = 2;  // SPAN_KIND_SERVER
  constexpr std::uint32_t kError = 2;   // STATUS_CODE_ERROR
  json.begin_object().field("traceId", span.context.trace_text()).field("spanId", span.context.span_text());
  if (span.parent) json.field("parentSpanId", TraceContext{.trace_id = {}, .span_id = *span.parent}.span_text());
  json.field("name", span.name).field("kind", kServer);
  json.field("startTimeUnixNano", unix_ns(span.started))
      .field("endTimeUnixNano", unix_ns(span.started + span.duration));
  json.key("attributes").begin_array();
  write_attribute(json, "http.request.method", span.method);
  write_attribute(json, "http.response.status_code", span.status);
  if (!span.collection.empty()) write_attribute(json, "db.collection.name", span.collection);
  json.end_array().key("status").begin_object();
  if (span.status >= 500) json.field("code", kError);
  json.end_object().end_object();
}

}  // namespace

std::string encode_spans(std::span<const Span> spans, std::string_view service, std::string_view instance) {
  JsonWriter json;
  json.begin_object().key("resourceSpans").begin_array().begin_object();
  json.key("resource").begin_object().key("attributes").begin_array();
  write_attribute(json, "service.name", service);
  write_attribute(json, "service.instance.id", instance);
  write_attribute(json, "service.version", NDB_VERSION);
  json.end_array().end_object();
  json.key("scopeSpans").begin_array().begin_object();
  json.key("scope").begin_object().field("name", "ndb").end_object().key("spans").begin_array();
  for (const Span& span : spans) write_span(json, span);
  json.end_array().end_object().end_array().end_object().end_array().end_object();
  return std::move(json).text();
}

SpanExporter::SpanExporter(std::string endpoint, std::string service, std::string instance)
    : service_(std::move(service)),
      instance_(std::move(instance)),
      collector_(std::move(endpoint), collector_options()) {
  thread_ = std::thread([this] { run(); });
}

SpanExporter::~SpanExporter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void SpanExporter::offer(Span span) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < kMaxQueued) {
      queue_.push_back(std::move(span));
      return;
    }
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): no memory; counted below
  }
  dropped_.fetch_add(1, std::memory_order_relaxed);
}

void SpanExporter::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ || !queue_.empty()) {
    wake_.wait_for(lock, kInterval, [this] { return stopping_; });
    std::vector<Span> batch;
    batch.swap(queue_);
    const bool last = stopping_;
    lock.unlock();
    send(std::move(batch));
    lock.lock();
    if (last) break;
  }
}

void SpanExporter::send(std::vector<Span> spans) {
  for (std::size_t begin = 0; begin < spans.size(); begin += kMaxBatch) {
    const auto batch = std::span(spans).subspan(begin, std::min(kMaxBatch, spans.size() - begin));
    const auto answer = collector_.request("POST", "/v1/traces", {{"Content-Type", "application/json"}},
                                           encode_spans(batch, service_, instance_));
    const std::string problem = !answer        ? answer.error().message
                                : answer->ok() ? std::string()
                                               : "it answered " + std::to_string(answer->status);
    (problem.empty() ? exported_ : dropped_).fetch_add(batch.size(), std::memory_order_relaxed);
    if (!problem.empty() && problem != last_problem_) {
      base::log_warn("spans do not reach " + collector_.url() + ": " + problem);
    }
    last_problem_ = problem;
  }
}

}  // namespace ndb::http
