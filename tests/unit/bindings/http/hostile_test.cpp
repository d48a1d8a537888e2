// What somebody who means harm may send to a daemon: each is refused cleanly, and the daemon goes on serving others.
#include <thread>

#include "bindings/http/daemon.hpp"
#include "bindings/http/router.hpp"
#include "ipc/http/client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/ipc/http/raw_socket.hpp"

namespace ndb::http {
namespace {

using config::DaemonConfig;
using config::Role;
using test::RawSocket;

// A writer over a folder of its own inside a folder that nothing else is in, so that what escapes is seen.
struct Victim {
  test::TemporaryFolder folder;
  DaemonConfig config;
  std::optional<Daemon> daemon;

  explicit Victim(void (*change)(DaemonConfig&) = nullptr) {
    config.data_dir = (folder.path() / "data").string();
    config.listen = "127.0.0.1:0";
    config.host = "127.0.0.1";
    config.drain_timeout_s = 1;
    if (change != nullptr) change(config);
    auto started = Daemon::start(Role::writer, config);
    if (!started) FAIL(started.error().message);
    daemon.emplace(std::move(*started));
    const auto made = client().request("PUT", "/v1/collections/docs", key(), R"({"dim":2})");
    if (!made || made->status != 201) FAIL("no collection");
  }
  [[nodiscard]] Client client() const { return std::move(*Client::create(daemon->url())); }
  [[nodiscard]] Headers key() const {
    return config.api_key.empty() ? Headers{} : Headers{{"Authorization", "Bearer " + config.api_key}};
  }
  [[nodiscard]] ClientResponse ask(std::string_view method, std::string_view target, std::string_view body = {},
                                   const Headers& headers = {}) const {
    const auto answer = client().request(method, target, headers, body);
    if (!answer) FAIL(answer.error().message);
    return *answer;
  }
  // Others are served as before.
  void check_alive() const {
    CHECK(ask("GET", "/healthz").status == 200);
    CHECK(ask("POST", "/v1/collections/docs/count", "", key()).body == R"({"count":0})");
  }
};

std::string nested(std::size_t depth, std::string_view open, std::string_view close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

std::string path_of(const Route& route, std::string_view name, std::string_view id) {
  std::string path = "/" + std::string(route.pattern);
  if (const auto at = path.find("{name}"); at != std::string::npos) path.replace(at, 6, name);
  if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, id);
  return path;
}

TEST_CASE("slowloris: a header or a body that trickles in is cut off at its deadline, whatever still comes") {
  const Victim victim([](DaemonConfig& c) { c.header_timeout_s = c.request_timeout_s = 1; });
  for (const std::string& start : std::vector<std::string>{
           "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ",
           "POST /v1/collections/docs/search HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
           "POST /v1/collections/docs/search HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"}) {
    INFO(start);
    RawSocket socket(victim.daemon->port());
    REQUIRE(socket.send(start));
    const auto begun = std::chrono::steady_clock::now();
    while (socket.send("a") && std::chrono::steady_clock::now() < begun + std::chrono::seconds(30)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    CHECK_FALSE(socket.send("a"));
    victim.check_alive();
  }
}

TEST_CASE("a client that asks and never reads is cut off at the deadline for answers") {
  const Victim victim([](DaemonConfig& c) { c.request_timeout_s = 1; });
  REQUIRE(
      victim
          .ask("POST", "/v1/collections/docs/documents",
               R"({"documents":[{"id":"a","vector":[1,2],"payload":{"a":")" + std::string(900'000, 'x') + R"("}}]})")
          .status == 200);
  RawSocket socket(victim.daemon->port());
  // More answers than the buffers of both kernels hold.
  std::string many;
  for (int i = 0; i < 64; ++i) many += "GET /v1/collections/docs/documents/a HTTP/1.1\r\nHost: x\r\n\r\n";
  REQUIRE(socket.send(many));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (socket.send("\r\n") && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK_FALSE(socket.send("\r\n"));
  CHECK(victim.ask("GET", "/healthz").status == 200);
}

TEST_CASE("half-open: who says nothing is closed, who has said everything is answered, who breaks off does no harm") {
  const Victim victim([](DaemonConfig& c) { c.idle_timeout_s = 1; });
  RawSocket silent(victim.daemon->port());
  RawSocket done(victim.daemon->port());
  REQUIRE(done.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
  done.shutdown_send();
  CHECK(done.read_all().starts_with("HTTP/1.1 200 "));
  for (int i = 0; i < 20; ++i) {
    RawSocket broken(victim.daemon->port());
    broken.send("POST /v1/collections/docs/documents HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{\"docu");
    broken.reset();
  }
  CHECK(silent.read_all().empty());
  CHECK(silent.closed());
  victim.check_alive();
}

TEST_CASE("oversized: headers and bodies are refused by what they announce, each route with its own limit") {
  const Victim victim([](DaemonConfig& c) { c.max_body_mb = 32; });
  const auto refusal = [&](const std::string& request) {
    RawSocket socket(victim.daemon->port());
    socket.send(request);
    return socket.read_all().substr(0, 12);
  };
  const auto announced = [](const std::string& line, std::uint64_t bytes) {
    return line + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
  };
  CHECK(refusal("GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n") == "HTTP/1.1 431");
  CHECK(refusal("GET /" + std::string(40'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n") == "HTTP/1.1 431");
  CHECK(refusal(announced("POST /v1/collections/docs/documents", (32ULL << 20) + 1)) == "HTTP/1.1 413");
  CHECK(refusal(announced("POST /v1/collections/docs/documents", 1ULL << 62)) == "HTTP/1.1 413");
  CHECK(refusal(announced("POST /v1/collections/docs/search", kSmallBodyBytes + 1)) == "HTTP/1.1 413");
  CHECK(refusal(announced("GET /healthz", kNoBodyBytes + 1)) == "HTTP/1.1 413");
  CHECK(refusal(announced("POST /v1/collections/docs/flush", kNoBodyBytes + 1)) == "HTTP/1.1 413");
  RawSocket chunks(victim.daemon->port());
  chunks.send("POST /v1/collections/docs/flush HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3; ++i) chunks.send("8000\r\n" + std::string(0x8000, 'x') + "\r\n");
  CHECK(chunks.read_all().starts_with("HTTP/1.1 413 "));
  victim.check_alive();
}

TEST_CASE("pipelined garbage: what came before it is answered, it is refused, and nothing after it is looked at") {
  const Victim victim;
  for (const std::string& garbage :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), std::string("\0\0\0\0", 4),
        std::string("{\"vector\":[1,2]}\r\n\r\n"), std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}) {
    INFO(garbage);
    RawSocket socket(victim.daemon->port());
    socket.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + garbage +
                "\r\n\r\nPUT /v1/collections/smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{\"dim\":1}");
    const std::string answers = socket.read_all();
    CHECK(RawSocket::occurrences(answers, "HTTP/1.1 200 ") == 1);
    CHECK(RawSocket::occurrences(answers, "HTTP/1.1 400 ") == 1);
    CHECK(RawSocket::occurrences(answers, "HTTP/1.1 ") == 2);
    CHECK(socket.closed());
  }
  CHECK(victim.ask("GET", "/v1/collections/smuggled").status == 404);
  victim.check_alive();
}

TEST_CASE("smuggling: whatever two parsers could frame differently is refused, and the connection with it") {
  const Victim victim;
  const std::string inner = "PUT /v1/collections/smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{\"dim\":1}";
  const std::string length = std::to_string(inner.size());
  const std::vector<std::string> ambiguous{
      "Content-Length: " + length + "\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: " + length + "\r\n",
      "Transfer-Encoding: chunked\r\ncontent-length: 0\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding: chunked, chunked\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "Transfer-Encoding: chunked;q=1\r\n",
      "Transfer-Encoding: \"chunked\"\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
      "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding : chunked\r\n",
      "Transfer-Encoding:\x0b"
      "chunked\r\n",
      "Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n",
      "Content-Length: 0\r\nContent-Length: " + length + "\r\n",
      "Content-Length: 0, " + length + "\r\n",
      "Content-Length: +0\r\n",
      "Content-Length: 0x0\r\n",
      "Content-Length: 0 0\r\n",
      "Content-Length: -0\r\n",
      "Content-Length: \r\n",
      "Content-Length : 0\r\n",
      "Content-Length: 0\r\n 1\r\n",
      "X: y\nContent-Length: 0\r\n",
      std::string("X: y\0\r\nContent-Length: 0\r\n", 26),
      "Host: y\r\nContent-Length: 0\r\n",
  };
  for (const std::string& headers : ambiguous) {
    INFO(headers);
    RawSocket socket(victim.daemon->port());
    socket.send("POST /v1/collections/docs/count HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + inner);
    const std::string answers = socket.read_all();
    CHECK(answers.starts_with("HTTP/1.1 400 "));
    CHECK(RawSocket::occurrences(answers, "HTTP/1.1 ") == 1);
    CHECK(socket.closed());
  }
  // Chunk sizes that another parser might read as something smaller.
  for (const std::string& size :
       std::vector<std::string>{"0x0", "-1", "+0", " 0", "0 ;", "10000000000000000", "fffffffffffffffff", "g", ""}) {
    INFO(size);
    RawSocket socket(victim.daemon->port());
    socket.send("POST /v1/collections/docs/count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + size +
                "\r\n\r\n" + inner);
    socket.shutdown_send();
    const std::string answers = socket.read_all();
    CHECK(RawSocket::occurrences(answers, "HTTP/1.1 2") == 0);
    CHECK(RawSocket::occurrences(answers, "HTTP/1.1 ") <= 1);
  }
  CHECK(victim.ask("GET", "/v1/collections/smuggled").status == 404);
  victim.check_alive();
}

TEST_CASE("deep JSON: nesting is refused, in bodies, payloads and filters, long before it costs a stack") {
  const Victim victim;
  constexpr std::size_t kDepth = 100'000;
  const std::string arrays = nested(kDepth, "[", "]");
  const std::string objects = nested(kDepth, R"({"a":)", "}");
  const std::string nots = nested(kDepth, R"({"$not":)", "}");
  const std::string ands = nested(kDepth, R"({"$and":[)", "]}");
  struct Case {
    const char* method;
    const char* target;
    std::string body;
  };
  std::vector<Case> cases;
  for (const std::string& deep : {arrays, objects, nots, ands, std::string(kDepth, '['), std::string(kDepth, '{')}) {
    cases.push_back({"PUT", "/v1/collections/other", deep});
    cases.push_back({"PUT", "/v1/collections/other", R"({"dim":1,"attributes":{"only":)" + deep + "}}"});
    cases.push_back({"POST", "/v1/collections/docs/documents", deep});
    cases.push_back({"POST", "/v1/collections/docs/documents", R"({"documents":)" + deep + "}"});
    cases.push_back({"POST", "/v1/collections/docs/documents",
                     R"({"documents":[{"id":"a","vector":[1,2],"payload":{"p":)" + deep + "}}]}"});
    cases.push_back({"POST", "/v1/collections/docs/documents/get", R"({"ids":)" + deep + "}"});
    cases.push_back({"POST", "/v1/collections/docs/documents/delete", R"({"filter":)" + deep + "}"});
    cases.push_back({"POST", "/v1/collections/docs/search", R"({"vector":)" + deep + "}"});
    cases.push_back({"POST", "/v1/collections/docs/search", R"({"vector":[1,2],"filter":)" + deep + "}"});
    cases.push_back({"POST", "/v1/collections/docs/search/batch", R"({"searches":)" + deep + "}"});
    cases.push_back({"POST", "/v1/collections/docs/count", R"({"filter":)" + deep + "}"});
    cases.push_back({"POST", "/v1/collections/docs/scroll", R"({"filter":{"a":{"$in":)" + deep + "}}}"});
  }
  for (const Case& c : cases) {
    INFO(c.method << " " << c.target << " " << c.body.substr(0, 60));
    const ClientResponse answer = victim.ask(c.method, c.target, c.body);
    CHECK(answer.status == 400);
    CHECK(answer.body.size() < 2'000);
  }
  victim.check_alive();
}

TEST_CASE("traversal: no name in a path leads out of the data folder, on any route") {
  const Victim victim;
  const auto entries = [&](const std::filesystem::path& folder) {
    return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
  };
  const auto before = entries(victim.config.data_dir);
  std::filesystem::create_directories(victim.folder.path() / "outside" / "manifest");
  int tried = 0;
  for (const Route& route : routes()) {
    for (const char* evil :
         {"..", ".", "%2e%2e", "..%2foutside", "%2e%2e%2Foutside", "..%5coutside", "docs%2f..%2f..%2foutside",
          "%2fetc%2fpasswd", "docs%00", "%00", "%c0%ae%c0%ae%c0%afoutside", "..;", "%252e%252e%252foutside",
          "docs%2fmanifest", ".docs", "%20docs", "docs%0d%0aX:%20y"}) {
      const bool has_name = route.pattern.find("{name}") != std::string_view::npos;
      const bool has_id = route.pattern.find("{id}") != std::string_view::npos;
      if (!has_name) break;
      const char* const body = route.action == Action::create_collection ? R"({"dim":1})"
                               : route.action == Action::search          ? R"({"vector":[1,2]})"
                                                                         : "";
      INFO(route.method << " " << path_of(route, evil, evil));
      const auto by_name = victim.ask(route.method, path_of(route, evil, "a"), body);
      CHECK((by_name.status == 400 || by_name.status == 404));
      CHECK(by_name.body.find("root:") == std::string::npos);
      CHECK_FALSE(find_header(by_name.headers, "X"));
      ++tried;
      if (!has_id) continue;
      const auto by_id = victim.ask(route.method, path_of(route, "docs", evil), body);
      CHECK((by_id.status == 400 || by_id.status == 404));
      CHECK_FALSE(find_header(by_id.headers, "X"));
    }
  }
  CHECK(tried > 300);
  CHECK(entries(victim.config.data_dir) == before);
  CHECK(entries(victim.folder.path()) == 2);
  CHECK(entries(victim.folder.path() / "outside") == 1);
  victim.check_alive();
}

// A SearchRequest that says it has a vector of `length` numbers, and has two.
std::string search_flatbuffer(std::uint32_t length) {
  std::string bytes;
  const auto u16 = [&](std::uint16_t v) { bytes.append(reinterpret_cast<const char*>(&v), sizeof v); };
  const auto u32 = [&](std::uint32_t v) { bytes.append(reinterpret_cast<const char*>(&v), sizeof v); };
  const auto f32 = [&](float v) { bytes.append(reinterpret_cast<const char*>(&v), sizeof v); };
  u32(16), u32(0);                 // where the table is
  u16(6), u16(8), u16(4), u16(0);  // its layout: 8 bytes, the first field at 4
  u32(8), u32(4), u32(length);     // the table: back to its layout, on to the vector
  f32(1), f32(2);
  return bytes;
}

TEST_CASE("huge dimensions times huge counts: no small request makes a large allocation") {
  const Victim victim;
  const Headers flat{{"Content-Type", "application/vnd.ndb.flatbuffers"}};
  CHECK(victim.ask("POST", "/v1/collections/docs/search", search_flatbuffer(2), flat).status == 200);
  for (const std::uint32_t length : {3U, 65'536U, 0x3fff'ffffU, 0x7fff'ffffU, 0xffff'ffffU}) {
    CHECK(victim.ask("POST", "/v1/collections/docs/search", search_flatbuffer(length), flat).status == 400);
    CHECK(victim.ask("POST", "/v1/collections/docs/documents", search_flatbuffer(length), flat).status == 400);
    CHECK(victim.ask("POST", "/v1/collections/docs/documents/get", search_flatbuffer(length), flat).status == 400);
  }
  for (const char* dim : {"0", "-1", "65537", "4294967296", "18446744073709551616", "1e9", "1.5"}) {
    INFO(dim);
    CHECK(victim.ask("PUT", "/v1/collections/wide", R"({"dim":)" + std::string(dim) + "}").status == 400);
  }
  for (const char* k : {"0", "10001", "4294967297", "18446744073709551615", "1e4"}) {
    INFO(k);
    CHECK(victim.ask("POST", "/v1/collections/docs/search", R"({"vector":[1,2],"top_k":)" + std::string(k) + "}")
              .status == 400);
    CHECK(
        victim.ask("POST", "/v1/collections/docs/search", R"({"vector":[1,2],"ef":)" + std::string(k) + "0}").status ==
        400);
    CHECK(victim.ask("POST", "/v1/collections/docs/scroll", R"({"limit":)" + std::string(k) + "}").status == 400);
  }
  std::string searches = R"({"searches":[)";
  for (int i = 0; i <= 10'000; ++i) searches += R"({"vector":[1,2]},)";
  searches.back() = ']';
  CHECK(victim.ask("POST", "/v1/collections/docs/search/batch", searches + "}").status == 400);
  victim.check_alive();
}

TEST_CASE("a batch of searches that asks for more than there may be in an answer is refused") {
  const Victim victim;
  constexpr int kDim = 50'000;
  REQUIRE(victim.ask("PUT", "/v1/collections/wide", R"({"dim":)" + std::to_string(kDim) + "}").status == 201);
  std::string vector = "[1";
  for (int i = 1; i < kDim; ++i) vector += ",0";
  vector += "]";
  for (int i = 0; i < 4; ++i) {
    const std::string n = std::to_string(i);
    REQUIRE(victim
                .ask("POST", "/v1/collections/wide/documents",
                     R"({"documents":[{"id":")" + n + R"(","vector":)" + vector + "}]}")
                .status == 200);
  }
  // Four matches of 200 KB each, 400 times: 320 MB of a request of 40 MB.
  std::string searches = R"({"searches":[)";
  for (int i = 0; i < 400; ++i) searches += R"({"with_vector":true,"vector":)" + vector + "},";
  searches.back() = ']';
  const auto answer = victim.ask("POST", "/v1/collections/wide/search/batch", searches + "}");
  CHECK(answer.status == 400);
  CHECK(answer.body.find(R"("field":"top_k")") != std::string::npos);
  std::string ids = R"({"ids":[)";
  for (int i = 0; i < 2'000; ++i) ids += R"("1",)";
  ids.back() = ']';
  CHECK(victim.ask("POST", "/v1/collections/wide/documents/get", ids + "}").status == 400);
  victim.check_alive();
}

TEST_CASE("keys: every route but the probes asks for one, before a byte of the body, and tells nothing without") {
  const Victim victim([](DaemonConfig& c) {
    c.api_key = "full-secret-1234";
    c.read_api_key = "reading-secret-5678";
  });
  const auto status = [&](const Route& route, const std::string& header) {
    RawSocket socket(victim.daemon->port());
    socket.send(std::string(route.method) + " " + path_of(route, "nothing", "a") + " HTTP/1.1\r\nHost: x\r\n" + header +
                "Expect: 100-continue\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n");
    const std::string answer = socket.read_until("\r\n\r\n");
    CHECK(answer.find("secret") == std::string::npos);
    return answer.substr(9, 3);
  };
  for (const Route& route : routes()) {
    INFO(route.name);
    const bool open = route.action == Action::healthz || route.action == Action::readyz;
    CHECK((route.access == Access::open) == open);
    for (const char* header :
         {"", "Authorization: Bearer wrong\r\n", "Authorization: Bearer \r\n",
          "Authorization: Bearer full-secret-123\r\n", "Authorization: Bearer full-secret-12345\r\n",
          "Authorization: full-secret-1234\r\n", "Authorization: Basic full-secret-1234\r\n", "api-key: \r\n",
          "api-key: wrong\r\n", "X-Key: full-secret-1234\r\n",
          "Authorization: Bearer wrong\r\napi-key: full-secret-1234\r\n"}) {
      INFO(header);
      CHECK(status(route, header) == (open ? "100" : "401"));
    }
    const std::string reading = status(route, "Authorization: Bearer reading-secret-5678\r\n");
    CHECK(reading == (route.access == Access::write ? "403" : "100"));
    CHECK(status(route, "api-key: full-secret-1234\r\n") == "100");
  }
  // Neither what does not exist nor what cannot be framed tells more than what does.
  for (const char* target : {"/", "/nothing", "/v1/collections/%zz", "/v1/collections/docs/nothing"}) {
    INFO(target);
    CHECK(victim.ask("GET", target).status == 401);
    CHECK(victim.ask("PATCH", target).status == 401);
  }
  RawSocket ambiguous(victim.daemon->port());
  ambiguous.send(
      "POST /v1/collections/docs/count HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 0\r\n\r\n");
  CHECK(ambiguous.read_all().starts_with("HTTP/1.1 401 "));
  CHECK(ambiguous.closed());
  victim.check_alive();
}

}  // namespace
}  // namespace ndb::http
