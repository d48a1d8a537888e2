// The HTTP contract, spoken to daemons over real files.
#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <latch>
#include <set>
#include <thread>

#include "bindings/http/daemon.hpp"
#include "ipc/http/client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace ndb::http {
namespace {

namespace json = boost::json;
using config::DaemonConfig;
using config::Role;

DaemonConfig config_for(const std::filesystem::path& folder) {
  DaemonConfig config;
  config.data_dir = folder.string();
  config.listen = "127.0.0.1:0";
  config.host = "127.0.0.1";
  config.drain_timeout_s = 5;
  return config;
}

Daemon start(Role role, const DaemonConfig& config) {
  auto daemon = Daemon::start(role, config);
  if (!daemon) FAIL(daemon.error().message);
  return std::move(*daemon);
}

struct Answer {
  unsigned status = 0;
  json::value body;
  Headers headers;

  [[nodiscard]] std::string code() const { return json::value_to<std::string>(body.at("error").at("code")); }
  [[nodiscard]] std::string field() const {
    const json::object& error = body.at("error").as_object();
    return error.contains("field") ? json::value_to<std::string>(error.at("field")) : "";
  }
};

class Api {
 public:
  explicit Api(const Daemon& daemon) : client_(std::move(*Client::create(daemon.url()))) {}

  Answer operator()(std::string_view method, std::string_view target, std::string_view body = {},
                    const Headers& headers = {}) {
    const auto response = client_.request(method, target, headers, body);
    if (!response) FAIL(response.error().message);
    last_body_ = response->body;
    boost::system::error_code ignored;
    return {response->status, json::parse(response->body, ignored), response->headers};
  }
  [[nodiscard]] const std::string& last_body() const { return last_body_; }

  // Asks until the answer is as wanted; for what happens some time after something else.
  template <class Wanted>
  Answer until(std::string_view method, std::string_view target, std::string_view body, Wanted wanted) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    Answer answer = (*this)(method, target, body);
    while (!wanted(answer) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      answer = (*this)(method, target, body);
    }
    INFO(last_body_);
    CHECK(wanted(answer));
    return answer;
  }

 private:
  Client client_;
  std::string last_body_;
};

constexpr std::string_view kDocs = "/v1/collections/docs";
std::string at(std::string_view rest) {
  return std::string(kDocs) + std::string(rest);
}

std::string documents(int from, int to) {
  std::string text = R"({"documents":[)";
  for (int i = from; i < to; ++i) {
    if (i > from) text += ',';
    const std::string n = std::to_string(i);
    text += R"({"id":"d)" + n + R"(","vector":[)" + n + R"(,1],"payload":{"n":)" + n + "}}";
  }
  return text + "]}";
}

