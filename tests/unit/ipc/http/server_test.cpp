#include "ipc/http/server.hpp"

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "ipc/http/client.hpp"
#include "ipc/http/error_map.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/ipc/http/raw_socket.hpp"

namespace ndb::http {
namespace {

using namespace std::chrono_literals;
using test::RawSocket;

// Answers with "METHOD TARGET BODY".
void echo(Request&& request, Responder responder) {
  std::move(responder).send({.status = 200,
                             .headers = {},
                             .body = request.method + " " + request.target + " " + request.body,
                             .content_type = "text/plain"});
}

Response overloaded() {
  return error_response({ErrorCode::overloaded, "too much", {}});
}

Server start(ServerOptions options = {}, Handler handler = echo) {
  auto server = Server::start(options, std::move(handler));
  REQUIRE(server);
  return std::move(*server);
}

std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

TEST_CASE("requests on one connection are answered one after the other") {
  Server server = start();
  RawSocket socket(server.port());
  REQUIRE(socket.send(get("/1")));
  CHECK(socket.read_until("GET /1").starts_with("HTTP/1.1 200 OK\r\n"));
  REQUIRE(socket.send("POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"));
  CHECK(socket.read_until("POST /2 body").ends_with("POST /2 body"));
  CHECK(server.stats().accepted == 1);
  CHECK(server.stats().requests == 2);
}

TEST_CASE("pipelined requests are answered in their order, whichever is ready first") {
  Server server = start({}, [](Request&& request, Responder responder) {
    // Even ones go through another thread, so that they are slower than their successors.
    const bool slow = (request.target.back() - '0') % 2 == 0;
    if (!slow) return echo(std::move(request), std::move(responder));
    std::move(responder).run(Lane::blocking,
                             [r = std::move(request)](Responder own) mutable { echo(std::move(r), std::move(own)); });
  });
  RawSocket socket(server.port());
  std::string all;
  for (int i = 0; i < 10; ++i) all += get("/" + std::to_string(i));
  REQUIRE(socket.send(all));
  const std::string answers = socket.read_until("GET /", 10);
  std::size_t at = 0;
  for (int i = 0; i < 10; ++i) {
    const std::size_t found = answers.find("GET /" + std::to_string(i), at);
    REQUIRE(found != std::string::npos);
    at = found;
  }
}

TEST_CASE("a chunked body arrives whole, byte by byte too") {
  Server server = start();
  RawSocket socket(server.port());
  const std::string request =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n";
  for (const char c : request) REQUIRE(socket.send(std::string_view(&c, 1)));
  CHECK(socket.read_until("POST / abcde").ends_with("POST / abcde"));
}

TEST_CASE("malformed and ambiguous requests are answered 400 and end the connection") {
  Server server = start();
  for (const char* bad : {
           "nonsense\r\n\r\n",
           "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
           "GET / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
           "G\x01T / HTTP/1.1\r\nHost: x\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc",
           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\nabc",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3,3\r\n\r\nabc",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
           "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
       }) {
    INFO(bad);
    RawSocket socket(server.port());
    socket.send(bad);
    socket.send("GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.shutdown_send();
    const std::string answer = socket.read_all();
    CHECK(answer.starts_with("HTTP/1.1 400 "));
    CHECK(answer.find(R"({"error":{"code":"invalid_argument")") != std::string::npos);
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    CHECK(answer.find("smuggled") == std::string::npos);
    CHECK(socket.closed());
  }
  CHECK(server.stats().requests == 0);
  CHECK(server.stats().bad_requests == 20);
}

TEST_CASE("a request that stops in the middle is dropped without an answer") {
  Server server = start();
  for (const char* part :
       {"", "GE", "GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"}) {
    RawSocket socket(server.port());
    socket.send(part);
    socket.shutdown_send();
    CHECK(socket.read_all().empty());
    CHECK(socket.closed());
  }
}

TEST_CASE("too large headers and bodies are refused without being read") {
  ServerOptions options;
  options.max_header_bytes = 1024;
  options.max_body_bytes = 1000;
  Server server = start(options);
  SECTION("header") {
    RawSocket socket(server.port());
    socket.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n");
    CHECK(socket.read_all().starts_with("HTTP/1.1 431 "));
  }
  SECTION("declared length") {
    RawSocket socket(server.port());
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    const std::string answer = socket.read_until("body\"}}");
    CHECK(answer.starts_with("HTTP/1.1 413 "));
    CHECK(answer.find(R"("field":"body")") != std::string::npos);
  }
  SECTION("chunks") {
    RawSocket socket(server.port());
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; ++i) socket.send("190\r\n" + std::string(400, 'x') + "\r\n");
    CHECK(socket.read_until("body\"}}").starts_with("HTTP/1.1 413 "));
  }
  SECTION("the limit itself is fine") {
    RawSocket socket(server.port());
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'y'));
    CHECK(socket.read_until("yyy").starts_with("HTTP/1.1 200 "));
  }
}

