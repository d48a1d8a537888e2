#include <fmt/format.h>

#include "shared/config/keys.hpp"
#include "shared/config/sources.hpp"
#include "shared/payload/json_text.hpp"

namespace ndb::config {
namespace {

/// YAML takes JSON's strings as they are.
std::string quoted(const std::string& text) {
  std::string out;
  payload::append_json_string(out, text);
  return out;
}

std::string print_collections(const std::vector<CollectionSpec>& collections, const std::string& origin) {
  if (collections.empty()) return fmt::format("collections: []  # {}\n", origin);
  std::string text = fmt::format("collections:  # {}\n", origin);
  for (const auto& [name, config] : collections)
    text += fmt::format(
        "  - {{name: {}, dim: {}, distance: {}, durability: {}, hnsw: {{m: {}, ef_construct: {}, ef_search: {}, quantization: {}}}, "
        "attributes: {{only: {}, never: {}}}}}\n",
        quoted(name), config.dim, distance_name(config.distance), durability_name(config.durability), config.hnsw.m,
        config.hnsw.ef_construction, config.hnsw.ef_search, quantization_name(config.hnsw.quantization),
        payload::json_list(config.attributes.only), payload::json_list(config.attributes.never));
  return text;
}

std::string comment_safe(std::string origin) {
  for (char& c : origin)
    if (static_cast<unsigned char>(c) < 0x20) c = '?';  // a file name must not end the comment
  return origin;
}

}  // namespace

std::string print(const DaemonConfig& config, const std::vector<std::pair<std::string, std::string>>& origins) {
  std::string text, section;
  for (const auto& [name, raw_origin] : origins) {
    const Key& key = *find_key(name);
    const std::string origin = comment_safe(raw_origin);
    if (key.form == Form::collections) {
      text += print_collections(config.collections, origin);
      continue;
    }
    const auto dot = name.find('.');
    const std::string own_section = dot == std::string::npos ? "" : name.substr(0, dot);
    if (own_section != section && !own_section.empty()) text += own_section + ":\n";
    section = own_section;
    const std::string value = key.quoted ? quoted(key.get(config)) : key.get(config);
    text += fmt::format("{}{}: {}  # {}\n", section.empty() ? "" : "  ", name.substr(dot + 1), value, origin);
  }
  text += fmt::format("# API key: {}; key for reading: {} (never shown)\n", config.api_key.empty() ? "none" : "set",
                      config.read_api_key.empty() ? "none" : "set");
  return text;
}

}  // namespace ndb::config
