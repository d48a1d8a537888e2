// Keys and certificates that are renewed while a daemon runs.
#include <fstream>
#include <thread>

#include "bindings/http/daemon.hpp"
#include "bindings/http/file_watch.hpp"
#include "ipc/http/client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tls_identity.hpp"

namespace ndb::http {
namespace {

using config::DaemonConfig;
using config::Role;

void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path) << text;
}

DaemonConfig config_for(const std::filesystem::path& folder) {
  DaemonConfig config;
  config.data_dir = (folder / "data").string();
  config.listen = "127.0.0.1:0";
  config.host = "127.0.0.1";
  config.drain_timeout_s = 1;
  return config;
}

template <class Condition>
bool comes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

TEST_CASE("a watched file is noticed when it is replaced, vanishes, or its link leads elsewhere") {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "a";
  write_file(file, "one");
  FileWatch watch({file.string(), ""});
  CHECK(watch.changed());  // never asked before
  CHECK_FALSE(watch.changed());
  write_file(folder.path() / "b", "two");
  std::filesystem::rename(folder.path() / "b", file);
  CHECK(watch.changed());
  CHECK_FALSE(watch.changed());
  std::filesystem::remove(file);
  CHECK(watch.changed());
  write_file(folder.path() / "v1", "x");
  write_file(folder.path() / "v2", "y");
  std::filesystem::create_symlink("v1", file);
  CHECK(watch.changed());
  std::filesystem::create_symlink("v2", folder.path() / "next");
  std::filesystem::rename(folder.path() / "next", file);
  CHECK(watch.changed());
  CHECK_FALSE(watch.changed());
  CHECK_FALSE(FileWatch({"", ""}).changed());
}

TEST_CASE("keys in files are taken over when the files change, and stay when what is there is no key") {
  const test::TemporaryFolder folder;
  const auto full = folder.path() / "key";
  const auto reading = folder.path() / "read-key";
  write_file(full, "first\n");
  write_file(reading, "reading\n");
  DaemonConfig config = config_for(folder.path());
  config.api_key_file = full.string();
  config.read_api_key_file = reading.string();
  config.api_key = *config::read_key_file(config.api_key_file);
  config.read_api_key = *config::read_key_file(config.read_api_key_file);
  auto daemon = Daemon::start(Role::writer, config);
  REQUIRE(daemon);
  auto client = Client::create(daemon->url());
  const auto status = [&](const char* key) {
    const auto answer = client->request("GET", "/v1/collections", {{"api-key", key}});
    return answer ? answer->status : 0U;
  };
  CHECK(status("first") == 200);
  CHECK(status("second") == 401);
  write_file(full, "second\n");
  CHECK(comes_true([&] { return status("second") == 200; }));
  CHECK(status("first") == 401);
  CHECK(status("reading") == 200);
  write_file(full, "not a key\n");
  write_file(reading, "reading2\n");
  std::filesystem::remove(full);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(status("second") == 200);
  write_file(full, "third\n");
  CHECK(comes_true([&] { return status("third") == 200; }));
  CHECK(status("reading2") == 200);
  CHECK(status("reading") == 401);
}

TEST_CASE("a certificate that is renewed on disk is shown to new connections") {
  const test::TemporaryFolder folder;
  const auto identity = test::make_identity(folder.path());
  DaemonConfig config = config_for(folder.path());
  config.tls_cert_file = identity.certificate;
  config.tls_key_file = identity.key;
  auto daemon = Daemon::start(Role::writer, config);
  REQUIRE(daemon);
  CHECK(daemon->url().starts_with("https://"));
  const auto trusted = [&] {
    ClientOptions options;
    options.ca_file = identity.certificate;
    return Client::connect(daemon->url(), options).has_value();
  };
  REQUIRE(trusted());
  test::make_identity(folder.path());
  CHECK(comes_true(trusted));
}

TEST_CASE("a reader forwards over TLS, and shows its own certificate to a writer that asks for one") {
  const test::TemporaryFolder folder;
  const auto identity = test::make_identity(folder.path());
  DaemonConfig config = config_for(folder.path());
  config.tls_cert_file = identity.certificate;
  config.tls_key_file = identity.key;
  config.tls_client_ca_file = identity.certificate;
  auto writer = Daemon::start(Role::writer, config);
  REQUIRE(writer);
  config.writer_url = writer->url();
  config.writer_ca_file = identity.certificate;
  config.tls_client_ca_file = "";
  auto reader = Daemon::start(Role::reader, config);
  REQUIRE(reader);
  ClientOptions options;
  options.ca_file = identity.certificate;
  auto client = Client::create(reader->url(), options);
  const auto made = client->call("PUT", "/v1/collections/docs", R"({"dim":2})");
  INFO((made ? "" : made.error().message));
  CHECK(made);
  CHECK_FALSE(Client::create(writer->url(), options)->request("GET", "/healthz"));
}

TEST_CASE("metrics ask for a key unless they are told not to") {
  const test::TemporaryFolder folder;
  DaemonConfig config = config_for(folder.path());
  config.api_key = "full";
  for (const bool open : {false, true}) {
    config.metrics_without_key = open;
    const auto daemon = Daemon::start(Role::writer, config);
    REQUIRE(daemon);
    CHECK(Client::create(daemon->url())->request("GET", "/metrics")->status == (open ? 200U : 401U));
    CHECK(Client::create(daemon->url())->request("GET", "/version")->status == 401);
  }
}

}  // namespace
}  // namespace ndb::http