TEST_CASE("a refusal reaches a client that sends its whole body first") {
  ServerOptions options;
  options.max_body_bytes = 1000;
  Server server = start(options);
  auto client = Client::connect("http://127.0.0.1:" + std::to_string(server.port()));
  REQUIRE(client);
  const auto answer = client->request("POST", "/", {}, std::string(20'000'000, 'x'));
  REQUIRE(answer);
  CHECK(answer->status == 413);
}

TEST_CASE("Expect: 100-continue is answered before the body is sent") {
  Server server = start();
  RawSocket socket(server.port());
  socket.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  REQUIRE(socket.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("ok");
  CHECK(socket.read_until("POST / ok").find("HTTP/1.1 200 OK") != std::string::npos);
  RawSocket other(server.port());
  other.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nContent-Length: 2\r\n\r\n");
  CHECK(other.read_until("\r\n\r\n").starts_with("HTTP/1.1 417 "));
}

TEST_CASE("slow clients are cut off by the deadline of each phase") {
  ServerOptions options;
  options.idle_timeout = 20ms;
  options.header_timeout = 20ms;
  options.body_timeout = 20ms;
  Server server = start(options);
  for (const char* part : {"", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"}) {
    INFO(part);
    RawSocket socket(server.port());
    socket.send(part);
    CHECK(socket.read_all().empty());  // waits for the server to close
    CHECK(socket.closed());
  }
}

TEST_CASE("HTTP/1.0 closes by default and HEAD has no body") {
  Server server = start();
  RawSocket old(server.port());
  old.send("GET /a HTTP/1.0\r\n\r\n");
  CHECK(old.read_all().find("Connection: close") != std::string::npos);
  CHECK(old.closed());
  RawSocket kept(server.port());
  kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(kept.read_until("GET /a").find("Connection: keep-alive") != std::string::npos);
  RawSocket head(server.port());
  head.send("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = head.read_all();
  CHECK(answer.find("Content-Length: 8\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("a handler that throws or forgets to answer gives 500") {
  Server server = start({}, [](Request&& request, Responder responder) {
    if (request.target == "/throw") throw std::runtime_error("bug");
    if (request.target == "/lane") {
      std::move(responder).run(Lane::blocking, [](Responder) { throw std::runtime_error("bug"); });
    }
  });
  auto client = Client::connect("http://127.0.0.1:" + std::to_string(server.port()));
  REQUIRE(client);
  for (const char* target : {"/throw", "/lane", "/forget"}) {
    INFO(target);
    const auto answer = client->request("GET", target);
    REQUIRE(answer);
    CHECK(answer->status == 500);
  }
}

TEST_CASE("connections over the limit are told so") {
  ServerOptions options;
  options.max_connections = 2;
  Server server = start(options);
  RawSocket first(server.port());
  RawSocket second(server.port());
  first.send(get("/1"));
  second.send(get("/2"));
  first.read_until("GET /1");
  second.read_until("GET /2");
  RawSocket third(server.port());
  const std::string answer = third.read_all();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(answer.find("Retry-After: 1") != std::string::npos);
  CHECK(server.stats().rejected == 1);
}

TEST_CASE("many waiting writes are in flight at once, and more than the queue holds is refused") {
  constexpr int kWaiting = 64;
  ServerOptions options;
  options.blocking_threads = kWaiting;
  options.max_queued_blocking_jobs = 0;
  std::latch all_in_flight(kWaiting);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  Server server = start(options, [&](Request&& request, Responder responder) {
    std::move(responder).run(Lane::blocking, [&, r = std::move(request)](Responder own) mutable {
      all_in_flight.count_down();
      released.wait();
      echo(std::move(r), std::move(own));
    });
  });
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < kWaiting; ++i) {
    sockets.push_back(std::make_unique<RawSocket>(server.port()));
    sockets.back()->send(get("/w"));
  }
  all_in_flight.wait();  // each of them runs
  RawSocket refused(server.port());
  refused.send(get("/x"));
  const std::string answer = refused.read_until("overloaded");
  CHECK(answer.starts_with("HTTP/1.1 429 "));
  CHECK(answer.find("Retry-After: ") != std::string::npos);
  release.set_value();
  for (const auto& socket : sockets) CHECK(socket->read_until("GET /w").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("CPU-bound jobs never take the last I/O thread") {
  ServerOptions options;
  options.io_threads = 2;
  options.cpu_slots = 1;
  options.max_queued_cpu_jobs = 1;
  std::promise<void> release;
  std::latch running(1);
  const std::shared_future<void> released = release.get_future().share();
  Server server = start(options, [&](Request&& request, Responder responder) {
    if (request.target == "/health") return echo(std::move(request), std::move(responder));
    std::move(responder).run(Lane::cpu, [&, r = std::move(request)](Responder own) mutable {
      if (r.target == "/first") running.count_down();
      released.wait();
      echo(std::move(r), std::move(own));
    });
  });
  RawSocket first(server.port());
  first.send(get("/first"));
  running.wait();
  RawSocket health(server.port());
  health.send(get("/health"));
  CHECK(health.read_until("GET /health").starts_with("HTTP/1.1 200 "));
  RawSocket second(server.port());  // one of these two waits, the other is refused
  RawSocket third(server.port());
  second.send(get("/more"));
  third.send(get("/more"));
  release.set_value();
  const std::string answers = second.read_until("\r\n\r\n") + third.read_until("\r\n\r\n");
  CHECK(RawSocket::occurrences(answers, "HTTP/1.1 ") == 2);
  CHECK(first.read_until("GET /first").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("work whose caller has gone before its turn came is not done") {
  ServerOptions options;
  options.io_threads = 3;
  options.cpu_slots = 1;
  options.blocking_threads = 1;
  for (const Lane lane : {Lane::cpu, Lane::blocking}) {
    std::promise<void> release;
    const std::shared_future<void> released = release.get_future().share();
    std::latch running(1);
    std::atomic<int> done{0};
    Server server = start(options, [&, lane](Request&& request, Responder responder) {
      std::move(responder).run(lane, [&, r = std::move(request)](Responder own) mutable {
        if (r.target == "/first") {
          running.count_down();
          released.wait();
        }
        ++done;
        echo(std::move(r), std::move(own));
      });
    });
    RawSocket first(server.port());
    first.send(get("/first"));
    running.wait();
    {
      RawSocket impatient(server.port());
      impatient.send(get("/gone"));
      while (server.stats().requests < 2) std::this_thread::yield();
    }
    RawSocket patient(server.port());
    patient.send(get("/stays"));
    while (server.stats().requests < 3) std::this_thread::yield();
    release.set_value();
    CHECK(patient.read_until("GET /stays").starts_with("HTTP/1.1 200 "));
    CHECK(first.read_until("GET /first").starts_with("HTTP/1.1 200 "));
    CHECK(done == 2);
    CHECK(server.stats().abandoned == 1);
  }
}

TEST_CASE("under overload a request whose work would wait is refused by its header, and its connection lives on") {
  ServerOptions options;
  options.io_threads = 2;
  options.cpu_slots = 1;
  options.max_queued_cpu_jobs = 0;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::latch running(1);
  std::atomic<int> handled{0};
  auto started = Server::start(
      options,
      [&](Request&& request, Responder responder) {
        ++handled;
        std::move(responder).run(Lane::cpu, [&, r = std::move(request)](Responder own) mutable {
          if (r.target == "/first") {
            running.count_down();
            released.wait();
          }
          echo(std::move(r), std::move(own));
        });
      },
      [](Request&) { return Admission{.refusal = std::nullopt, .lane = Lane::cpu}; });
  REQUIRE(started);
  Server server = std::move(*started);
  RawSocket first(server.port());
  first.send(get("/first"));
  running.wait();
  RawSocket second(server.port());
  second.send("POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
  const std::string refused = second.read_until("overloaded");
  CHECK(refused.starts_with("HTTP/1.1 429 "));
  CHECK(refused.find("Retry-After: ") != std::string::npos);
  CHECK(handled == 1);
  CHECK(server.stats().overloaded == 1);
  release.set_value();
  CHECK(first.read_until("GET /first").starts_with("HTTP/1.1 200 "));
  std::string answer;
  for (int i = 1; i < 10'000 && answer.find("POST /again body") == std::string::npos;
       ++i) {  // the slot is free in a moment
    second.send("POST /again HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
    answer = second.read_until("HTTP/1.1 ", i + 1);
    if (answer.find("HTTP/1.1 200 ") != std::string::npos) answer = second.read_until("POST /again body");
  }
  CHECK(answer.find("POST /again body") != std::string::npos);
}

TEST_CASE("a graceful stop answers what runs, closes what idles and refuses what comes") {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::latch running(1);
  Server server = start({}, [&](Request&& request, Responder responder) {
    if (request.target != "/slow") return echo(std::move(request), std::move(responder));
    std::move(responder).run(Lane::blocking, [&, r = std::move(request)](Responder own) mutable {
      running.count_down();
      released.wait();
      echo(std::move(r), std::move(own));
    });
  });
  RawSocket idle(server.port());
  idle.send(get("/idle"));
  idle.read_until("GET /idle");
  RawSocket slow(server.port());
  slow.send(get("/slow"));
  running.wait();
  std::thread stopper([&] { server.stop(30s); });
  idle.read_all();
  CHECK(idle.closed());  // so the stop has begun
  release.set_value();
  const std::string answer = slow.read_all();
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  CHECK(answer.find("Connection: close") != std::string::npos);
  stopper.join();
  CHECK_FALSE(RawSocket(server.port()).connected());
}

TEST_CASE("a stop cuts what outlives the drain time") {
  Server server = start();
  RawSocket stuck(server.port());
  stuck.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
  while (server.stats().connections == 0) std::this_thread::yield();
  server.stop(1ms);
  CHECK(stuck.read_all().empty());
  CHECK(stuck.closed());
  CHECK(server.stats().connections == 0);
}

TEST_CASE("a responder may outlive its server") {
  std::optional<Responder> kept;
  std::promise<void> arrived;
  {
    Server server = start({}, [&](Request&&, Responder responder) {
      kept.emplace(std::move(responder));
      arrived.set_value();
    });
    RawSocket socket(server.port());
    socket.send(get("/"));
    arrived.get_future().wait();
    server.stop(1ms);
  }
  std::move(*kept).send({});
  kept.reset();
}

TEST_CASE("bodies that together would take too much memory are refused before they are read") {
  ServerOptions options;
  options.max_body_bytes = 1000;
  options.max_buffered_bytes = 1500;
  Server server = start(options);
  const auto post = [](RawSocket& socket, int bytes) {
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(bytes) +
                "\r\n\r\n");
  };
  RawSocket first(server.port());
  post(first, 1000);
  REQUIRE(first.read_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  RawSocket second(server.port());
  post(second, 1000);
  CHECK(second.read_until("\r\n\r\n").starts_with("HTTP/1.1 429 "));
  CHECK(server.stats().overloaded == 1);
  RawSocket third(server.port());
  post(third, 400);
  CHECK(third.read_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  first.send(std::string(1000, 'x'));  // answered, and its memory is free again
  CHECK(first.read_until("POST / xxx").find("HTTP/1.1 200 ") != std::string::npos);
  RawSocket fourth(server.port());
  post(fourth, 1000);
  CHECK(fourth.read_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
}

TEST_CASE("large answers that nobody reads fill what there may be, small ones always get out") {
  constexpr std::size_t kLarge = 32U << 20;  // more than the buffers of both kernels hold
  ServerOptions options;
  options.max_buffered_bytes = kLarge + (kLarge / 2);
  options.max_body_bytes = 1000;
  Server server = start(options, [](Request&& request, Responder responder) {
    std::move(responder).send(
        {.status = 200, .headers = {}, .body = std::string(request.target == "/large" ? kLarge : 1000, 'x')});
  });
  RawSocket first(server.port());
  first.send(get("/large"));
  REQUIRE(first.read_until("HTTP/1.1 200 ").starts_with("HTTP/1.1 200 "));
  RawSocket second(server.port());
  second.send(get("/large"));
  CHECK(second.read_until("\r\n\r\n").starts_with("HTTP/1.1 429 "));
  CHECK(server.stats().overloaded == 1);
  second.send(get("/small"));
  CHECK(RawSocket::occurrences(second.read_until("xxx"), "HTTP/1.1 200 ") == 1);
  CHECK(first.read_bytes(kLarge).size() > kLarge);
  std::string again;
  for (int i = 0; i < 10'000 && !again.starts_with("HTTP/1.1 200 "); ++i) {  // until the server has noticed
    RawSocket third(server.port());
    third.send(get("/large"));
    again = third.read_until("\r\n\r\n").substr(0, 13);
  }
  CHECK(again == "HTTP/1.1 200 ");
}

TEST_CASE("callers that ask again at once when they are refused get every refusal, in order, and hold no stop up") {
  ServerOptions options;
  options.cpu_slots = 1;
  Server server = start(options, [](Request&& request, Responder responder) {
    if (request.target == "/ok") return echo(std::move(request), std::move(responder));
    std::move(responder).send(overloaded());
  });
  // Far more than a burst on one connection: each is held back for a while, none is lost or overtaken.
  constexpr std::size_t kRefused = 500;
  std::string all;
  for (std::size_t i = 0; i < kRefused; ++i) all += get("/refused");
  RawSocket socket(server.port());
  REQUIRE(socket.send(all + get("/ok")));
  const std::string answers = socket.read_until("GET /ok");
  CHECK(RawSocket::occurrences(answers, "HTTP/1.1 429 ") == kRefused);
  CHECK(answers.rfind("HTTP/1.1 429 ") < answers.find("HTTP/1.1 200 "));
  REQUIRE(socket.send(all));
  server.stop(0ms);
}

TEST_CASE("an address in use is a clear error") {
  Server server = start();
  ServerOptions options;
  options.port = server.port();
  const auto second = Server::start(options, echo);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::unavailable);
  CHECK(second.error().message.find("in use") != std::string::npos);
  options.host = "192.0.2.1";  // reserved for documentation: nobody has it
  options.port = 0;
  CHECK(Server::start(options, echo).error().code == ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace ndb::http
