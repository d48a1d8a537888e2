#include <boost/json.hpp>

#include <fmt/format.h>

#include "cli/target.hpp"
#include "ipc/http/client.hpp"
#include "ipc/http/codec/flatbuffers_codec.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "ipc/http/error_map.hpp"
#include "ndb_schema/http_messages_generated.h"
#include "shared/base/result.hpp"
#include "shared/base/time_text.hpp"
#include "shared/payload/json_text.hpp"

namespace ndb::cli {
namespace {

constexpr std::chrono::hours kJobTimeout{24};
constexpr const char* kCollections = "/v1/collections";

std::string encode_config(const CollectionConfig& config) {
  http::JsonWriter json;
  json.begin_object().field("dim", config.dim).field("distance", distance_name(config.distance));
  json.field("durability", durability_name(config.durability));
  json.key("hnsw").begin_object().field("m", config.hnsw.m).field("ef_construct", config.hnsw.ef_construction);
  json.field("ef_search", config.hnsw.ef_search).field("quantization", quantization_name(config.hnsw.quantization));
  json.end_object();
  json.key("attributes").begin_object().key("only").raw(payload::json_list(config.attributes.only));
  json.key("never").raw(payload::json_list(config.attributes.never)).end_object();
  json.key("history").begin_object().field("retention_s", std::int64_t{config.history.retention.count()});
  json.field("interval_s", std::int64_t{config.history.interval.count()}).end_object().end_object();
  return std::move(json).text();
}

/// An InsertRequest: floats travel as they are.
flatbuffers::DetachedBuffer encode_documents(std::span<const DocumentView> documents) {
  std::size_t bytes = 1024;
  for (const auto& document : documents) bytes += document.vector.size_bytes() + document.id.size() + document.payload.size() + 64;
  flatbuffers::FlatBufferBuilder builder(bytes);
  std::vector<flatbuffers::Offset<http::fbs::Document>> made;
  made.reserve(documents.size());
  for (const auto& document : documents) {
    const auto id = builder.CreateString(document.id.data(), document.id.size());
    const auto vector = builder.CreateVector(document.vector.data(), document.vector.size());
    const auto payload = document.payload.empty() ? flatbuffers::Offset<flatbuffers::String>()
                                                  : builder.CreateString(document.payload.data(), document.payload.size());
    made.push_back(http::fbs::CreateDocument(builder, id, vector, payload));
  }
  const auto list = builder.CreateVector(made);
  builder.Finish(http::fbs::CreateInsertRequest(builder, list));
  return builder.Release();
}

Result<WriteResult> parse_written(const std::string& body) {
  namespace json = boost::json;
  json::error_code error;
  const json::value answer = json::parse(body, error);
  const auto number = [&](const char* key) -> std::uint64_t {
    const auto* value = answer.is_object() ? answer.get_object().if_contains(key) : nullptr;
    json::error_code ignored;
    return value == nullptr ? 0 : value->to_number<std::uint64_t>(ignored);
  };
  if (error || !answer.is_object()) return fail(ErrorCode::internal, "the server's answer is no JSON object; is it nDB?");
  WriteResult result;
  result.seq = Seq{number("seq")};
  result.inserted = number("inserted");
  result.replaced = number("replaced");
  const auto* durability = answer.get_object().if_contains("durability");
  if (durability != nullptr && durability->is_string())
    result.durability = durability_from_name(std::string_view(durability->get_string())).value_or(Durability::buffered);
  return result;
}

class HttpTarget final : public Target {
 public:
  HttpTarget(http::Client client, const TargetAddress& address) : client_(std::move(client)), timeout_(address.timeout) {
    if (!address.api_key.empty()) headers_.push_back({"Authorization", "Bearer " + address.api_key});
  }

