#include "bindings/http/router.hpp"

#include <fstream>

#include "bindings/http/access.hpp"
#include "bindings/http/metrics.hpp"
#include "ipc/http/target.hpp"
#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

RouteMatch match(std::string_view method, std::string_view path) {
  return match_route(method, parse_target(path)->segments);
}

TEST_CASE("every route is found by its own method and path") {
  for (const Route& route : routes()) {
    std::string path = "/" + std::string(route.pattern);
    if (const auto at = path.find("{name}"); at != std::string::npos) path.replace(at, 6, "docs");
    if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, "a%2Fb");
    INFO(route.method << " " << path);
    const RouteMatch found = match(route.method, path);
    REQUIRE(found.route != nullptr);
    CHECK(found.route->action == route.action);
    CHECK(&routes()[static_cast<std::size_t>(route.action)] == &route);  // Metrics relies on the order
    if (route.pattern.find("{id}") != std::string_view::npos) CHECK(found.id == "a/b");
    if (route.pattern.find("{name}") != std::string_view::npos) CHECK(found.name == "docs");
  }
}

TEST_CASE("a path with another method says which it knows, an unknown path nothing") {
  CHECK(match("PATCH", "/v1/collections/docs").allow == "PUT, GET, HEAD, DELETE");
  CHECK(match("GET", "/v1/collections/docs/search").allow == "POST");
  CHECK(match("HEAD", "/healthz").route != nullptr);
  CHECK(match("GET", "/v1/collections/docs/documents/get").route->action == Action::get_document);
  CHECK(match("POST", "/v1/collections/docs/documents/get").route->action == Action::get_documents);
  for (const char* path : {"/page", "/page/../index.html", "/v1", "/v2/collections", "/v1/collections/docs/nothing",
                           "/v1/collections/docs/documents/a/b", "/healthz/x"}) {
    INFO(path);
    CHECK(match("GET", path).route == nullptr);
    CHECK(match("GET", path).allow.empty());
  }
}

TEST_CASE("keys open what they should and nothing else") {
  const AccessControl both(Keys{"full", "reading"});
  const AccessControl read_only(Keys{"", "reading"});
  const AccessControl none(Keys{});
  const auto bearer = [](std::string key) { return Headers{{"Authorization", "Bearer " + std::move(key)}}; };
  struct Case {
    const AccessControl* control;
    Headers headers;
    Access needed;
    std::optional<ErrorCode> error;
  };
  const std::vector<Case> cases{
      {&none, {}, Access::write, {}},
      {&both, {}, Access::open, {}},
      {&both, {}, Access::read, ErrorCode::unauthenticated},
      {&both, bearer("full"), Access::write, {}},
      {&both, bearer("full"), Access::read, {}},
      {&both, bearer("reading"), Access::read, {}},
      {&both, bearer("reading"), Access::write, ErrorCode::permission_denied},
      {&both, bearer("ful"), Access::write, ErrorCode::unauthenticated},
      {&both, bearer("fullfull"), Access::write, ErrorCode::unauthenticated},
      {&both, bearer(""), Access::read, ErrorCode::unauthenticated},
      {&both, {{"api-key", "full"}}, Access::write, {}},
      {&both, {{"Authorization", "bearer  full"}}, Access::write, {}},
      {&both, {{"Authorization", "Basic full"}}, Access::read, ErrorCode::unauthenticated},
      {&both, {{"Authorization", "Basic OmZ1bGw="}}, Access::read, {}},  // :full
      {&both, {{"Authorization", "Basic OmZ1bGw="}}, Access::write, ErrorCode::permission_denied},
      {&both, {{"Authorization", "basic YW5uOnJlYWRpbmc="}}, Access::read, {}},  // ann:reading
      {&both, {{"Authorization", "Basic YW5uOnJlYWRpbmc="}}, Access::write, ErrorCode::permission_denied},
      {&both, {{"Authorization", "Basic ZnVsbA=="}}, Access::read, ErrorCode::unauthenticated},  // full
      {&both, {{"Authorization", "Basic OmZ1bGw"}}, Access::read, ErrorCode::unauthenticated},
      {&both, {{"Authorization", "Basic !!!!"}}, Access::read, ErrorCode::unauthenticated},
      {&both, {{"Authorization", "Basic Og=="}}, Access::read, ErrorCode::unauthenticated},  // :
      {&read_only, {}, Access::write, ErrorCode::unauthenticated},
      {&read_only, bearer("reading"), Access::write, ErrorCode::permission_denied},
      {&read_only, {{"api-key", ""}}, Access::write, ErrorCode::unauthenticated},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    const Status status = cases[i].control->check(cases[i].needed, cases[i].headers);
    CHECK(status.has_value() == !cases[i].error.has_value());
    if (!status && cases[i].error) CHECK(status.error().code == *cases[i].error);
  }
}

