// The two programs as processes: start, signals, exit codes, a reader that outlives its writers. What kill -9 must not
// lose is tested in tests/process.
#include <csignal>
#include <thread>

#include "ipc/http/client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/temporary_folder.hpp"

namespace ndb::http {
namespace {

using test::DaemonProcess;
using test::run_to_end;

const std::string kWriter = NDB_WRITER_BINARY;
const std::string kReader = NDB_READER_BINARY;

std::vector<std::string> arguments(const std::filesystem::path& folder) {
  return {"--data-dir", folder.string()};
}

std::string insert_body(int from, int count) {
  std::string body = R"({"documents":[)";
  for (int i = 0; i < count; ++i) {
    body += (i > 0 ? "," : "") + (R"({"id":"d)" + std::to_string(from + i)) + R"(","vector":[1,)" + std::to_string(i) +
            "]}";
  }
  return body + "]}";
}

// Asks until the answer has that status.
ClientResponse until_status(Client& client, const char* target, unsigned status) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  auto answer = client.request("GET", target);
  while ((!answer || answer->status != status) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    answer = client.request("GET", target);
  }
  REQUIRE(answer);
  INFO(answer->body);
  CHECK(answer->status == status);
  return *answer;
}

TEST_CASE("a daemon stops on SIGTERM and SIGINT with exit code 0, and what was written is there again") {
  const test::TemporaryFolder folder;
  {
    DaemonProcess writer(kWriter, arguments(folder.path()));
    Client client = writer.connect();
    REQUIRE(client.call("PUT", "/v1/collections/docs", R"({"dim":2})"));
    REQUIRE(client.call("POST", "/v1/collections/docs/documents", insert_body(0, 5)));
    CHECK(writer.stop(SIGTERM) == 0);
  }
  DaemonProcess writer(kWriter, arguments(folder.path()));
  CHECK(writer.connect().call("POST", "/v1/collections/docs/count")->body == R"({"count":5})");
  DaemonProcess reader(kReader, arguments(folder.path()));
  CHECK(reader.connect().call("POST", "/v1/collections/docs/count")->body == R"({"count":5})");
  CHECK(reader.stop(SIGINT) == 0);
  CHECK(writer.stop(SIGINT) == 0);
}

TEST_CASE("a wrong configuration ends with exit code 2, an address in use with 1, and both say why") {
  const test::TemporaryFolder folder;
  const auto unknown = run_to_end(kWriter, {"--no-such-flag"});
  CHECK(unknown.exit_code == 2);
  CHECK(unknown.output.find("no-such-flag") != std::string::npos);
  const auto exposed = run_to_end(kReader, {"--data-dir", folder.path().string(), "--listen", "0.0.0.0:0"});
  CHECK(exposed.exit_code == 2);
  CHECK(exposed.output.find("--insecure") != std::string::npos);
  const DaemonProcess first(kWriter, arguments(folder.path()));
  const std::string port = first.url().substr(first.url().rfind(':') + 1);
  const auto second = run_to_end(kWriter, {"--data-dir", (folder / "other").string(), "--listen", "127.0.0.1:" + port});
  CHECK(second.exit_code == 1);
  CHECK(second.output.find("in use") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder / "other"));
  CHECK(run_to_end(kReader, {"--help"}).exit_code == 0);
}

TEST_CASE("a search that takes long is logged with its plan, keys never are") {
  const test::TemporaryFolder folder;
  auto options = arguments(folder.path());
  options.insert(options.end(), {"--slow-query-ms", "1", "--log-level", "debug", "--log-format", "json"});
  DaemonProcess writer(kWriter, options, {"NDB_API_KEY=a-very-secret-key"});
  Client client = writer.connect();
  const Headers key{{"api-key", "a-very-secret-key"}};
  REQUIRE(client.request("PUT", "/v1/collections/docs", key, R"({"dim":2})")->status == 201);
  REQUIRE(client.request("POST", "/v1/collections/docs/documents", key, insert_body(0, 3'000))->status == 200);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string log;
  do {
    const auto answer = client.request("POST", "/v1/collections/docs/search", key,
                                       R"({"vector":[1,2],"top_k":3000,"with_vector":true,"filter":{"n":{"$exists":false}}})");
    REQUIRE(answer->status == 200);
    CHECK(answer->body.find("\"plan\"") == std::string::npos);  // nobody asked for it
    CHECK(client.request("GET", "/version", {{"api-key", "another-secret"}})->status == 401);
    log = writer.log();
  } while (log.find("slow search") == std::string::npos && std::chrono::steady_clock::now() < end);
  const std::size_t at = log.find("slow search collection=docs ");
  REQUIRE(at != std::string::npos);
  for (const char* part : {" plan=exact ", " top_k=3000 ", " distances=", " filter={", " trace_id="}) {
    INFO(part);
    CHECK(log.find(part, at) != std::string::npos);
  }
  CHECK(log.find("request method=POST target=/v1/collections/docs/search route=search status=200") != std::string::npos);
  CHECK(log.find("secret") == std::string::npos);
  CHECK(writer.stop(SIGTERM) == 0);
}

TEST_CASE("a reader survives kill -9 of the writer and follows the next one") {
  const test::TemporaryFolder folder;
  DaemonProcess reader(kReader, arguments(folder.path() / "data"));  // before the folder exists
  Client reading = reader.connect();
  until_status(reading, "/readyz", 503);
  std::string seq;
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    DaemonProcess writer(kWriter, arguments(folder.path() / "data"));
    Client writing = writer.connect();
    if (round == 0) REQUIRE(writing.call("PUT", "/v1/collections/docs", R"({"dim":2})"));
    const auto written = writing.call("POST", "/v1/collections/docs/documents", insert_body(round * 5, 5));
    REQUIRE(written);
    seq = written->body.substr(7, written->body.find(',') - 7);  // {"seq":N,
    const auto found = reading.call("POST", "/v1/collections/docs/search",
                                    R"({"vector":[1,2],"top_k":100,"timeout_ms":20000,"min_seq":)" + seq + "}");
    INFO((found ? "" : found.error().message));
    REQUIRE(found);
    CHECK(writer.stop(SIGKILL) == 128 + SIGKILL);
  }
  CHECK(reading.call("POST", "/v1/collections/docs/count")->body == R"({"count":15})");
  until_status(reading, "/readyz", 200);
  CHECK(reader.stop(SIGTERM) == 0);
}

}  // namespace
}  // namespace ndb::http