  Result<std::string> list() override { return call("GET", kCollections); }
  Result<std::string> create(const std::string& name, const CollectionConfig& config) override {
    return call("PUT", path(name), encode_config(config));
  }
  Status drop(const std::string& name) override {
    NDB_TRY(call("DELETE", path(name)));
    return {};
  }
  Result<std::string> stats(const std::string& name) override { return call("GET", path(name)); }
  Result<std::string> manifest(const std::string& name, const http::AsOf& as_of) override {
    std::string query;
    if (as_of.version) query = fmt::format("?at_version={}", as_of.version->value);
    if (as_of.time) query = fmt::format("?at_time={}", base::to_unix_ms(*as_of.time));
    return call("GET", path(name, "/manifest" + query));
  }
  Result<std::string> history(const std::string& name) override { return call("GET", path(name, "/history")); }
  Result<std::string> set_history(const std::string& name, const std::string& body) override {
    return call("PUT", path(name, "/history"), body);
  }
  Result<std::string> replicas(const std::string& name) override { return call("GET", path(name, "/replicas")); }
  Result<std::string> get(const std::string& name, const std::string& body) override {
    return call("POST", path(name, "/documents/get"), body);
  }
  Result<std::string> remove(const std::string& name, const std::string& body) override {
    return call("POST", path(name, "/documents/delete"), body);
  }
  Result<std::string> search(const std::string& name, const std::string& body) override {
    return call("POST", path(name, "/search"), body);
  }
  Result<std::string> count(const std::string& name, const std::string& body) override {
    return call("POST", path(name, "/count"), body);
  }
  Result<std::string> scroll(const std::string& name, const std::string& body) override {
    return call("POST", path(name, "/scroll"), body);
  }
  Result<std::string> run(const std::string& name, Job job, bool wait) override {
    const char* const query = wait ? "?wait=true" : "";
    client_.set_request_timeout(wait ? std::chrono::milliseconds(kJobTimeout) : std::chrono::milliseconds(timeout_));
    auto answer = job == Job::drop_index ? call("DELETE", path(name, "/index"))
                                         : call("POST", path(name, fmt::format("/{}{}", job_name(job), query)));
    client_.set_request_timeout(timeout_);
    return answer;
  }
  Result<WriteResult> insert(const std::string& name, std::span<const DocumentView> documents) override {
    const auto body = encode_documents(documents);
    http::Headers headers = headers_;
    headers.push_back({"Content-Type", std::string(http::kFlatBuffersType)});
    headers.push_back({"Accept", "application/json"});
    const std::string_view bytes(reinterpret_cast<const char*>(body.data()), body.size());
    NDB_TRY_ASSIGN(const auto answer, client_.request("POST", path(name, "/documents"), headers, bytes));
    if (!answer.ok()) return std::unexpected(http::error_of(answer.status, answer.body));
    return parse_written(answer.body);
  }

 private:
  static const char* job_name(Job job) { return job == Job::flush ? "flush" : job == Job::compact ? "compact" : "index"; }
  /// Names were validated before they come here, so they need no escapes.
  static std::string path(const std::string& name, const std::string& rest = "") {
    return fmt::format("{}/{}{}", kCollections, name, rest);
  }
  Result<std::string> call(const char* method, const std::string& target, const std::string& body = "") {
    NDB_TRY_ASSIGN(auto answer, client_.call(method, target, body, headers_));
    return std::move(answer.body);
  }

  http::Client client_;
  std::chrono::seconds timeout_;
  http::Headers headers_;
};

}  // namespace

Result<std::unique_ptr<Target>> open_http_target(const TargetAddress& address) {
  http::ClientOptions options;
  options.request_timeout = address.timeout;
  NDB_TRY_ASSIGN(auto client, http::Client::connect(address.url, options));
  return std::make_unique<HttpTarget>(std::move(client), address);
}

Result<std::unique_ptr<Target>> open_target(const TargetAddress& address, Purpose purpose) {
  return address.url.empty() ? open_embedded_target(address, purpose) : open_http_target(address);
}

}  // namespace ndb::cli
