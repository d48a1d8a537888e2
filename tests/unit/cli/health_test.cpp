#include <chrono>
#include <thread>

#include "shared/config/daemon_config.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/tls_identity.hpp"
#include "tests/unit/cli/tool.hpp"

namespace ndb::cli {
namespace {

using Variables = std::map<std::string, std::string>;

// Beyond loopback, with a key and, if wanted, a certificate that it also asks its clients for.
http::Daemon start_daemon(config::Role role, const std::string& data_dir, const test::Identity* identity = nullptr) {
  config::DaemonConfig config;
  config.data_dir = data_dir;
  config.host = "127.0.0.1";
  config.listen = "127.0.0.1:0";
  config.api_key = "secret";
  config.log_level = base::LogLevel::error;
  if (identity != nullptr) {
    config.tls_cert_file = config.tls_client_ca_file = identity->certificate;
    config.tls_key_file = identity->key;
  }
  auto daemon = http::Daemon::start(role, config);
  if (!daemon) FAIL(daemon.error().message);
  return std::move(*daemon);
}

std::string everywhere(const http::Daemon& daemon) { return "0.0.0.0:" + std::to_string(daemon.port()); }

// The writer opens its collections in the background.
tool::Answer once_ready(const std::vector<std::string>& words, const Variables& variables = {}) {
  tool::Answer answer = tool::Tool::call(words, variables);
  for (int i = 0; i < 2000 && answer.code != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    answer = tool::Tool::call(words, variables);
  }
  return answer;
}

TEST_CASE("a daemon is asked at the port that its own environment names, without a key") {
  const test::TempFolder folder;
  auto daemon = start_daemon(config::Role::writer, folder.path() / "data");
  const Variables variables{{"NDB_LISTEN", everywhere(daemon)}, {"NDB_DATA_DIR", "/data"}};
  const auto answer = once_ready({"health"}, variables);
  INFO(answer.err);
  CHECK(answer.code == 0);
  CHECK(answer.out == daemon.url() + "/readyz: ok\n");
  CHECK(tool::Tool::call({"health", "--live"}, variables).out == daemon.url() + "/healthz: ok\n");
  CHECK(tool::Tool::call({"health", "--url", daemon.url()}).code == 0);
  CHECK(daemon.stop());
  const auto gone = tool::Tool::call({"health"}, variables);
  CHECK(gone.code == 1);
  CHECK_FALSE(gone.err.empty());
}

TEST_CASE("what is alive but not ready says why, and fails only when it is asked whether it is ready") {
  const test::TempFolder folder;
  auto daemon = start_daemon(config::Role::reader, folder.path() / "not there yet");
  const auto ready = tool::Tool::call({"health", "--url", daemon.url()});
  CHECK(ready.code == 1);
  CHECK(ready.err.find("/readyz answers 503: ") != std::string::npos);
  CHECK(ready.err.find("not there yet") != std::string::npos);
  const auto json = tool::Tool::call({"health", "--json", "--url", daemon.url()});
  CHECK(json.code == 1);
  CHECK(json.json().at("status") == "not_ready");
  CHECK(tool::Tool::call({"health", "--live", "--url", daemon.url()}).code == 0);
}

TEST_CASE("a daemon with TLS that asks for certificates is shown its own") {
  const test::TempFolder folder;
  const auto identity = test::make_identity(folder.path());
  auto daemon = start_daemon(config::Role::writer, folder.path() / "data", &identity);
  const auto answer = once_ready({"health"}, {{"NDB_LISTEN", everywhere(daemon)},
                                              {"NDB_TLS_CERT_FILE", identity.certificate},
                                              {"NDB_TLS_KEY_FILE", identity.key}});
  INFO(answer.err);
  CHECK(answer.code == 0);
  CHECK(tool::Tool::call({"health", "--live"}, {{"NDB_LISTEN", everywhere(daemon)}}).code == 1);  // plain text to a TLS port
}

}  // namespace
}  // namespace ndb::cli
