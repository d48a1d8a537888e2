#include "bindings/http/daemon.hpp"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "bindings/http/backend.hpp"
#include "bindings/http/file_watch.hpp"
#include "bindings/http/push/log_subscriber.hpp"
#include "bindings/http/replica_reporter.hpp"
#include "bindings/http/routes.hpp"
#include "ipc/http/server.hpp"
#include "shared/base/log.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

using config::DaemonConfig;
using config::Role;

DatabaseOptions database_options(Role role, const DaemonConfig& config) {
  DatabaseOptions options;
  options.read_only = role == Role::reader;
  options.memtable_bytes = std::uint64_t{config.memtable_mb} << 20;
  options.sync_interval = std::chrono::milliseconds(config.sync_interval_ms);
  options.poll_interval = std::chrono::milliseconds(config.poll_interval_ms);
  options.gc_grace = std::chrono::seconds(config.gc_grace_s);
  options.index_threads = config.index_threads;
  options.index_min_rows = config.index_min_rows;
  options.segment_max_rows = config.segment_max_rows;
  options.merge_mb_per_second = config.merge_mb_per_s;
  options.shared_memory = config.shared_memory;
  return options;
}

RoutesOptions routes_options(Role role, const DaemonConfig& config) {
  RoutesOptions options;
  options.slow_query = std::chrono::milliseconds(config.slow_query_ms);
  options.otlp_endpoint = config.otlp_endpoint;
  options.service = role == Role::writer ? "ndb-writer" : "ndb-reader";
  options.defaults = {config.default_dim, Distance::cosine, config.durability, config.hnsw};
  options.keys = {config.api_key, config.read_api_key};
  options.metrics_without_key = config.metrics_without_key;
  options.writer_url = config.writer_url;
  options.writer_client.request_timeout = std::chrono::minutes(10);  // a compaction may be waited for
  options.writer_client.ca_file = config.writer_ca_file;
  options.writer_client.certificate_file = config.tls_cert_file;
  options.writer_client.key_file = config.tls_key_file;
  options.log_requests = config.log_level == base::LogLevel::debug;
  return options;
}

ServerOptions server_options(const DaemonConfig& config) {
  ServerOptions options;
  options.host = config.host;
  options.port = config.port;
  options.io_threads = config.http_threads == 0 ? 0 : config.http_threads + 1;
  options.cpu_slots = config.http_threads;
  options.blocking_threads = config.worker_threads;
  options.max_connections = config.max_connections;
  options.max_body_bytes = std::uint64_t{config.max_body_mb} << 20;
  options.max_buffered_bytes = std::uint64_t{config.max_inflight_mb} << 20;
  options.idle_timeout = std::chrono::seconds(config.idle_timeout_s);
  options.header_timeout = std::chrono::seconds(config.header_timeout_s);
  options.body_timeout = std::chrono::seconds(config.request_timeout_s);
  options.write_timeout = options.body_timeout;
  options.tls_certificate_file = config.tls_cert_file;
  options.tls_key_file = config.tls_key_file;
  options.tls_client_ca_file = config.tls_client_ca_file;
  return options;
}

/// What could not be opened for writing, with the reasons.
struct Unopened {
  std::vector<std::string> reasons;
  bool only_locked = true;  ///< another writer has the lock of each
};

}  // namespace

Status check_exposure(const DaemonConfig& config) {
  const bool has_key = !config.api_key.empty() || !config.read_api_key.empty();
  if (has_key || config.insecure || config::is_loopback(config.host)) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{} is reachable from other machines: set NDB_API_KEY, or give --insecure to let everybody in",
                  config.listen),
      "listen");
}

struct Daemon::Impl {
  Role role;
  DaemonConfig config;
  std::shared_ptr<RemoteLog> remote;               // of a reader that knows its writer, as the next
  std::unique_ptr<PushedFileSystem> pushed_files;
  Backend backend;
  Routes routes;
  std::optional<Server> server;
  std::atomic<bool> serving{false};  // release once `server` is set, acquire by its first requests
  std::thread opener;
  std::thread watcher;
  std::optional<ReplicaReporter> reporter;
  std::optional<LogSubscriber> subscriber;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;  // guarded by mutex

