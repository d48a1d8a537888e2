// Internal to ipc/http: what Responder and Server know of a connection, and what connections know of their server.
// Needs Asio, so only .cpp files include it.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "ipc/http/cpu_gate.hpp"
#include "ipc/http/refusal_pacer.hpp"
#include "ipc/http/server.hpp"
#include "ipc/http/worker_pool.hpp"

namespace ndb::http {

using Clock = std::chrono::steady_clock;
/// An accepted socket, on a strand of its own.
using Socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::strand<boost::asio::io_context::executor_type>>;

/// One connection. All functions may be called from any thread.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  virtual void send(Response&& response) = 0;
  /// Runs a job in a lane; false, the job untouched, if it is full.
  [[nodiscard]] virtual bool run(Lane lane, Job& job) = 0;
  /// Whether the client has closed the connection (or its half of it) and so gave up waiting.
  [[nodiscard]] virtual bool caller_has_gone() const = 0;
  /// Counts a request that is refused because it waited for too long.
  virtual void count_late() = 0;
  /// Ends now, without an answer that nobody would read.
  virtual void abandon() = 0;
  /// Ends now if idle, else after the answer under way.
  virtual void drain() = 0;
  /// Ends now.
  virtual void abort() = 0;
  /// Whether its deadline has passed; a moment later that may be no longer so.
  [[nodiscard]] virtual bool is_late(Clock::time_point now) const noexcept = 0;
  /// Ends now if its deadline has passed.
  virtual void end_if_late() = 0;
};

/// The connections that live, so that stop() finds them. Thread-safe.
class ConnectionRegistry {
 public:
  void add(Connection* connection, std::weak_ptr<Connection> handle);
  void remove(Connection* connection);
  [[nodiscard]] std::size_t size() const;
  void for_each(const std::function<void(Connection&)>& visit) const;
  /// Ends those whose deadline has passed.
  void end_late() const;
  /// Whether all have gone by then.
  [[nodiscard]] bool wait_empty(std::chrono::milliseconds timeout) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable empty_;
  std::unordered_map<Connection*, std::weak_ptr<Connection>> connections_;  // guarded by mutex_
};

/// What a connection needs of its server; outlives every connection.
struct ConnectionContext {
  ServerOptions options;
  Handler handler;
  Admit admit;  ///< may be empty
  boost::asio::io_context io;
  std::mutex tls_mutex;
  std::shared_ptr<boost::asio::ssl::context> tls;  ///< guarded by tls_mutex; null without TLS
  ConnectionRegistry registry;
  std::unique_ptr<CpuGate> cpu;
  std::unique_ptr<RefusalPacer> pacer;
  std::unique_ptr<WorkerPool> blocking;
  std::atomic<std::uint64_t> buffered_bytes{0};  ///< bodies held; relaxed: a budget, nothing is published through it
  std::atomic<bool> draining{false};  ///< release in stop(), acquire before a connection waits for its next request
  std::atomic<bool> stopped{false};   ///< no I/O thread runs any more
  [[nodiscard]] bool has_tls() const noexcept { return !options.tls_certificate_file.empty(); }

  std::atomic<std::uint64_t> accepted{0}, rejected{0}, requests{0}, bad_requests{0}, overloaded{0},
      abandoned{0};  // statistics only: relaxed
};

/// Loads certificate and key, for the connections to come; what was loaded before stays if that fails.
[[nodiscard]] Status reload_tls(ConnectionContext& context);

/// Makes a connection around an accepted socket (bound to a strand of context->io) and registers it.
[[nodiscard]] std::shared_ptr<Connection> make_plain_connection(std::shared_ptr<ConnectionContext> context,
                                                                Socket socket);
[[nodiscard]] std::shared_ptr<Connection> make_tls_connection(std::shared_ptr<ConnectionContext> context,
                                                              Socket socket);

/// 429.
[[nodiscard]] Response overloaded_response();

/// Status line and headers of an answer, ready to be written before its body.
[[nodiscard]] std::string serialize_header(const Response& response, bool keep_alive, unsigned http_version);

}  // namespace ndb::http
