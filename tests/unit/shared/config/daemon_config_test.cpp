#include "shared/config/daemon_config.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "shared/config/keys.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;
using config::Role;

namespace {

using Variables = std::map<std::string, std::string>;

Result<config::Outcome> load(std::vector<std::string> args, Variables variables = {}, Role role = Role::writer) {
  return config::load(role, args, [=](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

config::DaemonConfig loaded(std::vector<std::string> args, Variables variables = {}, Role role = Role::writer) {
  const auto outcome = load(std::move(args), std::move(variables), role);
  if (!outcome) FAIL(outcome.error().message);
  REQUIRE_FALSE(outcome->output);
  return outcome->config;
}

/// A file that is gone after the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    static int count = 0;
    path_ = (std::filesystem::temp_directory_path() /
             ("ndb-config-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".yaml"))
                .string();
    std::ofstream(path_, std::ios::binary) << content;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Loads a file and returns the message, with the file's name shortened to F.
std::string yaml_error(const std::string& content) {
  const TemporaryFile file(content);
  const auto outcome = load({"--config", file.path()});
  if (outcome) return "";
  CHECK(outcome.error().code == ErrorCode::invalid_argument);
  std::string message = outcome.error().message;
  if (const auto at = message.find(file.path()); at != std::string::npos) message.replace(at, file.path().size(), "F");
  return message;
}

}  // namespace

TEST_CASE("without settings the defaults hold and differ by role only in the port") {
  const auto writer = loaded({});
  CHECK(writer.data_dir == "./data");
  CHECK(writer.listen == "127.0.0.1:7700");
  CHECK(writer.host == "127.0.0.1");
  CHECK(writer.port == 7700);
  CHECK(writer.default_dim == 768);
  CHECK(writer.durability == Durability::buffered);
  CHECK(writer.hnsw == HnswConfig{});
  CHECK(loaded({}, {}, Role::reader).listen == "127.0.0.1:7701");
}

TEST_CASE("flags win over variables, variables over the file, the file over defaults") {
  const TemporaryFile file("listen: 127.0.0.1:1\ndefault_dim: 11\ndurability: sync\nhnsw: {m: 8, ef_search: 33}\n");
  const Variables variables{{"NDB_CONFIG", file.path()}, {"NDB_LISTEN", "127.0.0.1:2"}, {"NDB_DEFAULT_DIM", "22"}};
  const auto config = loaded({"--listen", "127.0.0.1:3"}, variables);
  CHECK(config.port == 3);
  CHECK(config.default_dim == 22);
  CHECK(config.durability == Durability::sync);
  CHECK(config.hnsw.m == 8);
  CHECK(config.hnsw.ef_construction == 200);
  CHECK(config.hnsw.ef_search == 33);
  const TemporaryFile other("default_dim: 5\n");
  CHECK(loaded({"--config", other.path()}, {{"NDB_CONFIG", file.path()}}).default_dim == 5);
}

TEST_CASE("the names that the contract fixes are there") {
  const auto by_variable = loaded({}, {{"NDB_DATA_DIR", "/d"}, {"NDB_LISTEN", "0.0.0.0:1"}, {"NDB_DEFAULT_DIM", "3"},
                                       {"NDB_DURABILITY", "sync"}, {"NDB_HNSW_M", "5"}, {"NDB_HNSW_EF", "77"}});
  CHECK(by_variable.data_dir == "/d");
  CHECK(by_variable.host == "0.0.0.0");
  CHECK(by_variable.default_dim == 3);
  CHECK(by_variable.durability == Durability::sync);
  CHECK(by_variable.hnsw.m == 5);
  CHECK(by_variable.hnsw.ef_search == 77);
  const auto by_flag = loaded({"--data-dir=/e", "--listen", "[::1]:0", "--writer-url", "http://w:7700", "--insecure"}, {},
                              Role::reader);
  CHECK(by_flag.data_dir == "/e");
  CHECK(by_flag.host == "::1");
  CHECK(by_flag.port == 0);
  CHECK(by_flag.writer_url == "http://w:7700");
  CHECK(by_flag.insecure);
  CHECK_FALSE(loaded({"--shared-memory=false"}).shared_memory);
  CHECK(loaded({"--hnsw-ef", "9", "--hnsw-ef=10"}).hnsw.ef_search == 10);
}

TEST_CASE("settings that are true or false can be given in every usual way, and the last one wins") {
  for (const std::vector<std::string>& off : std::vector<std::vector<std::string>>{
           {"--no-shared-memory"}, {"--shared-memory=false"}, {"--shared-memory", "false"}, {"--shared-memory", "0"},
           {"--shared-memory", "--no-shared-memory"}, {"--shared-memory", "true", "--shared-memory", "false", "--insecure"}})
    CHECK_FALSE(loaded(off).shared_memory);
  for (const std::vector<std::string>& on : std::vector<std::vector<std::string>>{
           {"--insecure"}, {"--insecure=true"}, {"--insecure", "true"}, {"--insecure", "1"}, {"--no-insecure", "--insecure"}})
    CHECK(loaded(on).insecure);
  CHECK(loaded({"--insecure", "--listen", "127.0.0.1:5"}).port == 5);
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"--insecure", "maybe"}, {"--insecure=maybe"}, {"--no-insecure=true"}, {"--no-listen"}, {"--no-insecure", "true"}})
    CHECK(load(wrong).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("every key has a variable, a flag and a YAML key that set it") {
  for (const auto& key : config::keys()) {
    CAPTURE(key.name);
    CHECK(key.variable.starts_with("NDB_"));
    CHECK(key.flags.starts_with("--"));
    if (key.form == config::Form::collections) continue;
    // A value that is not the default but allowed.
    const auto standard = config::defaults(Role::writer);
    std::string value;
    for (const char* candidate : {"127.0.0.1:9", "http://x:1", "/x", "2000", "17", "sync", "json", "warn", "sq8", "true", "false"}) {
      auto changed = standard;
      if (key.set(changed, candidate) && key.get(changed) != key.get(standard)) {
        value = candidate;
        break;
      }
    }
    REQUIRE_FALSE(value.empty());
    const std::string flag = key.flags.substr(0, key.flags.find(','));
    const auto dot = key.name.find('.');
    const std::string yaml = dot == std::string::npos
                                 ? key.name + ": \"" + value + "\"\n"
                                 : key.name.substr(0, dot) + ": {" + key.name.substr(dot + 1) + ": " + value + "}\n";
    const TemporaryFile file(yaml);
    const std::string others = std::string(key.name == "tls_cert_file" ? "" : "tls_cert_file: c\n") +
                               (key.name == "tls_key_file" ? "" : "tls_key_file: k\n");
    const TemporaryFile tls_pair(others);
    Variables base;
    if (key.name.starts_with("tls_")) base["NDB_CONFIG"] = tls_pair.path();
    if (key.name.ends_with("api_key_file")) base = {{"NDB_API_KEY", "k"}, {"NDB_READ_API_KEY", "k"}};
    CHECK(key.get(loaded({flag + "=" + value}, base)) == value);
    auto with = base;
    with[key.variable] = value;
    CHECK(key.get(loaded({}, with)) == value);
    if (!key.name.starts_with("tls_")) CHECK(key.get(loaded({"--config", file.path()}, base)) == value);
  }
}

TEST_CASE("a bad value is refused with its key, its origin and what is allowed") {
  const auto error = [](std::vector<std::string> args, Variables variables = {}) {
    const auto outcome = load(std::move(args), std::move(variables));
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == ErrorCode::invalid_argument);
    return outcome.error().message;
  };
  CHECK(error({"--default-dim", "0"}) == "--default-dim: default_dim must be a whole number from 1 to 65536, not '0'");
  CHECK(error({}, {{"NDB_DEFAULT_DIM", "7x"}}) ==
        "NDB_DEFAULT_DIM: default_dim must be a whole number from 1 to 65536, not '7x'");
  CHECK(error({"--durability=fsync"}) == "--durability: durability must be one of buffered, sync, not 'fsync'");
  for (const char* bad : {"7700", ":7700", "localhost:", "localhost:70000", "::1:7700", "[::1]", "a b:1", "[]:1", "h:-1"}) {
    CAPTURE(bad);
    CHECK(error({std::string("--listen=") + bad}).starts_with("--listen: listen must be HOST:PORT"));
  }
  CHECK(error({}, {{"NDB_HNSW_M", "300"}}).starts_with("NDB_HNSW_M: hnsw.m must be a whole number from 2 to 128"));
  CHECK(error({"--hnsw-m=64"}, {{"NDB_HNSW_EF_CONSTRUCT", "32"}}) ==
        "NDB_HNSW_EF_CONSTRUCT: hnsw.ef_construct is 32, less than hnsw.m, 64");
  CHECK(error({"--writer-url", "w:7700"}).starts_with("--writer-url: writer_url must be http://"));
  CHECK(error({"--tls-cert-file", "c"}).starts_with("--tls-cert-file: tls_cert_file needs"));
  CHECK(error({"--nonsense"}).find("--nonsense") != std::string::npos);
  CHECK(error({"--insecure=maybe"}).find("insecure") != std::string::npos);
  CHECK(error({"stray"}).find("stray") != std::string::npos);
  const auto missing = load({"--config", "/nonexistent/ndb.yaml"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
}

TEST_CASE("what is wrong in the file is refused with its line") {
  CHECK(yaml_error("data_dir: x\n\nnonsense: 1\n").starts_with("F:3: nonsense is no known key"));
  CHECK(yaml_error("hnsw:\n  m: 16\n  efs: 3\n").starts_with("F:3: hnsw.efs is no known key"));
  CHECK(yaml_error("hnsw: 3\n") == "F:1: hnsw must be a map of keys");
  CHECK(yaml_error("a: b: c\n").starts_with("F:1: the file is no valid YAML"));
  CHECK(yaml_error("- a\n").starts_with("F:1: the file must be a map"));
  CHECK(yaml_error("listen: [a]\n") == "F:1: listen must be a single value");
  CHECK(yaml_error("listen:\n") == "F:1: listen has no value");
  CHECK(yaml_error("default_dim: 1\ndefault_dim: 2\n") == "F:2: default_dim is given twice");
  CHECK(yaml_error("\ndefault_dim: 1e3\n").starts_with("F:2: default_dim must be a whole number"));
  CHECK(yaml_error("collections: {}\n").starts_with("F:1: collections must be a list"));
  CHECK(yaml_error("collections:\n  - a\n").starts_with("F:2: collections[0] must be a map"));
  CHECK(yaml_error("collections:\n  - {name: a, dims: 3}\n").starts_with("F:2: collections[0].dims is no known key"));
  CHECK(yaml_error("collections:\n  - {name: a}\n  - {name: a/b}\n").starts_with("F:3: collections[1].name "));
  CHECK(yaml_error("collections:\n  - {name: a}\n  - {name: a}\n") == "F:3: collections[1].name 'a' is given twice");
  CHECK(yaml_error("collections:\n  - {name: a, dim: 0}\n").starts_with("F:2: collections[0].dim "));
  CHECK(yaml_error("collections:\n  - {name: a, distance: l2}\n").starts_with("F:2: collections[0].distance must be"));
  CHECK(yaml_error("collections:\n  - name: a\n    attributes: {some: [x]}\n").starts_with("F:3: collections[0].attributes.some is no known key"));
  CHECK(yaml_error("collections:\n  - name: a\n    attributes: {only: x}\n").starts_with("F:3: collections[0].attributes.only must be a list"));
  CHECK(yaml_error("collections:\n  - {name: a, dim: 2, attributes: {never: [a..b]}}\n").starts_with("F:2: collections[0].attributes.never[0] "));
  CHECK(yaml_error("collections:\n  - name: a\n    hnsw: {m: 1}\n").starts_with("F:2: collections[0].hnsw.m "));
  CHECK(yaml_error("api_key: secret\n").starts_with("F:1: api_key is no known key"));
  CHECK(yaml_error("") == "");
}

TEST_CASE("collections take what they do not say from the rest, and a later source replaces the list") {
  const TemporaryFile file(
      "default_dim: 5\ndurability: sync\nhnsw: {m: 9}\ncollections:\n"
      "  - {name: a}\n  - {name: b, dim: 7, distance: dot, durability: buffered, hnsw: {ef_search: 12}, attributes: {only: [a, b.c], never: [text]}}\n");
  const auto config = loaded({"--config", file.path()});
  REQUIRE(config.collections.size() == 2);
  CHECK(config.collections[0].config ==
        CollectionConfig{.dim = 5, .durability = Durability::sync, .hnsw = {.m = 9}});
  CHECK(config.collections[1] ==
        config::CollectionSpec{"b", {.dim = 7, .distance = Distance::dot, .hnsw = {.m = 9, .ef_search = 12}, .attributes = {.only = {"a", "b.c"}, .never = {"text"}}}});
  const auto replaced = loaded({"--config", file.path()}, {{"NDB_COLLECTIONS", "x,y:3,z:4:euclidean"}});
  REQUIRE(replaced.collections.size() == 3);
  CHECK(replaced.collections[0].config.dim == 5);
  CHECK(replaced.collections[1].config.dim == 3);
  CHECK(replaced.collections[2].config.distance == Distance::euclidean);
  CHECK(loaded({"--collection", "p:1", "--collection", "q:2"}).collections.size() == 2);
  for (const char* bad : {"x:", "x:0", "x:3:l2", ",", "a b", "x:3:dot:1"}) {
    CAPTURE(bad);
    CHECK_FALSE(load({std::string("--collection=") + bad}));
  }
}

TEST_CASE("what is printed is YAML that loads to the same, names origins and never shows a key") {
  const TemporaryFile file("default_dim: 5\ncollections: [{name: a, distance: dot}]\n");
  const Variables variables{{"NDB_API_KEY", "top-secret"}, {"NDB_DATA_DIR", "/a \"b\"\\c: #d"}, {"NDB_CONFIG", file.path()}};
  const auto printed = load({"--print-config", "--hnsw-ef", "99"}, variables);
  REQUIRE(printed);
  REQUIRE(printed->output);
  const std::string& text = *printed->output;
  CAPTURE(text);
  CHECK(text.find("top-secret") == std::string::npos);
  CHECK(text.find("ef_search: 99  # --hnsw-ef\n") != std::string::npos);
  CHECK(text.find("# NDB_DATA_DIR\n") != std::string::npos);
  CHECK(text.find("default_dim: 5  # " + file.path() + ":1\n") != std::string::npos);
  CHECK(text.find("durability: buffered  # default\n") != std::string::npos);
  const TemporaryFile again(text);
  const auto config = loaded({"--config", again.path()});
  for (const auto& key : config::keys())
    if (key.get) CHECK(key.get(config) == key.get(printed->config));
  CHECK(config.collections == printed->config.collections);
}

TEST_CASE("API keys come from the environment or a file") {
  CHECK(loaded({}, {{"NDB_API_KEY", "k1"}, {"NDB_READ_API_KEY", "k2"}}).read_api_key == "k2");
  const TemporaryFile file("from-file\n");
  CHECK(loaded({}, {{"NDB_API_KEY_FILE", file.path()}}).api_key == "from-file");
  CHECK(loaded({"--api-key-file", file.path()}, {{"NDB_API_KEY", "env"}}).api_key == "env");
  const auto empty = load({}, {{"NDB_API_KEY", ""}});
  REQUIRE_FALSE(empty);
  CHECK(empty.error().message.starts_with("NDB_API_KEY: the API key must be"));
  const auto bad = load({}, {{"NDB_API_KEY", "sec ret"}});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message.find("sec ret") == std::string::npos);
}

TEST_CASE("help names every flag and variable, and the version is one line") {
  const auto help = load({"--help"}).value().output.value();
  for (const auto& key : config::keys()) {
    CAPTURE(key.name);
    CHECK(help.find(key.flags.substr(0, key.flags.find(','))) != std::string::npos);
    CHECK(help.find(key.variable) != std::string::npos);
  }
  CHECK(load({"--version"}).value().output.value().starts_with("ndb-writer "));
  CHECK(load({"--version"}, {}, Role::reader).value().output.value().starts_with("ndb-reader "));
}

TEST_CASE("loopback is recognized by the address, not by its beginning") {
  for (const char* yes : {"localhost", "127.0.0.1", "127.9.9.9", "::1"}) CHECK(config::is_loopback(yes));
  for (const char* no : {"0.0.0.0", "::", "192.168.0.1", "127.example.com", "localhost.example.com", ""})
    CHECK_FALSE(config::is_loopback(no));
}
