// Routes over collections, and those about the process itself.
#include "bindings/http/routes.hpp"
#include "ipc/http/codec/answer_codec.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "ipc/http/codec/request_codec.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {
Result<Response> Routes::perform(Call& call) {
  switch (call.route->action) {
    case Action::healthz:
      return ok(R"({"status":"ok"})");
    case Action::readyz:
      return readyz();
    case Action::metrics:
      return metrics();
    case Action::version:
      return version();
    case Action::list_collections:
      return list_collections();
    case Action::create_collection:
      return create_collection(call);
    case Action::collection_stats:
      return collection_stats(call);
    case Action::drop_collection:
      return drop_collection(call);
    case Action::insert_documents:
      return insert_documents(call);
    case Action::get_document:
      return get_document(call);
    case Action::remove_document:
      return remove_document(call);
    case Action::get_documents:
      return get_documents(call);
    case Action::delete_documents:
      return delete_documents(call);
    case Action::count:
      return count(call);
    case Action::scroll:
      return scroll(call);
    case Action::flush:
    case Action::compact:
    case Action::build_index:
    case Action::drop_index:
      return maintain(call);
    case Action::manifest:
      return manifest(call);
    case Action::history:
      return history(call);
    case Action::set_history:
      return set_history(call);
    case Action::replicas:
      return replicas(call);
    case Action::report_replica:
      return report_replica(call);
    case Action::page:
    case Action::page_script:
    case Action::page_style:
      return page(call.route->action);
    case Action::search:
    case Action::search_batch:
    case Action::wal:
      break;  // run_search, run_search_batch, run_wal
  }
  return fail(ErrorCode::internal, "a route without an action");
}

std::vector<std::string> Routes::unready_reasons() {
  std::vector<std::string> reasons;
  {
    const std::lock_guard lock(mutex_);
    if (!unready_.empty()) reasons.push_back(unready_);
  }
  const Status opened = backend_.open();
  const auto names = opened ? backend_.names() : Result<std::vector<std::string>>(std::unexpected(opened.error()));
  if (!names) {
    reasons.push_back(names.error().message);
    return reasons;
  }
  for (const std::string& name : *names) {
    const auto collection = backend_.collection(name);
    const auto stats = collection ? collection->stats() : Result<CollectionStats>(std::unexpected(collection.error()));
    if (!stats) reasons.push_back("collection " + name + ": " + stats.error().message);
  }
  return reasons;
}

Result<Response> Routes::readyz() {
  const std::vector<std::string> reasons = unready_reasons();
  JsonWriter json;
  json.begin_object().field("status", reasons.empty() ? "ready" : "not_ready");
  if (!reasons.empty()) {
    json.key("reasons").begin_array();
    for (const std::string& reason : reasons) json.string(reason);
    json.end_array();
  }
  json.end_object();
  Response response{.status = reasons.empty() ? 200U : 503U, .headers = {}, .body = std::move(json).text()};
  if (!reasons.empty()) response.headers.push_back({"Retry-After", "1"});
  return response;
}

Result<Response> Routes::metrics() {
  std::vector<CollectionSample> samples;
  // What cannot be read right now is missing from this scrape; /readyz says why.
  for (const std::string& name : backend_.names().value_or(std::vector<std::string>{})) {
    const auto collection = backend_.collection(name);
    auto stats = collection ? collection->stats() : Result<CollectionStats>(std::unexpected(collection.error()));
    if (!stats) continue;
    auto replicas = collection->replicas();
    samples.push_back(
        {std::move(*stats), replicas ? std::move(*replicas) : std::vector<ReplicaStats>{}, backend_.activity(name)});
  }
  const SpanCounts spans = exporter_ ? SpanCounts{exporter_->exported(), exporter_->dropped()} : SpanCounts{};
  std::error_code ignored;
  const auto folder = std::filesystem::weakly_canonical(backend_.folder(), ignored);
  Response response = ok(metrics_.render(server_stats_(), samples, mapped_bytes_under(folder.string()), spans));
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

Response Routes::version() const {
  JsonWriter json;
  json.begin_object().field("name", "ndb").field("version", NDB_VERSION).field("api", "v1");
  json.field("role", backend_.is_reader() ? "reader" : "writer").end_object();
  return ok(std::move(json).text());
}

Result<Response> Routes::list_collections() {
  NDB_TRY_ASSIGN(const std::vector<std::string> names, backend_.names());
  std::vector<CollectionStats> collections;
  for (const std::string& name : names) {
    const auto collection = backend_.collection(name);
    if (!collection && collection.error().code == ErrorCode::not_found) continue;  // dropped meanwhile
    if (!collection) return std::unexpected(collection.error());
    NDB_TRY_ASSIGN(CollectionStats stats, collection->stats());
    collections.push_back(std::move(stats));
  }
  return ok(encode_collections(collections));
}

Result<Response> Routes::create_collection(const Call& call) {
  NDB_TRY_ASSIGN(const CollectionConfig config, parse_collection_config(call.request.body, options_.defaults));
  NDB_TRY_ASSIGN(const Collection collection, backend_.create(call.collection, config));
  NDB_TRY_ASSIGN(const CollectionStats stats, collection.stats());
  Response response = ok(encode_stats(stats));
  response.status = 201;
  return response;
}

Result<Response> Routes::collection_stats(const Call& call) {
  NDB_TRY_ASSIGN(const Collection collection, backend_.collection(call.collection));
  NDB_TRY_ASSIGN(const CollectionStats stats, collection.stats());
  return ok(encode_stats(stats));
}

Result<Response> Routes::drop_collection(const Call& call) {
  NDB_TRY(backend_.drop(call.collection));
  JsonWriter json;
  json.begin_object().field("name", call.collection).field("deleted", true).end_object();
  return ok(std::move(json).text());
}

Result<Response> Routes::maintain(const Call& call) {
  NDB_TRY_ASSIGN(Collection collection, backend_.collection(call.collection));
  const bool wait = call.wants_wait();
  const Action action = call.route->action;
  const auto version = action == Action::flush         ? collection.flush(wait)
                       : action == Action::compact     ? collection.compact(wait)
                       : action == Action::build_index ? collection.rebuild_index(wait)
                                                       : collection.delete_index();
  if (!version) return std::unexpected(version.error());
  return ok(encode_manifest_version(*version));
}

Result<Response> Routes::manifest(const Call& call) {
  NDB_TRY_ASSIGN(const AsOf as_of, call.as_of());
  NDB_TRY_ASSIGN(const Collection collection, collection_at(call, as_of));
  NDB_TRY_ASSIGN(std::string json, collection.manifest());
  return ok(std::move(json));
}

Result<Response> Routes::replicas(const Call& call) {
  NDB_TRY_ASSIGN(const Collection collection, backend_.collection(call.collection));
  NDB_TRY_ASSIGN(const std::vector<ReplicaStats> replicas, collection.replicas());
  return ok(encode_replicas(replicas));
}

Result<Response> Routes::report_replica(const Call& call) {
  NDB_TRY_ASSIGN(const ReplicaReport report, parse_replica_report(call.request.body));
  NDB_TRY_ASSIGN(const Seq newest, backend_.note_replica(call.collection, report));
  JsonWriter json;
  json.begin_object().field("seq", newest.value);
  json.field("lag_seq", newest > report.seq ? newest.value - report.seq.value : 0).end_object();
  return ok(std::move(json).text());
}

}  // namespace ndb::http
