// An HTTP/1.1 server: keep-alive, pipelining (answered in order), limits and deadlines on everything, graceful stop,
// and framing checked before a body is read (framing.hpp).
//
// The way of a request: header, admission (keys, routes: whoever has no business here is told so before its framing is
// looked at or a byte of its body is read), framing, size, body, handler.
//
// Threads: a few I/O threads run all connections. Admission and handler are called on one of them and must not block
// there; the handler moves its work to a lane with Responder::run. A Responder may be answered from any thread.
// Invariants: each request gets exactly one answer, or its connection ends; answers of a connection keep the order of
// its requests; no more than the stated number of connections, queued jobs and bytes is ever held.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ipc/http/message.hpp"
#include "ipc/http/worker_pool.hpp"
#include "ndb/error.hpp"

namespace ndb::http {

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< name or address to listen on; "0.0.0.0" or "::" for all
  std::uint16_t port = 0;          ///< 0: any free port, see Server::port()
  std::uint32_t io_threads = 0;    ///< 0: one more than there are cores
  std::uint32_t cpu_slots = 0;     ///< jobs at once in Lane::cpu; 0: the number of cores
  std::uint32_t max_queued_cpu_jobs = 4096;
  std::uint32_t blocking_threads = 128;  ///< at most; started as needed
  std::uint32_t max_queued_blocking_jobs = 1024;
  std::chrono::milliseconds max_blocking_wait{5'000};  ///< for a thread; then the request is answered 429
  std::uint32_t max_connections = 10'000;              ///< further ones are answered 503 and closed
  std::uint32_t max_header_bytes = 32U << 10;
  std::uint64_t max_body_bytes = 64ULL << 20;
  /// Bodies of all requests that are being read or worked on, and of large answers that are being sent; a request that
  /// would make it more is answered 429 before it is read, a large answer gives way to a 429 (nothing that changes
  /// state has one). Raised to max_body_bytes, so that one request always fits. A chunked body counts once it is
  /// complete.
  std::uint64_t max_buffered_bytes = 1ULL << 30;
  std::chrono::milliseconds idle_timeout{75'000};    ///< between requests
  std::chrono::milliseconds header_timeout{10'000};  ///< from the first byte of a request to the end of its header
  std::chrono::milliseconds body_timeout{120'000};
  std::chrono::milliseconds write_timeout{120'000};
  std::string tls_certificate_file;  ///< PEM chain; TLS is on if this and the key are given
  std::string tls_key_file;          ///< PEM
  std::string tls_client_ca_file;    ///< PEM; if given, clients must show a certificate that one of these has signed
};

/// Where work runs.
enum class Lane : std::uint8_t {
  cpu,       ///< at most cpu_slots at once; usually on the calling thread at once; see cpu_gate.hpp for overload
  blocking,  ///< a pool of threads, for what waits
};

class Connection;

/// The right and the duty to answer one request. Dropped unanswered, it answers 500.
class Responder {
 public:
  explicit Responder(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&&) = delete;
  Responder(const Responder&) = delete;
  ~Responder();

  /// Answers, from any thread; once.
  void send(Response response) &&;
  /// Runs `work` in a lane; answers 429 overloaded if it would have to wait there for too long, or did. Does neither if
  /// the caller has gone before its turn came.
  void run(Lane lane, std::move_only_function<void(Responder)> work) &&;

 private:
  struct Pending;
  static void take_turn(Pending& pending, Turn turn);

  std::shared_ptr<Connection> connection_;
};

using Handler = std::function<void(Request&&, Responder)>;

/// What is decided about a request by its header.
struct Admission {
  std::optional<Response> refusal;  ///< the answer, instead of going on; ends the connection if a body is still to come
  std::uint64_t max_body_bytes = ~std::uint64_t{0};  ///< if less than the server's
  std::optional<Lane>
      lane{};  ///< where its work will run, if that is known: it may be refused as overloaded without more ado
};
/// Sees a request without its body, and may leave a RequestContext in it. Must not throw.
using Admit = std::function<Admission(Request&)>;

/// Counters since start, except `connections`.
struct ServerStats {
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;      ///< over max_connections
  std::uint64_t requests = 0;      ///< that reached the handler
  std::uint64_t bad_requests = 0;  ///< malformed, too large or too slow
  std::uint64_t overloaded = 0;    ///< answered 429: a lane or the memory for bodies was full
  std::uint64_t abandoned = 0;     ///< not worked on, because the caller had gone when their turn came
};

class Server {
 public:
  /// Listens and serves. unavailable if the address is in use, invalid_argument if it cannot be resolved,
  /// permission_denied if the port needs privileges, io_error otherwise.
  [[nodiscard]] static Result<Server> start(const ServerOptions& options, Handler handler, Admit admit = {});

  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();  ///< stop() without draining

  /// The port listened on.
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] ServerStats stats() const noexcept;
  /// Loads the certificate, its key and the clients' authorities anew, for connections to come. What was loaded before
  /// stays if they cannot be used: invalid_argument.
  [[nodiscard]] Status reload_tls();
  /// Stops accepting, closes idle connections, lets requests that run be answered, and after `drain` cuts the rest.
  /// Returns when every thread has ended. Idempotent.
  void stop(std::chrono::milliseconds drain);

  struct Core;  // internal, shared with the connections

 private:
  explicit Server(std::shared_ptr<Core> core) noexcept;
  std::shared_ptr<Core> core_;
};

}  // namespace ndb::http
