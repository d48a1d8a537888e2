#include "ipc/http/server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <optional>

#include "ipc/http/connection.hpp"
#include "ipc/http/error_map.hpp"
#include "shared/base/low_priority.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

// The listener and the threads. Handlers capture `this`: stop() joins the threads before it goes.
struct Server::Core {
  std::shared_ptr<ConnectionContext> context = std::make_shared<ConnectionContext>();
  net::executor_work_guard<net::io_context::executor_type> work{context->io.get_executor()};
  tcp::acceptor acceptor{net::make_strand(context->io)};
  net::steady_timer retry{acceptor.get_executor()};
  net::steady_timer sweep{acceptor.get_executor()};
  bool ended = false;  // the acceptor's strand only
  std::uint16_t port = 0;
  std::vector<std::thread> threads;
  std::mutex stop_mutex;
  bool stopped = false;  // guarded by stop_mutex

  [[nodiscard]] Status listen();
  [[nodiscard]] Status start_threads();
  void accept();
  void on_accept(error_code error, Socket socket);
  void sweep_late();
  void stop(std::chrono::milliseconds drain);
};

namespace {

Error listen_error(const error_code& error, const ServerOptions& options) {
  const std::string address = options.host + ":" + std::to_string(options.port);
  if (error == net::error::address_in_use) {
    return {ErrorCode::unavailable, address + " is in use by another process; choose another port", "listen"};
  }
  if (error == net::error::access_denied) {
    return {ErrorCode::permission_denied, "no permission to listen on " + address, "listen"};
  }
  if (error == boost::system::errc::address_not_available) {
    return {ErrorCode::invalid_argument, options.host + " is not an address of this machine", "listen"};
  }
  return {ErrorCode::io_error, "cannot listen on " + address + ": " + error.message(), "listen"};
}

Result<tcp::endpoint> resolve(net::io_context& io, const ServerOptions& options) {
  tcp::resolver resolver(io);
  error_code error;
  const auto found = resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  if (error || found.empty()) {
    return fail(ErrorCode::invalid_argument, "cannot resolve '" + options.host + "': " + error.message(), "listen");
  }
  return found.begin()->endpoint();
}

std::uint32_t cores() {
  return std::max(1U, std::thread::hardware_concurrency());
}

// One try to say why, without waiting for the client; with TLS there is no telling before a handshake.
void reject(ConnectionContext& context, Socket& socket) {
  context.rejected.fetch_add(1, std::memory_order_relaxed);
  if (context.has_tls()) return;
  Response response = error_response({ErrorCode::unavailable, "too many connections", {}});
  const std::string answer = serialize_header(response, false, 11) + response.body;
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(net::buffer(answer), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

Status Server::Core::listen() {
  const ServerOptions& options = context->options;
  NDB_TRY_ASSIGN(const tcp::endpoint endpoint, resolve(context->io, options));
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  if (error) return std::unexpected(listen_error(error, options));
  port = acceptor.local_endpoint(error).port();
  return {};
}

Status Server::Core::start_threads() {
  const std::uint32_t wanted = context->options.io_threads;
  try {
    for (std::uint32_t i = 0; i < wanted; ++i)
      threads.emplace_back([this] {
        base::ask_for_short_turns_of_this_thread();
        context->io.run();
      });
  } catch (const std::system_error& error) {
    return fail(ErrorCode::io_error, std::string("cannot start threads: ") + error.what());
  }
  return {};
}

void Server::Core::accept() {
  acceptor.async_accept(net::make_strand(context->io),
                        [this](error_code error, Socket socket) { on_accept(error, std::move(socket)); });
}

void Server::Core::on_accept(error_code error, Socket socket) {
  if (error == net::error::operation_aborted || context->draining.load(std::memory_order_acquire)) return;
  if (error) {  // out of descriptors or memory, most likely: try again when something may have been freed
    retry.expires_after(std::chrono::milliseconds(100));
    retry.async_wait([this](error_code aborted) {
      if (!aborted) accept();
    });
    return;
  }
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  context->accepted.fetch_add(1, std::memory_order_relaxed);
  if (context->registry.size() >= context->options.max_connections) {
    reject(*context, socket);
  } else {
    auto* const make = context->has_tls() ? &make_tls_connection : &make_plain_connection;
    make(context, std::move(socket))->start();
  }
  accept();
}

// Deadlines are kept to an eighth of the shortest of them.
void Server::Core::sweep_late() {
  const ServerOptions& options = context->options;
  const auto shortest =
      std::min({options.idle_timeout, options.header_timeout, options.body_timeout, options.write_timeout});
  sweep.expires_after(std::clamp(shortest / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(250)));
  sweep.async_wait([this](error_code aborted) {
    if (aborted || ended) return;
    context->registry.end_late();
    sweep_late();
  });
}

void Server::Core::stop(std::chrono::milliseconds drain) {
  const std::lock_guard lock(stop_mutex);
  if (stopped) return;
  stopped = true;
  context->draining.store(true, std::memory_order_release);
  net::post(acceptor.get_executor(), [this] {
    error_code ignored;
    acceptor.close(ignored);
    retry.cancel();
  });
  context->registry.for_each([](Connection& connection) { connection.drain(); });
  const bool drained = context->registry.wait_empty(drain);
  if (!drained) {
    context->cpu->clear();
    context->registry.for_each([](Connection& connection) { connection.abort(); });
  }
  context->blocking->stop();
  net::post(acceptor.get_executor(), [this] {
    ended = true;
    sweep.cancel();
  });
  work.reset();
  for (std::thread& thread : threads) thread.join();
  context->stopped.store(true, std::memory_order_release);
}

Result<Server> Server::start(const ServerOptions& options, Handler handler, Admit admit) {
  auto core = std::make_shared<Core>();
  ConnectionContext& context = *core->context;
  context.options = options;
  if (options.io_threads == 0) context.options.io_threads = cores() + 1;
  if (options.cpu_slots == 0) context.options.cpu_slots = cores();
  context.options.max_buffered_bytes = std::max(options.max_buffered_bytes, options.max_body_bytes);
  context.handler = std::move(handler);
  context.admit = std::move(admit);
  context.cpu = std::make_unique<CpuGate>(
      context.options.cpu_slots, options.max_queued_cpu_jobs,
      [&io = context.io](std::move_only_function<void()> job) { net::post(io, std::move(job)); });
  context.pacer = std::make_unique<RefusalPacer>(context.options.cpu_slots);
  context.blocking = std::make_unique<WorkerPool>(options.blocking_threads, options.max_queued_blocking_jobs,
                                                  options.max_blocking_wait);
  NDB_TRY(http::reload_tls(context));
  NDB_TRY(core->listen());
  net::post(core->acceptor.get_executor(), [raw = core.get()] {
    raw->accept();
    raw->sweep_late();
  });
  Server server(core);
  NDB_TRY(core->start_threads());
  return server;
}

Server::Server(std::shared_ptr<Core> core) noexcept : core_(std::move(core)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&& other) noexcept {
  if (core_ && core_ != other.core_) core_->stop(std::chrono::milliseconds(0));
  core_ = std::move(other.core_);
  return *this;
}
Server::~Server() {
  if (core_) core_->stop(std::chrono::milliseconds(0));
}

std::uint16_t Server::port() const noexcept {
  return core_->port;
}

ServerStats Server::stats() const noexcept {
  const ConnectionContext& context = *core_->context;
  return {.connections = context.registry.size(),
          .accepted = context.accepted.load(std::memory_order_relaxed),
          .rejected = context.rejected.load(std::memory_order_relaxed),
          .requests = context.requests.load(std::memory_order_relaxed),
          .bad_requests = context.bad_requests.load(std::memory_order_relaxed),
          .overloaded = context.overloaded.load(std::memory_order_relaxed),
          .abandoned = context.abandoned.load(std::memory_order_relaxed)};
}

Status Server::reload_tls() {
  return http::reload_tls(*core_->context);
}

void Server::stop(std::chrono::milliseconds drain) {
  core_->stop(drain);
}

}  // namespace ndb::http