  Impl(Role for_role, const DaemonConfig& from)
      : role(for_role),
        config(from),
        remote(make_remote(for_role, from)),
        pushed_files(remote ? std::make_unique<PushedFileSystem>(fs::posix_file_system(), std::filesystem::absolute(from.data_dir), remote) : nullptr),
        backend(from.data_dir, database_options(for_role, from), pushed_files ? *pushed_files : fs::posix_file_system()),
        routes(backend, routes_options(for_role, from)) {}

  [[nodiscard]] std::shared_ptr<RemoteLog> make_remote(Role for_role, const DaemonConfig& from);
  [[nodiscard]] Status create_configured();
  [[nodiscard]] Status create_one(const config::CollectionSpec& spec);
  [[nodiscard]] Result<Unopened> open_for_writing();
  void open_until_done();
  void watch_secrets();
  [[nodiscard]] Status reload_keys();
  [[nodiscard]] bool sleep(std::chrono::milliseconds duration);
  [[nodiscard]] Status stop();
};

std::shared_ptr<RemoteLog> Daemon::Impl::make_remote(Role for_role, const DaemonConfig& from) {
  if (for_role != Role::reader || from.writer_url.empty()) return nullptr;
  // Keys are asked for once requests are sent, when the routes are there.
  return std::make_shared<RemoteLog>(from.writer_url, routes_options(for_role, from).writer_client, [this] { return routes.keys(); });
}

Status Daemon::Impl::create_one(const config::CollectionSpec& spec) {
  const auto existing = backend.collection(spec.name);
  if (!existing && existing.error().code == ErrorCode::not_found) {
    NDB_TRY(backend.create(spec.name, spec.config));
    base::log_info(fmt::format("created collection {} (dim {})", spec.name, spec.config.dim));
    return {};
  }
  if (!existing) return std::unexpected(existing.error());
  const CollectionConfig& has = existing->config();
  if (has.dim == spec.config.dim && has.distance == spec.config.distance) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("collection {} exists with dim {} and distance {}, the configuration says {} and {}", spec.name,
                  has.dim, distance_name(has.distance), spec.config.dim, distance_name(spec.config.distance)),
      "collections");
}

Status Daemon::Impl::create_configured() {
  for (const config::CollectionSpec& spec : config.collections) NDB_TRY(create_one(spec));
  return {};
}

Result<Unopened> Daemon::Impl::open_for_writing() {
  NDB_TRY_ASSIGN(const std::vector<std::string> names, backend.names());
  Unopened failed;
  for (const std::string& name : names) {
    auto collection = backend.collection(name);
    const Status locked = collection ? collection->acquire_write_lock() : Status(std::unexpected(collection.error()));
    if (locked) continue;
    failed.reasons.push_back(fmt::format("collection {}: {}", name, locked.error().message));
    failed.only_locked = failed.only_locked && locked.error().code == ErrorCode::collection_locked;
  }
  return failed;
}

bool Daemon::Impl::sleep(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex);
  return !wake.wait_for(lock, duration, [this] { return stopping; });
}

