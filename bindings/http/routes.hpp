// Every route of the HTTP contract over one ndb::Database.
//
// Threads: handle() is called by the server's I/O threads; the work moves to the lane that the route names. Routes must
// outlive the server.
// Invariants: each request is checked in the order key, path, method, query, body, all but the body by its header
// alone; a refused one changes nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bindings/http/access.hpp"
#include "bindings/http/backend.hpp"
#include "bindings/http/forwarder.hpp"
#include "bindings/http/metrics.hpp"
#include "bindings/http/router.hpp"
#include "bindings/http/trace/log_limit.hpp"
#include "bindings/http/trace/span_exporter.hpp"
#include "ipc/http/codec/request_codec.hpp"
#include "ipc/http/server.hpp"
#include "ipc/http/target.hpp"
#include "shared/base/log.hpp"

namespace ndb::http {

struct RoutesOptions {
  CollectionConfig defaults;  ///< of collections that are created over HTTP
  Keys keys;
  bool metrics_without_key = false;
  std::string writer_url;                   ///< for a reader: where writes go; "" refuses them
  ClientOptions writer_client;              ///< how to reach it
  bool log_requests = false;                ///< one line per request
  std::chrono::milliseconds slow_query{0};  ///< searches that take longer are logged with their plan; 0: none
  std::string otlp_endpoint;                ///< where spans go; "" for nowhere
  std::string service;                      ///< how they name this process: "ndb-writer"
};

class Routes {
 public:
  Routes(Backend& backend, RoutesOptions options);

  /// Refuses what its header is enough to refuse; leaves what it found out in the request.
  [[nodiscard]] Admission admit(Request& request);
  /// Carries out a request that was admitted.
  void handle(Request&& request, Responder responder);

  /// What /readyz says besides the state of the collections: "" for ready. The daemon says "starting" and "stopping".
  void set_unready(std::string reason);
  /// Later requests need these keys.
  void set_keys(Keys keys) { access_.replace(std::move(keys)); }
  [[nodiscard]] Keys keys() const { return access_.current(); }
  /// Where /metrics gets the server's numbers from; before any request.
  void set_server_stats(std::function<ServerStats()> stats) { server_stats_ = std::move(stats); }
  /// Called, once, when a write found this writer fenced off; before any request.
  void set_on_fenced(std::function<void(const Error&)> callback) { on_fenced_ = std::move(callback); }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint32_t kLogLinesPerSecond = 20;

  /// One request on its way.
  struct Call : RequestContext {
    Request request;
    Target target;
    const Route* route = nullptr;
    std::string collection;
    std::string id;
    bool sent_flatbuffers = false;   ///< the body is a FlatBuffer
    bool wants_flatbuffers = false;  ///< the answer shall be one, where the route can
    Clock::time_point started = Clock::now();
    Span span;

    [[nodiscard]] bool wants_wait() const noexcept { return target.query_value("wait") == "true"; }
    /// As the query says it.
    [[nodiscard]] Result<AsOf> as_of() const {
      return parse_as_of(target.query_value("at_version"), target.query_value("at_time"));
    }
  };
  using Work = std::move_only_function<Result<Response>(Call&)>;

  void run(Call&& call, Responder responder);
  void run_in(Lane lane, Call&& call, Responder responder, Work work);
  void run_search(Call&& call, Responder responder);
  void run_search_batch(Call&& call, Responder responder);
  void run_wal(Call&& call, Responder responder);
  void finish(const Call& call, Responder responder, Result<Response> result);
  /// Counts and logs what came out, and makes an answer of an error.
  [[nodiscard]] Response conclude(const Call& call, Result<Response> result);
  [[nodiscard]] Admission refuse(Call& call, const Request& request, Result<Response> answer);
  [[nodiscard]] Response unknown_route(const RouteMatch& match, const Request& request);
  void note_error(const Call& call, const Error& error);
  void note_slow(const Call& call, const Search& search, const SearchResult& result);
  void log_limited(base::LogLevel level, std::string line);
  [[nodiscard]] Access access_to(const Route* route) const;
  [[nodiscard]] bool belongs_to_writer(const Route& route) const;
  [[nodiscard]] Result<Response> forward(const Call& call);

  // One per route; perform() picks.
  [[nodiscard]] Result<Response> perform(Call& call);
  [[nodiscard]] Result<Response> readyz();
  [[nodiscard]] Result<Response> metrics();
  [[nodiscard]] Response version() const;
  [[nodiscard]] static Response page(Action action);
  [[nodiscard]] Result<Response> list_collections();
  [[nodiscard]] Result<Response> create_collection(const Call& call);
  [[nodiscard]] Result<Response> collection_stats(const Call& call);
  [[nodiscard]] Result<Response> drop_collection(const Call& call);
  [[nodiscard]] Result<Response> insert_documents(Call& call);
  [[nodiscard]] Result<Response> get_document(const Call& call);
  [[nodiscard]] Result<Response> remove_document(const Call& call);
  [[nodiscard]] Result<Response> get_documents(const Call& call);
  [[nodiscard]] Result<Response> delete_documents(const Call& call);
  [[nodiscard]] Result<Response> search(const Call& call, Search& search, const AsOf& as_of);
  [[nodiscard]] Result<Response> search_batch(const Call& call, const std::vector<Search>& searches, const AsOf& as_of);
  [[nodiscard]] Result<Response> count(const Call& call);
  [[nodiscard]] Result<Response> scroll(const Call& call);
  [[nodiscard]] Result<Response> maintain(const Call& call);
  [[nodiscard]] Result<Response> manifest(const Call& call);
  [[nodiscard]] Result<Response> history(const Call& call);
  [[nodiscard]] Result<Response> set_history(const Call& call);
  [[nodiscard]] Result<Response> replicas(const Call& call);
  [[nodiscard]] Result<Response> report_replica(const Call& call);
  [[nodiscard]] std::vector<std::string> unready_reasons();
  /// The collection of the call, in the state that is asked for.
  [[nodiscard]] Result<Collection> collection_at(const Call& call, const AsOf& as_of);

  Backend& backend_;
  const RoutesOptions options_;
  AccessControl access_;
  const std::unique_ptr<Forwarder> forwarder_;    // null without a writer URL
  const std::unique_ptr<SpanExporter> exporter_;  // null without an endpoint
  LogLimit log_limit_{kLogLinesPerSecond};
  Metrics metrics_;
  std::function<ServerStats()> server_stats_;
  std::function<void(const Error&)> on_fenced_;
  std::atomic<bool> fenced_{false};
  std::mutex mutex_;
  std::string unready_;  // guarded by mutex_
};

/// 200 with a JSON body.
[[nodiscard]] inline Response ok(std::string json) {
  return {.status = 200, .headers = {}, .body = std::move(json)};
}

}  // namespace ndb::http
