// What ndb-writer and ndb-reader are told: flags > environment > YAML file > defaults.
//
// One table (keys.cpp) lists every key with its flag, variable, range, default and help; the parsers, --help and
// --print-config are all driven by it. Threads: plain values; load() reads the process environment unless it is given
// another one, so call it before threads start.
// Invariants: a DaemonConfig that load() returned is within range everywhere, its collections have distinct valid names,
// and no key (API key) is ever part of what is printed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ndb/collection_config.hpp"
#include "ndb/error.hpp"
#include "shared/base/log.hpp"

namespace ndb::config {

/// Which daemon reads the configuration: only the default of `listen` and the texts differ.
enum class Role { writer, reader };

/// A collection that the writer creates at start if it is missing.
struct CollectionSpec {
  std::string name;
  CollectionConfig config;  ///< what it does not say comes from default_dim, durability and hnsw

  friend bool operator==(const CollectionSpec&, const CollectionSpec&) = default;
};

struct DaemonConfig {
  std::string data_dir = "./data";
  std::string listen;  ///< HOST:PORT; an IPv6 host in brackets. Port 0: any free one
  std::string host;    ///< the two halves of `listen`
  std::uint16_t port = 0;
  std::uint32_t default_dim = 768;  ///< for collections that are created without one
  Durability durability = Durability::buffered;
  HnswConfig hnsw{};
  std::vector<CollectionSpec> collections;
  std::string writer_url;  ///< reader only: where writes are forwarded to; empty for nowhere
  base::LogLevel log_level = base::LogLevel::info;
  base::LogFormat log_format = base::LogFormat::text;
  std::uint32_t sync_interval_ms = 100;    ///< 1–60,000; buffered writes are synced at most this long after
  std::uint32_t poll_interval_ms = 50;     ///< 1–60,000; how often files are looked at without a wake-up
  std::uint32_t memtable_mb = 64;          ///< 1–4,096; MiB of documents before a flush
  std::uint32_t gc_grace_s = 900;          ///< 1–604,800; dropped files are kept at least this long
  std::uint32_t index_threads = 0;         ///< 0–1,024; 0 for all cores
  std::uint32_t index_min_rows = 1'000;    ///< segments with fewer rows get no graph
  std::uint64_t segment_max_rows = 4'000'000;  ///< compaction merges up to here
  std::uint32_t merge_mb_per_s = 0;        ///< 0–1,000,000; MiB that merges and new graphs write a second; 0: no limit
  bool shared_memory = true;               ///< false: no control block, everything by polling
  bool insecure = false;                   ///< listen on a non-loopback address without a key
  std::uint32_t max_body_mb = 256;         ///< 1–4,096; MiB of a request's body
  std::uint32_t max_inflight_mb = 1'024;   ///< 1–1,000,000; MiB of all bodies and answers together; at least max_body_mb
  std::uint32_t max_connections = 4'096;   ///< 1–1,000,000
  std::uint32_t http_threads = 0;          ///< 0–1,024; I/O threads; 0 for all cores
  std::uint32_t worker_threads = 128;      ///< 1–4,096; requests that may wait at the same time
  std::uint32_t idle_timeout_s = 75;       ///< 1–86,400; keep-alive connections are closed after
  std::uint32_t header_timeout_s = 10;     ///< 1–86,400; for a request's header, and a TLS handshake
  std::uint32_t request_timeout_s = 60;    ///< 1–86,400; for a request's body, and its answer, each
  std::uint32_t shutdown_delay_s = 0;      ///< 0–3,600; how long a stopping daemon says so in /readyz before it stops listening
  std::uint32_t drain_timeout_s = 20;      ///< 0–3,600; how long a stopping daemon waits for running requests
  std::uint32_t slow_query_ms = 1'000;     ///< 0–3,600,000; searches that take longer are logged with their plan; 0: none
  std::string otlp_endpoint;               ///< URL of an OpenTelemetry collector, which gets a span of each request; empty for none
  std::string tls_cert_file;               ///< PEM; TLS is on if both are given
  std::string tls_key_file;
  std::string tls_client_ca_file;          ///< PEM; clients must then show a certificate that one of these has signed
  std::string writer_ca_file;              ///< PEM, reader only: whom to trust to be the writer; empty for the system's
  bool metrics_without_key = false;        ///< /metrics asks for no key
  std::string api_key_file;
  std::string read_api_key_file;
  std::string api_key;       ///< from NDB_API_KEY or the file named by api_key_file; empty for none
  std::string read_api_key;  ///< likewise; allows reading only
  bool api_key_is_fixed = false;       ///< it came from the environment, or there is none: its file need not be watched
  bool read_api_key_is_fixed = false;
};

/// What a daemon does next: print `output` to standard output and exit 0 if it is there, run otherwise.
struct Outcome {
  DaemonConfig config;
  std::optional<std::string> output;  ///< the answer to --help, --version or --print-config
};

/// Looks a variable up; the value is absent if it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
/// getenv(3).
[[nodiscard]] Environment process_environment();

/// Reads everything. `args` without the program's name. invalid_argument names key and origin ("--listen",
/// "NDB_LISTEN", "ndb.yaml:3") and the allowed range; not_found or io_error if a file cannot be read.
[[nodiscard]] Result<Outcome> load(Role role, const std::vector<std::string>& args,
                                   const Environment& environment = process_environment());

/// A key from a file, without the newline at its end. Its value is never part of a message.
[[nodiscard]] Result<std::string> read_key_file(const std::string& file);

/// Whether `host` is a literal loopback address or "localhost".
[[nodiscard]] bool is_loopback(const std::string& host) noexcept;

}  // namespace ndb::config