void Daemon::Impl::open_until_done() {
  // Asking for a lock costs little, and nobody can write until it is had; other failures may cost a look at everything.
  constexpr std::chrono::milliseconds kLocked{250}, kLongest{10'000};
  std::chrono::milliseconds pause{250};
  std::string last_reason;
  do {
    const auto failed = open_for_writing();
    if (failed && failed->reasons.empty()) return routes.set_unready({});
    const std::string reason = failed ? fmt::format("{}", fmt::join(failed->reasons, "; ")) : failed.error().message;
    if (reason != last_reason) base::log_warn("not ready: " + reason);
    last_reason = reason;
    routes.set_unready(reason);
    pause = failed && failed->only_locked ? kLocked : std::min(pause * 2, kLongest);
  } while (sleep(pause));
}

Status Daemon::Impl::reload_keys() {
  Keys keys{config.api_key, config.read_api_key};
  if (!config.api_key_is_fixed && !config.api_key_file.empty()) {
    NDB_TRY_ASSIGN(keys.full, config::read_key_file(config.api_key_file));
  }
  if (!config.read_api_key_is_fixed && !config.read_api_key_file.empty()) {
    NDB_TRY_ASSIGN(keys.read, config::read_key_file(config.read_api_key_file));
  }
  routes.set_keys(std::move(keys));
  return {};
}

// What was renewed is taken over; what cannot be used is said, and what was there before stays in force.
void Daemon::Impl::watch_secrets() {
  constexpr std::chrono::milliseconds kPause{500};
  FileWatch keys({config.api_key_is_fixed ? "" : config.api_key_file,
                  config.read_api_key_is_fixed ? "" : config.read_api_key_file});
  FileWatch tls({config.tls_cert_file, config.tls_key_file, config.tls_client_ca_file});
  if (keys.empty() && tls.empty()) return;
  do {
    if (keys.changed()) {
      const Status read = reload_keys();
      read ? base::log_info("API keys read") : base::log_error("API keys stay as they are", read.error());
    }
    if (tls.changed()) {
      const Status read = server->reload_tls();
      read ? base::log_info("certificate read") : base::log_error("the certificate stays as it is", read.error());
    }
  } while (sleep(kPause));
}

Status Daemon::Impl::stop() {
  {
    const std::lock_guard lock(mutex);
    if (stopping) return {};
    stopping = true;
  }
  wake.notify_all();
  if (opener.joinable()) opener.join();
  if (watcher.joinable()) watcher.join();
  reporter.reset();
  subscriber.reset();
  routes.set_unready("stopping");
  // Time for whoever asks /readyz to send its requests elsewhere.
  if (server) std::this_thread::sleep_for(std::chrono::seconds(config.shutdown_delay_s));
  backend.close_feeds();
  if (server) server->stop(std::chrono::seconds(config.drain_timeout_s));
  return backend.close();
}

Result<Daemon> Daemon::start(Role role, const DaemonConfig& config, std::function<void(const Error&)> on_fatal) {
  NDB_TRY(check_exposure(config));
  Daemon daemon(std::make_unique<Impl>(role, config));
  Impl& impl = *daemon.impl_;
  const Status opened = impl.backend.open();
  const bool may_come_later = role == Role::reader && !opened && opened.error().code == ErrorCode::unavailable;
  if (!opened && !may_come_later) return std::unexpected(opened.error());
  if (role == Role::writer) {
    NDB_TRY(impl.create_configured());
    impl.routes.set_unready("starting");
  }
  if (on_fatal) impl.routes.set_on_fenced(std::move(on_fatal));
  // The server's numbers are asked for by its own requests, which end before it does.
  impl.routes.set_server_stats(
      [raw = &impl] { return raw->serving.load(std::memory_order_acquire) ? raw->server->stats() : ServerStats{}; });
  NDB_TRY_ASSIGN(impl.server, Server::start(
                                  server_options(config),
                                  [raw = &impl](Request&& request, Responder responder) {
                                    raw->routes.handle(std::move(request), std::move(responder));
                                  },
                                  [raw = &impl](Request& request) { return raw->routes.admit(request); }));
  impl.serving.store(true, std::memory_order_release);
  if (role == Role::reader && !config.writer_url.empty()) {
    ClientOptions client = routes_options(role, config).writer_client;
    client.connect_timeout = client.request_timeout = std::chrono::seconds(5);
    impl.subscriber.emplace(impl.backend, *impl.pushed_files, impl.remote);
    impl.reporter.emplace(impl.backend, config.writer_url, client, [raw = &impl] { return raw->routes.keys(); });
  }
  impl.watcher = std::thread([raw = &impl] { raw->watch_secrets(); });
  if (role == Role::writer) impl.opener = std::thread([raw = &impl] { raw->open_until_done(); });
  return daemon;
}

Daemon::Daemon(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Daemon::Daemon(Daemon&&) noexcept = default;
Daemon& Daemon::operator=(Daemon&&) noexcept = default;
Daemon::~Daemon() {
  if (impl_) static_cast<void>(impl_->stop());
}

std::uint16_t Daemon::port() const noexcept {
  return impl_->server->port();
}

std::string Daemon::url() const {
  const DaemonConfig& config = impl_->config;
  const bool is_ipv6 = config.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", config.tls_cert_file.empty() ? "http" : "https", is_ipv6 ? "[" : "", config.host,
                     is_ipv6 ? "]" : "", port());
}

Status Daemon::stop() {
  return impl_->stop();
}

}  // namespace ndb::http
