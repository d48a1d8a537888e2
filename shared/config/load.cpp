#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "shared/base/result.hpp"
#include "shared/config/keys.hpp"
#include "shared/config/sources.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::config {
namespace {

constexpr std::uint64_t kMaxKeyFileBytes = 4096;

/// Settings applied so far, and who set what.
struct Applied {
  DaemonConfig config;
  std::map<std::string, std::string> origins;  // by key name; absent: default
  std::vector<CollectionEntry> collections;

  [[nodiscard]] std::string origin(const std::string& key) const {
    const auto found = origins.find(key);
    return found == origins.end() ? "default" : found->second;
  }
};

Status apply(Settings settings, Applied& to) {
  for (const auto& [name, text, origin] : settings.values) {
    const Key* key = find_key(name);
    if (!key->set(to.config, text))
      return refuse(origin, name, fmt::format("must be {}, not '{}'", key->allowed, text));
    to.origins[name] = origin;
  }
  if (settings.collections) {
    to.collections = std::move(*settings.collections);
    to.origins["collections"] = settings.collections_origin;
  }
  return {};
}

/// The file named by the flag, else by the variable, else none.
Result<Settings> read_file(const CommandLine& line, const Environment& environment) {
  std::string path = line.config_file.empty() ? environment("NDB_CONFIG").value_or("") : line.config_file;
  if (path.empty()) return Settings{};
  return read_yaml_file(path);
}

Status check_hnsw(const Applied& applied) {
  if (applied.config.hnsw.ef_construction >= applied.config.hnsw.m) return {};
  return refuse(applied.origin("hnsw.ef_construct"), "hnsw.ef_construct",
                fmt::format("is {}, less than hnsw.m, {}", applied.config.hnsw.ef_construction, applied.config.hnsw.m));
}

Status resolve_collections(Applied& applied) {
  DaemonConfig& config = applied.config;
  for (const auto& entry : applied.collections) {
    CollectionConfig made{.dim = entry.dim.value_or(config.default_dim),
                          .distance = entry.distance.value_or(Distance::cosine),
                          .durability = entry.durability.value_or(config.durability),
                          .hnsw = {.m = entry.m.value_or(config.hnsw.m),
                                   .ef_construction = entry.ef_construct.value_or(config.hnsw.ef_construction),
                                   .ef_search = entry.ef_search.value_or(config.hnsw.ef_search),
                                   .quantization = entry.quantization.value_or(config.hnsw.quantization)},
                          .attributes = entry.attributes};
    const std::string place = fmt::format("collections[{}]", config.collections.size());
    if (const auto status = validate_collection_name(entry.name); !status)
      return refuse(entry.origin, place + ".name", status.error().message);
    if (const auto status = validate(made); !status)
      return refuse(entry.origin, place + "." + status.error().field, status.error().message);
    if (std::ranges::find(config.collections, entry.name, &CollectionSpec::name) != config.collections.end())
      return refuse(entry.origin, place + ".name", fmt::format("'{}' is given twice", entry.name));
    config.collections.push_back({entry.name, made});
  }
  return {};
}

Status check_tls(const Applied& applied) {
  const bool cert = !applied.config.tls_cert_file.empty();
  if (!cert && !applied.config.tls_client_ca_file.empty())
    return refuse(applied.origin("tls_client_ca_file"), "tls_client_ca_file", "needs tls_cert_file and tls_key_file as well");
  if (cert == !applied.config.tls_key_file.empty()) return {};
  const std::string key = cert ? "tls_cert_file" : "tls_key_file";
  return refuse(applied.origin(key), key, "needs the other of tls_cert_file and tls_key_file as well");
}

Result<std::string> checked_secret(std::string secret, const std::string& origin) {
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (secret.empty() || !std::ranges::all_of(secret, printable))
    return refuse(origin, "the API key", "must be visible ASCII characters without spaces, at least one");
  return secret;
}

/// A secret from its variable, else from its file. Its value is never part of a message.
Result<std::string> read_secret(const Environment& environment, const std::string& variable, const std::string& file) {
  if (const auto value = environment(variable)) return checked_secret(*value, variable);
  return file.empty() ? Result<std::string>("") : read_key_file(file);
}

std::string print(const Applied& applied) {
  std::vector<std::pair<std::string, std::string>> origins;
  for (const Key& key : keys()) origins.emplace_back(key.name, applied.origin(key.name));
  return print(applied.config, origins);
}

}  // namespace

