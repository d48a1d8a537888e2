// Where settings come from, before they are checked: each source yields (key, text, origin). Threads: plain functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/config/daemon_config.hpp"

namespace ndb::config {

/// One setting as it was found.
struct Setting {
  std::string key;     ///< Key::name
  std::string text;
  std::string origin;  ///< "--listen", "NDB_LISTEN", "ndb.yaml:3"
};

/// A collection as it was written; what is absent comes from the rest of the configuration.
struct CollectionEntry {
  std::string name;
  std::optional<std::uint32_t> dim;
  std::optional<Distance> distance;
  std::optional<Durability> durability;
  std::optional<std::uint32_t> m, ef_construct, ef_search;
  std::optional<Quantization> quantization;
  AttributeConfig attributes;
  std::string origin;
};

struct Settings {
  std::vector<Setting> values;
  std::optional<std::vector<CollectionEntry>> collections;
  std::string collections_origin;
};

/// What the command line holds besides settings.
struct CommandLine {
  Settings settings;
  std::string config_file;            ///< --config; empty if not given
  bool print_config = false;
  std::optional<std::string> output;  ///< the answer to --help or --version
};

[[nodiscard]] Result<CommandLine> read_flags(Role role, const std::vector<std::string>& args);
[[nodiscard]] Result<Settings> read_environment(const Environment& environment);
[[nodiscard]] Result<Settings> read_yaml_file(const std::string& path);

/// "name:dim:distance,name,…"
[[nodiscard]] Result<std::vector<CollectionEntry>> parse_collections(const std::string& text, const std::string& origin);

/// The configuration as YAML with every value's origin as a comment; no secrets. `origins` is by key name.
[[nodiscard]] std::string print(const DaemonConfig& config, const std::vector<std::pair<std::string, std::string>>& origins);

/// "<origin>: <key> must be …": invalid_argument with `key` as its field.
[[nodiscard]] std::unexpected<Error> refuse(const std::string& origin, const std::string& key, const std::string& why);

}  // namespace ndb::config
