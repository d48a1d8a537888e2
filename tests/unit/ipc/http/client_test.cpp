#include "ipc/http/client.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include "ipc/http/error_map.hpp"
#include "ipc/http/server.hpp"
#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

using namespace std::chrono_literals;

Server serve(Handler handler, ServerOptions options = {}) {
  auto server = Server::start(options, std::move(handler));
  REQUIRE(server);
  return std::move(*server);
}

std::string url_of(const Server& server) {
  return "http://127.0.0.1:" + std::to_string(server.port());
}

// Says what it is told to, once per connection, then closes: for answers our server never gives.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::string answer) : fd_(::socket(AF_INET, SOCK_STREAM, 0)), answer_(std::move(answer)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(fd_, 8);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  void serve() const {
    for (;;) {
      const int peer = ::accept(fd_, nullptr, nullptr);
      if (peer < 0) return;
      char buffer[4096];
      if (::recv(peer, buffer, sizeof buffer, 0) > 0) ::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      ::close(peer);
    }
  }
  int fd_;
  std::string answer_;
  std::string url_;
  std::thread thread_;
};

TEST_CASE("a client keeps its connection and sends what it is given") {
  Server server = serve([](Request&& request, Responder responder) {
    const std::string key(find_header(request.headers, "api-key").value_or("none"));
    std::move(responder).send(
        {.status = 200, .headers = {{"X-Key", key}}, .body = request.method + request.target + request.body});
  });
  auto client = Client::connect(url_of(server) + "/prefix");
  REQUIRE(client);
  const auto first = client->request("POST", "/a", {{"api-key", "k"}}, "body");
  REQUIRE(first);
  CHECK(first->body == "POST/prefix/abody");
  CHECK(find_header(first->headers, "x-key") == "k");
  for (int i = 0; i < 20; ++i) CHECK(client->request("GET", "/b")->body == "GET/prefix/b");
  CHECK(client->request("HEAD", "/b")->body.empty());
  CHECK(client->request("GET", "/c")->body == "GET/prefix/c");
  CHECK(server.stats().accepted == 1);
}

TEST_CASE("a client connects anew when the server closed the connection meanwhile") {
  Server server = serve([](Request&&, Responder responder) {
    std::move(responder).send({.status = 200, .headers = {}, .body = "x", .close = true});
  });
  auto client = Client::connect(url_of(server));
  REQUIRE(client);
  for (int i = 0; i < 3; ++i) CHECK(client->request("POST", "/")->status == 200);
  CHECK(server.stats().accepted == 3);
  ServerOptions impatient;
  impatient.idle_timeout = 1ms;
  Server closing = serve([](Request&&, Responder responder) { std::move(responder).send({}); }, impatient);
  auto other = Client::create(url_of(closing));
  REQUIRE(other);
  REQUIRE(other->request("GET", "/"));
  while (closing.stats().connections > 0) std::this_thread::yield();
  CHECK(other->request("POST", "/"));
}

TEST_CASE("answers of every framing are read, broken ones are errors") {
  const ScriptedServer chunked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
  CHECK(Client::create(chunked.url())->request("GET", "/")->body == "abcd");
  const ScriptedServer until_close("HTTP/1.1 200 OK\r\n\r\nall of it");
  CHECK(Client::create(until_close.url())->request("GET", "/")->body == "all of it");
  for (const char* bad :
       {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "what?\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Le"}) {
    INFO(bad);
    const ScriptedServer broken(bad);
    const auto answer = Client::create(broken.url())->request("GET", "/");
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::unavailable);
  }
}

TEST_CASE("a client that waits too long gets timeout, one that finds nobody unavailable") {
  std::optional<Responder> kept;
  Server server = serve([&](Request&&, Responder responder) { kept.emplace(std::move(responder)); });
  ClientOptions impatient;
  impatient.request_timeout = 10ms;
  auto client = Client::create(url_of(server), impatient);
  REQUIRE(client);
  const auto answer = client->request("GET", "/");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::timeout);
  const std::string url = url_of(server);
  server.stop(0ms);
  const auto nobody = Client::connect(url);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == ErrorCode::unavailable);
}

TEST_CASE("errors go through HTTP unchanged") {
  const Error sent{ErrorCode::collection_locked, "locked by pid 7 on \"h\"", "name"};
  Server server = serve([&](Request&&, Responder responder) { std::move(responder).send(error_response(sent)); });
  const auto answer = Client::create(url_of(server))->call("PUT", "/", "{}");
  REQUIRE_FALSE(answer);
  CHECK(answer.error() == sent);
  CHECK(error_of(404, "<html>").code == ErrorCode::not_found);
  CHECK(error_of(502, "").code == ErrorCode::unavailable);
}

TEST_CASE("every error code has the status of the contract") {
  const std::vector<std::pair<ErrorCode, unsigned>> table{
      {ErrorCode::invalid_argument, 400}, {ErrorCode::unauthenticated, 401}, {ErrorCode::permission_denied, 403},
      {ErrorCode::not_found, 404},        {ErrorCode::already_exists, 409},  {ErrorCode::collection_locked, 409},
      {ErrorCode::overloaded, 429},       {ErrorCode::replica_lagging, 503}, {ErrorCode::unavailable, 503},
      {ErrorCode::fenced, 503},           {ErrorCode::read_only, 503},       {ErrorCode::timeout, 504},
      {ErrorCode::no_space, 507},         {ErrorCode::corruption, 500},      {ErrorCode::io_error, 500},
      {ErrorCode::internal, 500}};
  for (const auto& [code, status] : table) {
    INFO(error_code_name(code));
    const Response response = error_response({code, "m", {}});
    CHECK(response.status == status);
    CHECK(find_header(response.headers, "Retry-After").has_value() == (status == 429 || status == 503));
    CHECK(error_of(response.status, response.body).code == code);
    CHECK(response.body.find("field") == std::string::npos);
  }
}

TEST_CASE("a pool of clients reuses connections across threads") {
  Server server = serve([](Request&&, Responder responder) { std::move(responder).send({}); });
  ClientPool pool(url_of(server), {});
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) answered += pool.request("GET", "/", {}, {}).has_value() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(answered == 200);
  CHECK(server.stats().accepted <= 4);
}

}  // namespace
}  // namespace ndb::http