TEST_CASE("a key that was replaced opens nothing any more, and the last one cannot be taken away") {
  AccessControl access(Keys{"old", ""});
  access.replace({"new", "reading"});
  CHECK(access.check(Access::write, {{"api-key", "old"}}).error().code == ErrorCode::unauthenticated);
  CHECK(access.check(Access::write, {{"api-key", "new"}}));
  CHECK(access.check(Access::read, {{"api-key", "reading"}}));
  access.replace({});
  CHECK_FALSE(access.check(Access::read, {}));
  CHECK(access.check(Access::write, {{"api-key", "new"}}));
}

TEST_CASE("the metrics of the contract are there from the start and count what happens") {
  Metrics metrics;
  const std::string before = metrics.render({}, {}, 0);
  for (const char* line :
       {"ndb_inserts_total 0\n", "ndb_search_duration_seconds_count 0\n", "ndb_errors_total{code=\"not_found\"} 0\n",
        "# TYPE ndb_search_duration_seconds histogram\n", "# TYPE ndb_inserts_total counter\n"}) {
    INFO(line);
    CHECK(before.find(line) != std::string::npos);
  }
  metrics.count_inserts(3);
  metrics.count_error(ErrorCode::not_found);
  metrics.observe_search(std::chrono::milliseconds(3));
  metrics.count_request(Action::search, 404, std::chrono::seconds(1));
  CollectionSample sample;
  sample.stats.name = "docs";
  sample.stats.seq = Seq{12};
  writer::Activity activity;
  activity.note(writer::Work::flush, std::chrono::seconds(2));
  activity.note(writer::Work::flush, std::chrono::hours(3));
  sample.activity = activity.times();
  sample.replicas.push_back({"h", 7, ManifestVersion{3}, Seq{10}, 2, 0.5});
  ServerStats server;
  server.connections = 4;
  server.overloaded = 6;
  const std::string after = metrics.render(server, std::span(&sample, 1), 4096);
  for (const char* line :
       {"ndb_inserts_total 3\n", "ndb_errors_total{code=\"not_found\"} 1\n",
        "ndb_search_duration_seconds_bucket{le=\"0.005\"} 1\n", "ndb_search_duration_seconds_bucket{le=\"0.002\"} 0\n",
        "ndb_flush_duration_seconds_count{collection=\"docs\"} 2\n",
        "ndb_flush_duration_seconds_bucket{collection=\"docs\",le=\"1\"} 0\n",
        "ndb_flush_duration_seconds_bucket{collection=\"docs\",le=\"5\"} 1\n",
        "ndb_flush_duration_seconds_bucket{collection=\"docs\",le=\"+Inf\"} 2\n",
        "ndb_compaction_duration_seconds_count{collection=\"docs\"} 0\n",
        "ndb_http_requests_total{route=\"search\",status=\"4xx\"} 1\n",
        "ndb_seq{collection=\"docs\"} 12\n", "ndb_replica_lag_seq{collection=\"docs\",host=\"h\",pid=\"7\"} 2\n",
        "ndb_http_connections 4\n", "ndb_errors_total{code=\"overloaded\"} 6\n", "ndb_mmapped_bytes 4096\n"}) {
    INFO(line);
    CHECK(after.find(line) != std::string::npos);
  }
}

}  // namespace
}  // namespace ndb::http
