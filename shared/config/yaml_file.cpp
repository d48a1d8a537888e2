#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "shared/base/result.hpp"
#include "shared/config/keys.hpp"
#include "shared/config/sources.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::config {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1ULL << 20;

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  /// A map at the top (prefix empty) or a section such as hnsw ("hnsw.").
  Status read_map(const YAML::Node& map, const std::string& prefix) {
    NDB_TRY(check_keys(map, prefix));
    for (const auto& member : map) {
      const std::string name = prefix + member.first.Scalar();
      const Key* key = find_key(name);
      if (key == nullptr && is_section(name)) {
        if (!member.second.IsMap()) return refuse(at(member.second), name, "must be a map of keys");
        NDB_TRY(read_map(member.second, name + "."));
      } else if (key == nullptr) {
        return refuse(at(member.first), name, "is no known key; --help and --print-config list them");
      } else if (key->form == Form::collections) {
        NDB_TRY(read_collections(member.second));
      } else {
        NDB_TRY_ASSIGN(auto text, scalar(member, name));
        settings_.values.push_back({name, std::move(text), at(member.second)});
      }
    }
    return {};
  }

  [[nodiscard]] Settings take() { return std::move(settings_); }
  [[nodiscard]] std::string at(const YAML::Node& node) const { return fmt::format("{}:{}", path_, node.Mark().line + 1); }

 private:
  static bool is_section(const std::string& name) {
    return std::ranges::any_of(keys(), [&](const Key& key) { return key.name.starts_with(name + "."); });
  }

  /// A missing value is reported where its key is: its own mark may be lines later.
  template <class Member>
  [[nodiscard]] Result<std::string> scalar(const Member& member, const std::string& name) const {
    const YAML::Node& node = member.second;
    if (node.IsNull()) return refuse(at(member.first), name, "has no value");
    if (!node.IsScalar()) return refuse(at(node), name, "must be a single value");
    return node.Scalar();
  }

  /// Keys are scalars, each given once.
  [[nodiscard]] Status check_keys(const YAML::Node& map, const std::string& prefix) const {
    std::set<std::string> seen;
    for (const auto& member : map) {
      if (!member.first.IsScalar()) return refuse(at(member.first), prefix, "has a key that is no plain name");
      if (!seen.insert(member.first.Scalar()).second)
        return refuse(at(member.first), prefix + member.first.Scalar(), "is given twice");
    }
    return {};
  }

  Status read_collections(const YAML::Node& list) {
    settings_.collections_origin = at(list);
    settings_.collections.emplace();
    if (!list.IsSequence()) return refuse(at(list), "collections", "must be a list, such as [{name: docs, dim: 768}]");
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string place = fmt::format("collections[{}]", i);
      if (!list[i].IsMap()) return refuse(at(list[i]), place, "must be a map such as {name: docs, dim: 768}");
      CollectionEntry entry;
      entry.origin = at(list[i]);
      NDB_TRY(read_collection(list[i], place, entry));
      settings_.collections->push_back(std::move(entry));
    }
    return {};
  }

  Status read_collection(const YAML::Node& map, const std::string& place, CollectionEntry& into) const {
    NDB_TRY(check_keys(map, place + "."));
    for (const auto& member : map) {
      const std::string name = member.first.Scalar();
      const std::string field = place + "." + name;
      if (name == "hnsw") {
        NDB_TRY(read_hnsw(member.second, field, into));
        continue;
      }
      if (name == "attributes") {
        NDB_TRY(read_attributes(member.second, field, into.attributes));
        continue;
      }
      NDB_TRY_ASSIGN(const auto text, scalar(member, field));
      if (name == "name") into.name = text;
      else if (name == "dim") NDB_TRY(read_integer(member.second, text, field, into.dim));
      else if (name == "distance") into.distance = distance_from_name(text);
      else if (name == "durability") into.durability = durability_from_name(text);
      else return refuse(at(member.first), field, "is no known key; there are name, dim, distance, durability, hnsw, attributes");
      if (name == "distance" && !into.distance)
        return refuse(at(member.second), field, "must be one of cosine, dot, euclidean");
      if (name == "durability" && !into.durability)
        return refuse(at(member.second), field, "must be one of buffered, sync");
    }
    return {};
  }

  Status read_hnsw(const YAML::Node& map, const std::string& place, CollectionEntry& into) const {
    if (!map.IsMap()) return refuse(at(map), place, "must be a map such as {m: 16, ef_construct: 200, ef_search: 64}");
    NDB_TRY(check_keys(map, place + "."));
    for (const auto& member : map) {
      const std::string name = member.first.Scalar();
      const std::string field = place + "." + name;
      NDB_TRY_ASSIGN(const auto text, scalar(member, field));
      if (name == "m") NDB_TRY(read_integer(member.second, text, field, into.m));
      else if (name == "ef_construct") NDB_TRY(read_integer(member.second, text, field, into.ef_construct));
      else if (name == "ef_search") NDB_TRY(read_integer(member.second, text, field, into.ef_search));
      else if (name == "quantization") into.quantization = quantization_from_name(text);
      else return refuse(at(member.first), field, "is no known key; there are m, ef_construct, ef_search, quantization");
      if (name == "quantization" && !into.quantization)
        return refuse(at(member.second), field, "must be one of auto, none, sq8, rabitq");
    }
    return {};
  }

  Status read_attributes(const YAML::Node& map, const std::string& place, AttributeConfig& into) const {
    if (!map.IsMap()) return refuse(at(map), place, "must be a map such as {only: [source, year], never: [text]}");
    NDB_TRY(check_keys(map, place + "."));
    for (const auto& member : map) {
      const std::string name = member.first.Scalar();
      const std::string field = place + "." + name;
      if (name != "only" && name != "never") return refuse(at(member.first), field, "is no known key; there are only, never");
      if (!member.second.IsSequence()) return refuse(at(member.second), field, "must be a list of fields");
      for (const auto& one : member.second) {
        if (!one.IsScalar()) return refuse(at(one), field, "must be a list of fields");
        (name == "only" ? into.only : into.never).push_back(one.Scalar());
      }
    }
    return {};
  }

  Status read_integer(const YAML::Node& node, const std::string& text, const std::string& field,
                      std::optional<std::uint32_t>& into) const {
    std::uint64_t value = 0;
    if (!parse_integer(text, 0, UINT32_MAX, value))
      return refuse(at(node), field, fmt::format("must be a whole number, not '{}'", text));
    into = static_cast<std::uint32_t>(value);
    return {};
  }

  std::string path_;
  Settings settings_;
};

}  // namespace

Result<Settings> read_yaml_file(const std::string& path) {
  NDB_TRY_ASSIGN(const auto bytes, fs::read_file(fs::posix_file_system(), path, kMaxFileBytes));
  Reader reader(path);
  try {
    const YAML::Node root = YAML::Load(std::string(base::as_text(bytes)));
    if (root.IsNull()) return Settings{};
    if (!root.IsMap()) return refuse(reader.at(root), "the file", "must be a map of keys");
    NDB_TRY(reader.read_map(root, ""));
  } catch (const YAML::Exception& error) {
    return refuse(fmt::format("{}:{}", path, error.mark.line + 1), "the file", "is no valid YAML: " + error.msg);
  }
  return reader.take();
}

}  // namespace ndb::config