// tests/support/filter_cases.json, which every language is tested with.
TEST_CASE("the table of filters over HTTP") {
  std::ifstream in(NDB_FILTER_CASES);
  const auto table = json::parse(std::string(std::istreambuf_iterator<char>(in), {})).as_object();
  const test::TemporaryFolder folder;
  Daemon writer = start(Role::writer, config_for(folder.path()));
  Api api(writer);
  REQUIRE(api("PUT", kDocs, R"({"dim":2})").status == 201);
  std::string batch;
  for (const auto& payload : table.at("documents").as_array()) {
    const std::size_t number = static_cast<std::size_t>(std::ranges::count(batch, '$'));
    batch += (batch.empty() ? "" : ",") + std::string(R"({"id":"$)") + std::to_string(number) + R"(","vector":[1,1])";
    batch += payload.is_null() || payload.as_string().empty() ? "}" : R"(,"payload":)" + std::string(payload.as_string()) + "}";
  }
  REQUIRE(api("POST", at("/documents"), R"({"documents":[)" + batch + "]}").status == 200);
  for (const bool flushed : {false, true}) {
    if (flushed) REQUIRE(api("POST", at("/flush?wait=true"), "").status == 200);
    for (const auto& one : table.at("cases").as_array()) {
      const std::string filter(one.at("filter").as_string());
      CAPTURE(flushed, filter);
      const Answer hits = api("POST", at("/search"), R"({"vector":[1,1],"top_k":100,"filter":)" + filter + "}");
      REQUIRE(hits.status == 200);
      std::set<std::string> expected, found;
      for (const auto& match : one.at("matches").as_array()) expected.insert("$" + std::to_string(match.as_int64()));
      for (const auto& match : hits.body.at("matches").as_array()) found.insert(json::value_to<std::string>(match.at("id")));
      CHECK(found == expected);
      CHECK(api("POST", at("/count"), R"({"filter":)" + filter + "}").body.at("count") == expected.size());
    }
  }
}

TEST_CASE("a collection lives its life over HTTP") {
  const test::TemporaryFolder folder;
  Daemon writer = start(Role::writer, config_for(folder.path()));
  Api api(writer);

  CHECK(api("GET", "/v1/collections").body == json::parse(R"({"collections":[]})"));
  const Answer created = api("PUT", kDocs, R"({"dim":2,"distance":"euclidean","hnsw":{"m":8}})");
  CHECK(created.status == 201);
  CHECK(created.body.at("dim") == 2);
  const Answer again = api("PUT", kDocs, R"({"dim":2})");
  CHECK(again.status == 409);
  CHECK(again.code() == "already_exists");

  const Answer inserted = api("POST", at("/documents"), documents(0, 10));
  CHECK(inserted.status == 200);
  CHECK(inserted.body.at("inserted") == 10);
  CHECK(inserted.body.at("replaced") == 0);
  CHECK(inserted.body.at("durability") == "buffered");
  CHECK(api("POST", at("/documents"), documents(9, 12)).body.at("replaced") == 1);

  const Answer hits = api("POST", at("/search"), R"({"vector":[3.2,1],"top_k":2,"filter":{"n":{"$gte":3}}})");
  CHECK(hits.status == 200);
  const json::array& matches = hits.body.at("matches").as_array();
  REQUIRE(matches.size() == 2);
  CHECK(matches[0].at("id") == "d3");
  CHECK(matches[0].at("payload") == json::parse(R"({"n":3})"));
  CHECK(json::value_to<double>(matches[0].at("score")) == Approx(0.2));
  CHECK_FALSE(matches[0].as_object().contains("vector"));
  CHECK(json::value_to<std::uint64_t>(hits.body.at("seq")) >= 13);
  CHECK(hits.body.as_object().contains("manifest_version"));
  CHECK(hits.body.as_object().contains("took_us"));

  const Answer batch =
      api("POST", at("/search/batch"),
          R"({"searches":[{"vector":[0,1],"top_k":1},{"vector":[5,1],"top_k":1,"with_vector":true}]})");
  REQUIRE(batch.body.at("results").as_array().size() == 2);
  CHECK(batch.body.at("results").at(0).at("matches").at(0).at("id") == "d0");
  CHECK(batch.body.at("results").at(1).at("matches").at(0).at("vector") == json::parse("[5,1]"));

  CHECK(api("GET", at("/documents/d4")).body == json::parse(R"({"id":"d4","vector":[4,1],"payload":{"n":4}})"));
  CHECK(api("GET", at("/documents/nobody")).status == 404);
  CHECK(api("POST", at("/documents/get"), R"({"ids":["d1","x"]})").body.at("missing") == json::parse(R"(["x"])"));
  CHECK(api("POST", at("/count"), R"({"filter":{"n":{"$lt":5}}})").body.at("count") == 5);
  const Answer page = api("POST", at("/scroll"), R"({"limit":5})");
  CHECK(page.body.at("documents").as_array().size() == 5);
  CHECK(page.body.at("next").is_string());
  CHECK(api("DELETE", at("/documents/d4")).body.at("deleted") == true);
  CHECK(api("DELETE", at("/documents/d4")).status == 404);
  CHECK(api("POST", at("/documents/delete"), R"({"ids":["d5","d4"]})").body.at("deleted") == 1);
  CHECK(api("POST", at("/documents/delete"), R"({"filter":{"n":{"$gte":10}}})").body.at("deleted") == 2);
  CHECK(api("POST", at("/count"), "").body.at("count") == 8);

  for (const char* action : {"/flush?wait=true", "/compact?wait=true", "/index?wait=true", "/flush"}) {
    INFO(action);
    const Answer done = api("POST", at(action));
    CHECK(done.status == 200);
    CHECK(done.body.as_object().contains("manifest_version"));
  }
  CHECK(api("DELETE", at("/index")).status == 200);
  CHECK(api("GET", at("/manifest")).status == 200);
  CHECK(api("GET", at("/replicas")).body.at("replicas").is_array());
  const Answer stats = api("GET", kDocs);
  CHECK(stats.body.at("documents") == 8);
  CHECK(stats.body.at("distance") == "euclidean");
  CHECK(api("GET", "/v1/collections").body.at("collections").at(0).at("documents") == 8);

  CHECK(api("DELETE", kDocs).status == 200);
  CHECK(api("GET", kDocs).status == 404);
  CHECK(api("PUT", kDocs, R"({"dim":3})").status == 201);
  CHECK(writer.stop());
}

TEST_CASE("ids may hold anything, in bodies and in paths") {
  const test::TemporaryFolder folder;
  const Daemon writer = start(Role::writer, config_for(folder.path()));
  Api api(writer);
  REQUIRE(api("PUT", kDocs, R"({"dim":1})").status == 201);
  REQUIRE(api("POST", at("/documents"), R"({"documents":[{"id":"a/b?c#d %\u00e9\"","vector":[1]}]})").status == 200);
  const Answer got = api("GET", at("/documents/a%2Fb%3Fc%23d%20%25%C3%A9%22"));
  CHECK(got.status == 200);
  CHECK(got.body.at("payload").is_null());
  CHECK(api("DELETE", at("/documents/a%2Fb%3Fc%23d%20%25%C3%A9%22")).status == 200);
}

TEST_CASE("what is wrong with a request is said with its place, and changes nothing") {
  const test::TemporaryFolder folder;
  const Daemon writer = start(Role::writer, config_for(folder.path()));
  Api api(writer);
  REQUIRE(api("PUT", kDocs, R"({"dim":2})").status == 201);
  struct Case {
    const char* method;
    std::string target;
    const char* body;
    unsigned status;
    const char* code;
    const char* field;
  };
  const std::vector<Case> cases{
      {"GET", "/nothing", "", 404, "not_found", "path"},
      {"PATCH", std::string(kDocs), "", 405, "invalid_argument", "method"},
      {"GET", "/v1/collections/%zz", "", 400, "invalid_argument", "path"},
      {"GET", "/v1/collections/other", "", 404, "not_found", ""},
      {"PUT", "/v1/collections/bad%20name", R"({"dim":1})", 400, "invalid_argument", "name"},
      {"POST", at("/flush?wait=yes"), "", 400, "invalid_argument", "wait"},
      {"POST", at("/flush?now=1"), "", 400, "invalid_argument", "now"},
      {"POST", at("/documents"), R"({"documents":[{"id":"a","vector":[1,2]},{"id":"b","vector":[1]}]})", 400,
       "invalid_argument", "documents[1].vector"},
      {"POST", at("/documents"), R"({"documents":[{"id":"a","vector":[1,2]},{"id":"b","vector":[0,0]}]})", 400,
       "invalid_argument", "documents[1].vector"},
      {"POST", at("/documents"), R"({"documents":[{"id":"","vector":[1,2]}]})", 400, "invalid_argument",
       "documents[0].id"},
      {"POST", at("/documents"), R"({"documents":[{"id":"a","vector":[1,2],"payload":{"a":tru}}]})", 400,
       "invalid_argument", "documents[0].payload"},
      {"POST", at("/documents"), R"({"documents":[{"id":"a","vector":[1,1e39]}]})", 400, "invalid_argument",
       "documents[0].vector[1]"},
      {"POST", at("/search"), R"({"vector":[1,2,3]})", 400, "invalid_argument", "vector"},
      {"POST", at("/search"), R"({"vector":[0,0]})", 400, "invalid_argument", "vector"},
      {"POST", at("/search"), R"({"vector":[1,2],"limit":3})", 400, "invalid_argument", "limit"},
      {"POST", "/v1/collections/other/search", R"({"vector":[1,2]})", 404, "not_found", ""},
  };
  for (const Case& c : cases) {
    INFO(c.method << " " << c.target << " " << c.body);
    const Answer answer = api(c.method, c.target, c.body);
    INFO(api.last_body());
    CHECK(answer.status == c.status);
    CHECK(answer.code() == c.code);
    if (c.field[0] != '\0') CHECK(answer.field() == c.field);
    CHECK(find_header(answer.headers, "Allow").has_value() == (c.status == 405));
  }
  CHECK(api("POST", at("/count"), "").body.at("count") == 0);
  CHECK(api("GET", kDocs).body.at("seq") == 0);
}

TEST_CASE("a reader serves reads, sees writes at once with min_seq, and forwards the rest to the writer") {
  const test::TemporaryFolder folder;
  const auto data = folder.path() / "later";
  // The reader is there first: no folder yet.
  DaemonConfig reading = config_for(data);
  const Daemon alone = start(Role::reader, reading);
  Api lone(alone);
  CHECK(lone("GET", "/healthz").status == 200);
  const Answer unready = lone("GET", "/readyz");
  CHECK(unready.status == 503);
  CHECK(unready.body.at("reasons").as_array().size() == 1);
  CHECK(lone("POST", at("/search"), R"({"vector":[1,2]})").status == 404);

  const Daemon writer = start(Role::writer, config_for(data));
  Api write(writer);
  reading.writer_url = writer.url();
  const Daemon reader = start(Role::reader, reading);
  Api read(reader);
  REQUIRE(read("PUT", kDocs, R"({"dim":2})").status == 201);  // through the reader
  const Answer inserted = read("POST", at("/documents"), documents(1, 5));
  REQUIRE(inserted.status == 200);
  const std::string seq = std::to_string(json::value_to<std::uint64_t>(inserted.body.at("seq")));
  for (Api* api : {&read, &lone}) {
    const Answer found = api->until("POST", at("/search"), R"({"vector":[1,2],"min_seq":)" + seq + "}",
                                    [](const Answer& a) { return a.status == 200; });
    CHECK(found.body.at("matches").as_array().size() == 4);
  }
  const Answer refused = lone("POST", at("/documents"), documents(0, 1));
  CHECK(refused.status == 503);
  CHECK(refused.code() == "read_only");
  CHECK(find_header(refused.headers, "Retry-After").has_value());
  const Answer lagging = lone("POST", at("/search"), R"({"vector":[1,2],"min_seq":999999,"timeout_ms":10})");
  CHECK(lagging.status == 503);
  CHECK(lagging.code() == "replica_lagging");
  lone.until("GET", "/readyz", "", [](const Answer& a) { return a.status == 200; });
  CHECK(read("POST", at("/flush?wait=true")).status == 200);
  CHECK(read("GET", "/version").body.at("role") == "reader");
}

TEST_CASE("the writer hears of readers elsewhere, what they pin and how far they are") {
  const test::TemporaryFolder folder;
  DaemonConfig config = config_for(folder.path());
  config.api_key = "full";
  config.shared_memory = false;  // as if on another host
  const Daemon writer = start(Role::writer, config);
  Api write(writer);
  const Headers key{{"api-key", "full"}};
  REQUIRE(write("PUT", kDocs, R"({"dim":2})", key).status == 201);
  REQUIRE(write("POST", at("/documents"), documents(0, 5), key).status == 200);
  CHECK(write("GET", at("/replicas"), "", key).body.at("replicas").as_array().empty());
  {
    config.writer_url = writer.url();
    const Daemon reader = start(Role::reader, config);
    Api read(reader);
    for (Api* api : {&write, &read}) {
      const auto known = [&](const Answer& a) {
        const json::array& replicas = a.body.at("replicas").as_array();
        return replicas.size() == 1 && replicas[0].at("lag_seq") == 0 && replicas[0].at("seq") == 5;
      };
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      Answer answer = (*api)("GET", at("/replicas"), "", key);
      while (!known(answer) && std::chrono::steady_clock::now() < end) answer = (*api)("GET", at("/replicas"), "", key);
      INFO(api->last_body());
      CHECK(known(answer));
    }
  }
  // The route itself: who reports needs the full key, a writer, and to say everything.
  const std::string_view report = R"({"host":"elsewhere","pid":7,"pinned_version":1,"seq":3})";
  CHECK(write("POST", at("/replicas"), report).status == 401);
  const Answer noted = write("POST", at("/replicas"), report, key);
  CHECK(noted.body == json::parse(R"({"seq":5,"lag_seq":2})"));
  CHECK(write("POST", at("/replicas"), R"({"host":"elsewhere","pid":7,"seq":3})", key).field() == "pinned_version");
  CHECK(write("POST", at("/replicas"), R"({"host":"","pid":7,"pinned_version":1,"seq":3})", key).field() == "host");
  CHECK(write("POST", "/v1/collections/other/replicas", report, key).status == 404);
  write("GET", "/metrics", "", key);
  CHECK(write.last_body().find(R"(ndb_replica_lag_seq{collection="docs",host="elsewhere",pid="7"} 2)") != std::string::npos);
}

TEST_CASE("old versions answer searches, look-ups, counts and pages, on the writer and on a reader that pins them") {
  const test::TemporaryFolder folder;
  const Daemon writer = start(Role::writer, config_for(folder.path()));
  Api api(writer);
  REQUIRE(api("PUT", "/v1/collections/docs", R"({"dim":2,"distance":"euclidean","history":{"retention_s":3600}})").status == 201);
  REQUIRE(api("POST", "/v1/collections/docs/documents", R"({"documents":[{"id":"a","vector":[1,0],"payload":{"n":1}}]})").status == 200);
  const auto flushed = api("POST", "/v1/collections/docs/flush?wait=true");
  const std::string version = json::serialize(flushed.body.at("manifest_version"));
  REQUIRE(api("POST", "/v1/collections/docs/documents", R"({"documents":[{"id":"a","vector":[5,0],"payload":{"n":2}},{"id":"b","vector":[1,0]}]})").status == 200);
  REQUIRE(api("POST", "/v1/collections/docs/compact?wait=true").status == 200);

  auto reader_config = config_for(folder.path());
  reader_config.writer_url = writer.url();
  const Daemon reader = start(Role::reader, reader_config);
  Api other(reader);
  for (Api* one : {&api, &other}) {
    const std::string at = R"("at_version":)" + version;
    const auto found = (*one)("POST", "/v1/collections/docs/search", R"({"vector":[1,0],"with_vector":true,)" + at + "}");
    REQUIRE(found.status == 200);
    REQUIRE(found.body.at("matches").as_array().size() == 1);
    CHECK(found.body.at("matches").at(0).at("score").to_number<double>() == 0.0);
    CHECK(json::serialize(found.body.at("as_of").at("version")) == version);
    CHECK(found.body.at("as_of").at("seq") == 1);
    CHECK(found.body.at("manifest_version") == found.body.at("as_of").at("version"));
    const auto batch = (*one)("POST", "/v1/collections/docs/search/batch", R"({"searches":[{"vector":[1,0]}],)" + at + "}");
    CHECK(batch.body.at("results").at(0).at("matches").as_array().size() == 1);
    CHECK(batch.body.at("as_of") == found.body.at("as_of"));
    CHECK((*one)("POST", "/v1/collections/docs/count", R"({"filter":{"n":1},)" + at + "}").body.at("count") == 1);
    CHECK((*one)("POST", "/v1/collections/docs/scroll", "{" + at + "}").body.at("documents").as_array().size() == 1);
    CHECK((*one)("POST", "/v1/collections/docs/documents/get", R"({"ids":["a","b"],)" + at + "}").body.at("missing").at(0) == "b");
    CHECK((*one)("GET", "/v1/collections/docs/documents/a?at_version=" + version).body.at("vector").at(0).to_number<double>() == 1.0);
    CHECK(json::serialize((*one)("GET", "/v1/collections/docs/manifest?at_version=" + version).body.at("version")) == version);
    CHECK((*one)("POST", "/v1/collections/docs/count").body.at("count") == 2);
    CHECK_FALSE((*one)("POST", "/v1/collections/docs/count").body.as_object().contains("as_of"));
    const auto history = (*one)("GET", "/v1/collections/docs/history");
    CHECK(history.body.at("retention_s") == 3600);
    CHECK(history.body.at("versions").at(0).at("version") == 1);
    const auto when = json::serialize(history.body.at("versions").at(0).at("time"));
    const auto early = (*one)("POST", "/v1/collections/docs/count", R"({"at_time":)" + when + "}");
    CHECK(early.body.at("count") == 0);
  }
  CHECK(other("PUT", "/v1/collections/docs/history", R"({"interval_s":5})").status == 200);  // forwarded
  const auto stats = api("GET", "/v1/collections/docs");
  CHECK(stats.body.at("history").at("retention_s") == 3600);
  CHECK(stats.body.at("history").at("interval_s") == 5);
  CHECK(stats.body.at("history").at("oldest").at("version") == 1);

  const auto future = api("POST", "/v1/collections/docs/count", R"({"at_version":1000000})");
  CHECK(future.status == 400);
  CHECK(future.field() == "at_version");
  const auto gone = api("POST", "/v1/collections/docs/count", R"({"at_time":"1999-12-31T23:59:59Z"})");
  CHECK(gone.status == 404);
  CHECK(gone.field() == "at_time");
  CHECK(json::value_to<std::string>(gone.body.at("error").at("message")).find("versions 1 to ") != std::string::npos);
  CHECK(api("POST", "/v1/collections/none/count", R"({"at_version":1})").status == 404);
}

TEST_CASE("a forwarded request never goes in a circle") {
  const test::TemporaryFolder folder;
  const Daemon first = start(Role::reader, config_for(folder.path()));
  DaemonConfig second = config_for(folder.path());
  second.writer_url = first.url();
  const Daemon forwarding = start(Role::reader, second);
  Api api(forwarding);
  CHECK(api("PUT", kDocs, R"({"dim":2})").status == 503);
}

TEST_CASE("keys are asked for, and without one only this machine may come") {
  const test::TemporaryFolder folder;
  DaemonConfig config = config_for(folder.path());
  config.host = "0.0.0.0";
  config.listen = "0.0.0.0:0";
  const auto exposed = Daemon::start(Role::writer, config);
  REQUIRE_FALSE(exposed);
  CHECK(exposed.error().code == ErrorCode::invalid_argument);
  config.api_key = "full";
  config.read_api_key = "reading";
  config.host = "127.0.0.1";
  const Daemon writer = start(Role::writer, config);
  Api api(writer);
  CHECK(api("GET", "/healthz").status == 200);
  CHECK(api("GET", "/v1/collections").status == 401);
  CHECK(api("GET", "/v1/collections", "", {{"api-key", "reading"}}).status == 200);
  const Answer denied = api("PUT", kDocs, R"({"dim":2})", {{"Authorization", "Bearer reading"}});
  CHECK(denied.status == 403);
  CHECK(denied.code() == "permission_denied");
  CHECK(api("PUT", kDocs, R"({"dim":2})", {{"Authorization", "Bearer full"}}).status == 201);
}

TEST_CASE("a writer creates what its configuration names and refuses to mistake one collection for another") {
  const test::TemporaryFolder folder;
  DaemonConfig config = config_for(folder.path());
  config.collections.push_back(
      {"docs", {.dim = 2, .distance = Distance::dot, .durability = Durability::sync, .hnsw = {}}});
  {
    Daemon writer = start(Role::writer, config);
    Api api(writer);
    CHECK(api("GET", kDocs).body.at("durability") == "sync");
    CHECK(api("POST", at("/documents"), documents(0, 3)).body.at("durability") == "sync");
    CHECK(writer.stop());
  }
  {
    const Daemon writer = start(Role::writer, config);
    Api api(writer);
    CHECK(api("POST", at("/count"), "").body.at("count") == 3);
    api.until("GET", "/readyz", "", [](const Answer& a) { return a.status == 200; });
  }
  config.collections[0].config.dim = 5;
  const auto mistaken = Daemon::start(Role::writer, config);
  REQUIRE_FALSE(mistaken);
  CHECK(mistaken.error().field == "collections");
}

TEST_CASE("a daemon that is stopped says so, serves for the time it was told to, ends what runs, and keeps what was written") {
  const test::TemporaryFolder folder;
  DaemonConfig config = config_for(folder.path());
  config.shutdown_delay_s = 2;
  Daemon writer = start(Role::writer, config);
  Api api(writer);
  REQUIRE(api("PUT", kDocs, R"({"dim":2})").status == 201);
  api.until("GET", "/readyz", "", [](const Answer& a) { return a.status == 200; });
  Status stopped;
  std::thread stopper([&] { stopped = writer.stop(); });
  // Until nobody listens any more: each request is either answered or never begun.
  int written = 0;
  bool said_so = false;
  for (;;) {
    auto client = Client::create(writer.url());
    const auto ready = client->request("GET", "/readyz");
    if (ready && ready->status == 503) said_so = ready->body.find("stopping") != std::string::npos;
    const auto answer = Client::create(writer.url())->request("POST", at("/documents"), {}, documents(written, written + 1));
    if (!answer) break;
    CHECK(answer->status == 200);
    ++written;
  }
  CHECK(said_so);
  CHECK(written > 0);
  stopper.join();
  CHECK(stopped);
  const Daemon next = start(Role::writer, config_for(folder.path()));
  CHECK(json::value_to<int>(Api(next)("POST", at("/count"), "").body.at("count")) >= written);
}

TEST_CASE("the time that a search may take begins when it comes") {
  const test::TemporaryFolder folder;
  const Daemon writer = start(Role::writer, config_for(folder.path()));
  Api api(writer);
  REQUIRE(api("PUT", kDocs, R"({"dim":2})").status == 201);
  CHECK(api("POST", at("/search"), R"({"vector":[1,2],"timeout_ms":60000})").status == 200);
  CHECK(api("POST", at("/search/batch"), R"({"searches":[{"vector":[1,2],"timeout_ms":60000}]})").status == 200);
}

TEST_CASE("metrics tell of what happened") {
  const test::TemporaryFolder folder;
  const Daemon writer = start(Role::writer, config_for(folder.path()));
  Api api(writer);
  REQUIRE(api("PUT", kDocs, R"({"dim":2})").status == 201);
  REQUIRE(api("POST", at("/documents"), documents(1, 6)).status == 200);
  REQUIRE(api("POST", at("/search"), R"({"vector":[1,2]})").status == 200);
  REQUIRE(api("GET", at("/documents/none")).status == 404);
  CHECK(find_header(api("GET", "/metrics").headers, "Content-Type")->starts_with("text/plain; version=0.0.4"));
  for (const char* line :
       {"ndb_inserts_total 5\n", "ndb_search_duration_seconds_count 1\n", "ndb_errors_total{code=\"not_found\"} 1\n",
        "ndb_documents{collection=\"docs\"} 5\n", "ndb_writable{collection=\"docs\"} 1\n"}) {
    INFO(line);
    CHECK(api.last_body().find(line) != std::string::npos);
  }
}

TEST_CASE("64 clients that write at once all get a sequence number of their own") {
  const test::TemporaryFolder folder;
  DaemonConfig config = config_for(folder.path());
  const Daemon writer = start(Role::writer, config);
  Api api(writer);
  REQUIRE(api("PUT", kDocs, R"({"dim":2,"durability":"sync"})").status == 201);
  constexpr int kClients = 64;
  std::vector<std::uint64_t> seqs(kClients);
  std::vector<std::thread> threads;
  std::latch go(kClients);
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      auto client = Client::create(writer.url());
      go.arrive_and_wait();
      const auto answer = client->call("POST", at("/documents"), documents(i, i + 1));
      if (answer)
        seqs[static_cast<std::size_t>(i)] = json::value_to<std::uint64_t>(json::parse(answer->body).at("seq"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::ranges::sort(seqs);
  for (int i = 0; i < kClients; ++i) CHECK(seqs[static_cast<std::size_t>(i)] == static_cast<std::uint64_t>(i) + 1);
  CHECK(api("POST", at("/count"), "").body.at("count") == kClients);
}

}  // namespace
}  // namespace ndb::http