Result<std::string> read_key_file(const std::string& file) {
  NDB_TRY_ASSIGN(const auto bytes, fs::read_file(fs::posix_file_system(), file, kMaxKeyFileBytes));
  std::string secret(base::as_text(bytes));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return checked_secret(std::move(secret), file);
}

std::unexpected<Error> refuse(const std::string& origin, const std::string& key, const std::string& why) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {} {}", origin, key, why), key);
}

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): before threads, see the header
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<Settings> read_environment(const Environment& environment) {
  Settings settings;
  for (const Key& key : keys()) {
    const auto value = environment(key.variable);
    if (!value || value->empty()) continue;  // an empty variable is how compose files spell "not set"
    if (key.form == Form::collections) {
      NDB_TRY_ASSIGN(settings.collections, parse_collections(*value, key.variable));
      settings.collections_origin = key.variable;
    } else {
      settings.values.push_back({key.name, *value, key.variable});
    }
  }
  return settings;
}

Result<std::vector<CollectionEntry>> parse_collections(const std::string& text, const std::string& origin) {
  std::vector<CollectionEntry> entries;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(',', start), text.size());
    const std::string one = text.substr(start, end - start);
    start = end + 1;
    CollectionEntry entry;
    entry.origin = origin;
    const auto colon = std::min(one.find(':'), one.size());
    entry.name = one.substr(0, colon);
    const std::string rest = colon < one.size() ? one.substr(colon + 1) : "";
    const auto second = std::min(rest.find(':'), rest.size());
    std::uint64_t dim = 0;
    if (colon < one.size()) {
      if (!parse_integer(std::string_view(rest).substr(0, second), 1, Limits::kMaxDim, dim))
        return refuse(origin, "collections", fmt::format("'{}' must be NAME[:DIM[:DISTANCE]], DIM from 1 to {}", one, Limits::kMaxDim));
      entry.dim = static_cast<std::uint32_t>(dim);
    }
    if (second < rest.size()) {
      entry.distance = distance_from_name(rest.substr(second + 1));
      if (!entry.distance)
        return refuse(origin, "collections", fmt::format("'{}': the distance must be one of cosine, dot, euclidean", one));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<Outcome> load(Role role, const std::vector<std::string>& args, const Environment& environment) {
  NDB_TRY_ASSIGN(auto line, read_flags(role, args));
  if (line.output) return Outcome{.config = defaults(role), .output = std::move(line.output)};
  Applied applied{.config = defaults(role), .origins = {}, .collections = {}};
  NDB_TRY_ASSIGN(auto from_file, read_file(line, environment));
  NDB_TRY(apply(std::move(from_file), applied));
  NDB_TRY_ASSIGN(auto from_environment, read_environment(environment));
  NDB_TRY(apply(std::move(from_environment), applied));
  NDB_TRY(apply(std::move(line.settings), applied));

  NDB_TRY(check_hnsw(applied));
  NDB_TRY(check_tls(applied));
  NDB_TRY(resolve_collections(applied));
  DaemonConfig& config = applied.config;
  if (!parse_listen(config.listen, config.host, config.port)) return refuse(applied.origin("listen"), "listen", "is wrong");
  NDB_TRY_ASSIGN(config.api_key, read_secret(environment, "NDB_API_KEY", config.api_key_file));
  NDB_TRY_ASSIGN(config.read_api_key, read_secret(environment, "NDB_READ_API_KEY", config.read_api_key_file));
  config.api_key_is_fixed = config.api_key_file.empty() || environment("NDB_API_KEY").has_value();
  config.read_api_key_is_fixed = config.read_api_key_file.empty() || environment("NDB_READ_API_KEY").has_value();
  Outcome outcome;
  if (line.print_config) outcome.output = print(applied);
  outcome.config = std::move(config);
  return outcome;
}

}  // namespace ndb::config
