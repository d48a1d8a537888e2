#include "shared/config/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>

namespace ndb::config {
namespace {

template <class T>
using Place = T& (*)(DaemonConfig&);

/// How a key is spelt in the three sources.
struct Spelling {
  std::string name, variable, flags;
};

/// name "a.b_c" gives NDB_A_B_C and --a-b-c.
Spelling spell(std::string name) {
  std::string variable = "NDB_" + name;
  std::ranges::transform(variable, variable.begin(), [](char c) {
    return c == '.' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  });
  std::string flag = "--" + name;
  std::ranges::replace_if(flag, [](char c) { return c == '_' || c == '.'; }, '-');
  return {std::move(name), std::move(variable), std::move(flag)};
}

template <class T>
const T& read(const DaemonConfig& config, Place<T> at) {
  return at(const_cast<DaemonConfig&>(config));  // `at` only selects a member
}

template <class T>
Key number(Spelling spelling, std::uint64_t low, std::uint64_t high, Place<T> at, std::string help) {
  return {.name = spelling.name, .variable = spelling.variable, .flags = spelling.flags, .help = std::move(help),
          .allowed = fmt::format("a whole number from {} to {}", low, high),
          .set = [=](DaemonConfig& config, const std::string& text) {
            std::uint64_t value = 0;
            if (!parse_integer(text, low, high, value)) return false;
            at(config) = static_cast<T>(value);
            return true;
          },
          .get = [=](const DaemonConfig& config) { return std::to_string(read(config, at)); }};
}

Key toggle(Spelling spelling, Place<bool> at, std::string help) {
  return {.name = spelling.name, .variable = spelling.variable, .flags = spelling.flags, .help = std::move(help),
          .allowed = "true or false", .form = Form::toggle,
          .set = [=](DaemonConfig& config, const std::string& text) {
            if (!is_toggle_value(text)) return false;
            at(config) = text == "true" || text == "1";
            return true;
          },
          .get = [=](const DaemonConfig& config) { return std::string(read(config, at) ? "true" : "false"); }};
}

Key text(Spelling spelling, Place<std::string> at, std::string help, std::string allowed,
         bool (*accept)(const std::string&)) {
  return {.name = spelling.name, .variable = spelling.variable, .flags = spelling.flags, .help = std::move(help),
          .allowed = std::move(allowed), .quoted = true,
          .set = [=](DaemonConfig& config, const std::string& value) {
            if (!accept(value)) return false;
            at(config) = value;
            return true;
          },
          .get = [=](const DaemonConfig& config) { return read(config, at); }};
}

template <class T>
struct Choice {
  const char* name;
  T value;
};

template <class T, std::size_t N>
Key choice(Spelling spelling, const std::array<Choice<T>, N>& choices, std::type_identity_t<Place<T>> at,
           std::string help) {
  std::string allowed;
  for (const auto& one : choices) allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", one.name);
  return {.name = spelling.name, .variable = spelling.variable, .flags = spelling.flags, .help = std::move(help),
          .allowed = "one of " + allowed,
          .set = [=](DaemonConfig& config, const std::string& value) {
            const auto found = std::ranges::find_if(choices, [&](const auto& one) { return value == one.name; });
            if (found == choices.end()) return false;
            at(config) = found->value;
            return true;
          },
          .get = [=](const DaemonConfig& config) {
            const auto found =
                std::ranges::find_if(choices, [&](const auto& one) { return read(config, at) == one.value; });
            return std::string(found == choices.end() ? "?" : found->name);
          }};
}

constexpr std::array<Choice<Durability>, 2> kDurabilities{{{"buffered", Durability::buffered}, {"sync", Durability::sync}}};
constexpr std::array<Choice<Quantization>, 4> kQuantizations{{{"auto", Quantization::automatic},
                                                              {"none", Quantization::none},
                                                              {"sq8", Quantization::sq8},
                                                              {"rabitq", Quantization::rabitq}}};
constexpr std::array<Choice<base::LogLevel>, 4> kLogLevels{{{"debug", base::LogLevel::debug},
                                                            {"info", base::LogLevel::info},
                                                            {"warn", base::LogLevel::warn},
                                                            {"error", base::LogLevel::error}}};
constexpr std::array<Choice<base::LogFormat>, 2> kLogFormats{{{"text", base::LogFormat::text},
                                                              {"json", base::LogFormat::json}}};

bool is_path(const std::string& value) { return !value.empty() && value.find('\0') == std::string::npos; }
bool is_path_or_none(const std::string& value) { return value.find('\0') == std::string::npos; }
bool is_listen(const std::string& value) {
  std::string host;
  std::uint16_t port = 0;
  return parse_listen(value, host, port);
}
bool is_url_or_none(const std::string& value) {
  if (value.empty()) return true;
  const std::size_t scheme = value.starts_with("http://") ? 7 : value.starts_with("https://") ? 8 : 0;
  return scheme != 0 && value.size() > scheme && value[scheme] != '/' && value.find_first_of(" \t\r\n") == std::string::npos;
}

using C = DaemonConfig;
using Text = std::string;
using U32 = std::uint32_t;

void add_storage_keys(std::vector<Key>& to) {
  to.push_back(text(spell("data_dir"), [](C& c) -> Text& { return c.data_dir; },
                    "Folder of the collections; the writer creates it", "a path", is_path));
  to.push_back(text(spell("listen"), [](C& c) -> Text& { return c.listen; }, "Address to serve HTTP on; port 0 picks a free one",
                    "HOST:PORT, with an IPv6 host in brackets", is_listen));
  to.push_back(number<U32>(spell("default_dim"), 1, Limits::kMaxDim, [](C& c) -> U32& { return c.default_dim; },
                           "Dimension of collections that are created without one"));
  to.push_back(choice(spell("durability"), kDurabilities, [](C& c) -> Durability& { return c.durability; },
                      "When writes are acknowledged: buffered, within sync_interval_ms of the disk; sync, on the disk"));
  to.push_back(number<U32>(spell("hnsw.m"), 2, 128, [](C& c) -> U32& { return c.hnsw.m; },
                           "Links per node of the graph: more is better recall and more memory"));
  to.push_back(number<U32>(spell("hnsw.ef_construct"), 2, 4096, [](C& c) -> U32& { return c.hnsw.ef_construction; },
                           "Candidates while building the graph: more is better recall and slower indexing"));
  to.push_back(number<U32>({"hnsw.ef_search", "NDB_HNSW_EF", "--hnsw-ef,--hnsw-ef-search"}, 1, Limits::kMaxEf,
                           [](C& c) -> U32& { return c.hnsw.ef_search; },
                           "Candidates while searching: more is better recall and slower searches"));
  to.push_back(choice(spell("hnsw.quantization"), kQuantizations, [](C& c) -> Quantization& { return c.hnsw.quantization; },
                      "What the graph is walked on: 1-bit codes (rabitq), 8-bit ones (sq8), full vectors (none), or what fits (auto)"));
  to.push_back(Key{.name = "collections", .variable = "NDB_COLLECTIONS", .flags = "--collection",
                   .help = "Collections that the writer creates if they are missing; the flag may be repeated",
                   .allowed = "NAME[:DIM[:DISTANCE]], several separated by commas", .form = Form::collections,
                   .set = nullptr, .get = nullptr});
}

void add_engine_keys(std::vector<Key>& to) {
  to.push_back(number<U32>(spell("sync_interval_ms"), 1, 60'000, [](C& c) -> U32& { return c.sync_interval_ms; },
                           "Buffered writes are on the disk at most this many milliseconds later"));
  to.push_back(number<U32>(spell("poll_interval_ms"), 1, 60'000, [](C& c) -> U32& { return c.poll_interval_ms; },
                           "How often files are looked at when nobody wakes this process"));
  to.push_back(number<U32>(spell("memtable_mb"), 1, 4096, [](C& c) -> U32& { return c.memtable_mb; },
                           "MiB of documents in memory before they are flushed to a segment"));
  to.push_back(number<U32>(spell("gc_grace_s"), 1, 604'800, [](C& c) -> U32& { return c.gc_grace_s; },
                           "Seconds that dropped files are kept for readers on other hosts"));
  to.push_back(number<U32>(spell("index_threads"), 0, 1024, [](C& c) -> U32& { return c.index_threads; },
                           "Threads that build indexes; 0 for all cores"));
  to.push_back(number<U32>(spell("index_min_rows"), 1, 1'000'000'000, [](C& c) -> U32& { return c.index_min_rows; },
                           "Segments with fewer rows are scanned instead of indexed"));
  to.push_back(number<std::uint64_t>(spell("segment_max_rows"), 1'000, 1'000'000'000,
                                     [](C& c) -> std::uint64_t& { return c.segment_max_rows; },
                                     "Compaction merges segments up to this many rows"));
  to.push_back(number<U32>(spell("merge_mb_per_s"), 0, 1'000'000, [](C& c) -> U32& { return c.merge_mb_per_s; },
                           "MiB that merges and new graphs write a second; 0 for no limit"));
  to.push_back(toggle(spell("shared_memory"), [](C& c) -> bool& { return c.shared_memory; },
                      "Wake-ups and reader pins through shared memory; without it by polling"));
}

void add_server_keys(std::vector<Key>& to) {
  to.push_back(text(spell("writer_url"), [](C& c) -> Text& { return c.writer_url; },
                    "Where a reader forwards writes to; without it a reader refuses them",
                    "http://HOST:PORT or nothing", is_url_or_none));
  to.push_back(toggle(spell("insecure"), [](C& c) -> bool& { return c.insecure; },
                      "Serve other hosts although no API key is set"));
  to.push_back(number<U32>(spell("max_body_mb"), 1, 4096, [](C& c) -> U32& { return c.max_body_mb; },
                           "MiB that a request's body may have"));
  to.push_back(number<U32>(spell("max_inflight_mb"), 1, 1'000'000, [](C& c) -> U32& { return c.max_inflight_mb; },
                           "MiB that the bodies and answers of all requests may have together"));
  to.push_back(number<U32>(spell("max_connections"), 1, 1'000'000, [](C& c) -> U32& { return c.max_connections; },
                           "Connections at the same time"));
  to.push_back(number<U32>(spell("http_threads"), 0, 1024, [](C& c) -> U32& { return c.http_threads; },
                           "Threads that serve connections; 0 for all cores"));
  to.push_back(number<U32>(spell("worker_threads"), 1, 4096, [](C& c) -> U32& { return c.worker_threads; },
                           "Requests that may wait (for the disk, for another write) at the same time"));
  to.push_back(number<U32>(spell("idle_timeout_s"), 1, 86'400, [](C& c) -> U32& { return c.idle_timeout_s; },
                           "Seconds until an idle connection is closed"));
  to.push_back(number<U32>(spell("header_timeout_s"), 1, 86'400, [](C& c) -> U32& { return c.header_timeout_s; },
                           "Seconds for a request's header"));
  to.push_back(number<U32>(spell("request_timeout_s"), 1, 86'400, [](C& c) -> U32& { return c.request_timeout_s; },
                           "Seconds for a request's body, and for its answer, each"));
  to.push_back(number<U32>(spell("shutdown_delay_s"), 0, 3600, [](C& c) -> U32& { return c.shutdown_delay_s; },
                           "Seconds that a daemon goes on serving, unready, once it is told to stop"));
  to.push_back(number<U32>(spell("drain_timeout_s"), 0, 3600, [](C& c) -> U32& { return c.drain_timeout_s; },
                           "Seconds that running requests get when the daemon is told to stop"));
}

void add_security_and_log_keys(std::vector<Key>& to) {
  const char* const file = "a path, or nothing";
  to.push_back(text(spell("tls_cert_file"), [](C& c) -> Text& { return c.tls_cert_file; },
                    "Certificate chain (PEM); with tls_key_file it turns TLS on", file, is_path_or_none));
  to.push_back(text(spell("tls_key_file"), [](C& c) -> Text& { return c.tls_key_file; }, "Private key (PEM)", file,
                    is_path_or_none));
  to.push_back(text(spell("tls_client_ca_file"), [](C& c) -> Text& { return c.tls_client_ca_file; },
                    "Certificates (PEM) of those who may sign clients' certificates; clients must then show one", file,
                    is_path_or_none));
  to.push_back(text(spell("writer_ca_file"), [](C& c) -> Text& { return c.writer_ca_file; },
                    "Certificates (PEM) that a reader trusts to be the writer's; the system's authorities otherwise", file,
                    is_path_or_none));
  to.push_back(toggle(spell("metrics_without_key"), [](C& c) -> bool& { return c.metrics_without_key; },
                      "Let everybody read /metrics"));
  to.push_back(choice(spell("log_level"), kLogLevels, [](C& c) -> base::LogLevel& { return c.log_level; },
                      "Least important messages that are logged"));
  to.push_back(choice(spell("log_format"), kLogFormats, [](C& c) -> base::LogFormat& { return c.log_format; },
                      "Log lines for people or as JSON"));
  to.push_back(number<U32>(spell("slow_query_ms"), 0, 3'600'000, [](C& c) -> U32& { return c.slow_query_ms; },
                           "Searches that take longer are logged with their plan; 0 for none"));
  to.push_back(text(spell("otlp_endpoint"), [](C& c) -> Text& { return c.otlp_endpoint; },
                    "OpenTelemetry collector (OTLP over HTTP) that gets a span of each request", "http://HOST:PORT or nothing",
                    is_url_or_none));
  to.push_back(text(spell("api_key_file"), [](C& c) -> Text& { return c.api_key_file; },
                    "File with the API key, unless NDB_API_KEY has it", file, is_path_or_none));
  to.push_back(text(spell("read_api_key_file"), [](C& c) -> Text& { return c.read_api_key_file; },
                    "File with the API key that may only read, unless NDB_READ_API_KEY has it", file, is_path_or_none));
}

std::vector<Key> make_keys() {
  std::vector<Key> all;
  add_storage_keys(all);
  add_engine_keys(all);
  add_server_keys(all);
  add_security_and_log_keys(all);
  return all;
}

}  // namespace

const std::vector<Key>& keys() {
  static const std::vector<Key> all = make_keys();
  return all;
}

const Key* find_key(std::string_view name) {
  const auto found = std::ranges::find(keys(), name, &Key::name);
  return found == keys().end() ? nullptr : &*found;
}

DaemonConfig defaults(Role role) {
  DaemonConfig config;
  config.listen = role == Role::writer ? "127.0.0.1:7700" : "127.0.0.1:7701";
  return config;
}

bool parse_integer(std::string_view text, std::uint64_t low, std::uint64_t high, std::uint64_t& into) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, into);
  return error == std::errc() && stop == end && into >= low && into <= high;
}

bool is_toggle_value(std::string_view text) noexcept {
  return text == "true" || text == "1" || text == "false" || text == "0";
}

bool parse_listen(const std::string& text, std::string& host, std::uint16_t& port) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  host = text.substr(0, colon);
  if (host.front() == '[') {
    if (host.size() < 3 || host.back() != ']') return false;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return false;
  }
  if (host.find_first_of(" \t\r\n/[]@") != std::string::npos) return false;
  std::uint64_t number = 0;
  if (!parse_integer(std::string_view(text).substr(colon + 1), 0, 65'535, number)) return false;
  port = static_cast<std::uint16_t>(number);
  return true;
}

bool is_loopback(const std::string& host) noexcept {
  if (host == "localhost" || host == "::1") return true;
  if (!host.starts_with("127.")) return false;
  return host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace ndb::config
