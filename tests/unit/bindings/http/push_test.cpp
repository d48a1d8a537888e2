// Readers on other hosts, as far as one process can play them: without shared memory, and polling so seldom that only what is pushed can
// make them fresh in time.
#include <fmt/format.h>

#include <thread>

#include "bindings/http/daemon.hpp"
#include "bindings/http/push/pushed_log.hpp"
#include "ipc/http/client.hpp"
#include "ndb/ndb.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/must.hpp"
#include "tests/support/temporary_folder.hpp"

namespace ndb::http {
namespace {

using config::DaemonConfig;
using config::Role;
using test::must;

constexpr format::WalName kFile{Epoch{1}, 0}, kNext{Epoch{1}, 1};

std::string read_text(PushedLog& log, format::WalName file, std::uint64_t offset, std::size_t most = 100) {
  std::string text(most, '\0');
  text.resize(log.read(file, offset, std::as_writable_bytes(std::span(text))));
  return text;
}

DaemonConfig config_for(const std::filesystem::path& data, std::uint16_t port = 0) {
  DaemonConfig config;
  config.data_dir = data.string();
  config.listen = fmt::format("127.0.0.1:{}", port);
  config.host = "127.0.0.1";
  config.port = port;
  config.drain_timeout_s = 5;
  return config;
}

Daemon start_writer(const std::filesystem::path& data, std::uint16_t port = 0) { return must(Daemon::start(Role::writer, config_for(data, port))); }

Daemon start_reader(const std::filesystem::path& data, const std::string& writer_url, const std::string& key = "") {
  auto config = config_for(data);
  config.shared_memory = false;
  config.poll_interval_ms = 60'000;
  config.writer_url = writer_url;
  config.api_key = key;
  return must(Daemon::start(Role::reader, config));
}

bool comes_true(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(40);  // less than a poll
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

/// Writes through one daemon, and looks whether it can be read through another.
class Pair {
 public:
  Pair(const Daemon& writer, const Daemon& reader) : writer_(must(Client::create(writer.url()))), reader_(must(Client::create(reader.url()))) {}

  void create() { must(writer_.call("PUT", "/v1/collections/docs", R"({"dim":2})")); }
  void insert(int from, int count) {
    std::string documents;
    for (int i = from; i < from + count; ++i) documents += fmt::format(R"({}{{"id":"d{}","vector":[1,{}]}})", i == from ? "" : ",", i, i + 1);
    must(writer_.call("POST", "/v1/collections/docs/documents", fmt::format(R"({{"documents":[{}]}})", documents)));
  }
  void flush() { must(writer_.call("POST", "/v1/collections/docs/flush?wait=true")); }
  bool reads(int count) {
    return comes_true([&] {
      const auto answer = reader_.call("POST", "/v1/collections/docs/count", "{}");
      return answer && answer->body == fmt::format(R"({{"count":{}}})", count);
    });
  }

 private:
  Client writer_, reader_;
};

TEST_CASE("what was pushed is kept in one piece until it is read, and no more than so much") {
  PushedLog log;
  CHECK(read_text(log, kFile, 0).empty());
  log.add(kFile, 64, base::as_bytes("abcdef"));
  CHECK(read_text(log, kFile, 64) == "abcdef");
  CHECK(read_text(log, kFile, 66, 2) == "cd");
  CHECK(read_text(log, kFile, 63).empty());
  CHECK(read_text(log, kFile, 70).empty());
  log.add(kFile, 68, base::as_bytes("efgh"));  // two of them are known
  CHECK(read_text(log, kFile, 64) == "abcdefgh");
  log.add(kFile, 64, base::as_bytes("ab"));
  CHECK(read_text(log, kFile, 64) == "abcdefgh");
  log.add(kFile, 100, base::as_bytes("far"));  // a gap: only what is behind it is kept
  CHECK(read_text(log, kFile, 64).empty());
  CHECK(read_text(log, kFile, 100) == "far");
  log.add(kNext, 0, base::as_bytes("next"));
  CHECK(read_text(log, kFile, 100) == "far");
  CHECK(read_text(log, kNext, 0) == "next");
  CHECK(read_text(log, kFile, 100).empty());  // whoever reads a file is done with those before

  const std::string large(PushedLog::kMostBytes / 4, 'x');
  std::uint64_t offset = 4;
  for (int i = 0; i < 3; ++i, offset += large.size()) log.add(kNext, offset, base::as_bytes(large));
  CHECK(read_text(log, kNext, offset - 1) == "x");
  CHECK(read_text(log, kNext, 0).empty());  // far before what is read
  for (int i = 0; i < 5; ++i, offset += large.size()) log.add(kNext, offset, base::as_bytes(large));
  log.add(kNext, offset, base::as_bytes("end"));
  CHECK(read_text(log, kNext, offset) == "end");
}

TEST_CASE("a reader that is pushed to shows what was written long before it would have polled, through flushes and a new writer") {
  const test::TemporaryFolder folder;
  auto writer = std::make_optional(start_writer(folder.path() / "data"));
  const auto reader = start_reader(folder.path() / "data", writer->url());
  Pair pair(*writer, reader);
  pair.create();
  int written = 0;
  for (int round = 0; round < 12; ++round) {
    CAPTURE(round);
    pair.insert(written, 1 + round * 7);
    written += 1 + round * 7;
    REQUIRE(pair.reads(written));
    if (round % 3 == 2) pair.flush();
  }
  const auto port = writer->port();
  must(writer->stop());
  writer.reset();
  writer.emplace(start_writer(folder.path() / "data", port));
  Pair again(*writer, reader);
  REQUIRE(comes_true([&] { return Client::create(writer->url())->call("GET", "/readyz").has_value(); }));
  again.insert(written, 5);
  CHECK(again.reads(written + 5));
}

TEST_CASE("a log on a volume of the writer's own is read from the writer") {
  const test::TemporaryFolder folder;
  const auto data = folder.path() / "data", view = folder.path() / "view";
  auto writer = start_writer(data);
  {
    Pair first(writer, writer);
    first.create();
    first.insert(0, 30);
    first.flush();
    first.insert(30, 10);
  }
  std::filesystem::create_directories(view / "docs" / "wal");
  for (const auto& entry : std::filesystem::directory_iterator(data / "docs"))
    if (entry.path().filename() != "wal") std::filesystem::create_symlink(entry.path(), view / "docs" / entry.path().filename());
  auto reader = std::make_optional(start_reader(view, writer.url()));
  Pair pair(writer, *reader);
  REQUIRE(pair.reads(40));
  pair.insert(40, 25);
  REQUIRE(pair.reads(65));
  pair.flush();
  pair.insert(65, 1);
  REQUIRE(pair.reads(66));

  // Without its writer it keeps what it has, and a new reader says why it has nothing.
  must(writer.stop());
  CHECK(pair.reads(66));
  must(reader->stop());
  reader.reset();
  const auto late = start_reader(view, writer.url());
  const auto answer = must(Client::create(late.url())).call("POST", "/v1/collections/docs/count", "{}");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::unavailable);
  CHECK(answer.error().message.find("the writer cannot be asked") != std::string::npos);
}

TEST_CASE("questions for the log are checked, and a waiting one does not keep a writer from ending") {
  const test::TemporaryFolder folder;
  auto config = config_for(folder.path() / "data");
  config.drain_timeout_s = 120;  // longer than the question waits: it would be answered with nothing then
  auto writer = must(Daemon::start(Role::writer, config));
  Pair pair(writer, writer);
  pair.create();
  pair.insert(0, 1);  // only now does this process write to it
  auto client = must(Client::create(writer.url()));
  const std::string file = "00000000000000000001-00000000000000000000.wal";
  for (const auto& [query, field] : {std::pair{"", "file"}, {"?file=x", "file"}, {"?file=../../etc/passwd", "file"}, {"?file=FILE&offset=-1", "offset"},
                                     {"?file=FILE&manifest=z", "manifest"}, {"?file=FILE&wait_ms=999999", "wait_ms"}, {"?file=FILE&more=1", "more"}}) {
    CAPTURE(query);
    std::string target = std::string("/v1/collections/docs/wal") + query;
    if (const auto at = target.find("FILE"); at != std::string::npos) target.replace(at, 4, file);
    const auto answer = client.call("GET", target);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::invalid_argument);
    CHECK(answer.error().field == field);
  }
  CHECK(client.call("GET", "/v1/collections/nowhere/wal?file=" + file).error().code == ErrorCode::not_found);
  const auto connections = [&] {
    const std::string text = must(client.call("GET", "/metrics")).body, name = "\nndb_http_connections ";
    return std::stoi(text.substr(text.find(name) + name.size()));
  };
  const int before = connections();
  std::optional<Result<ClientResponse>> answer;
  {
    const std::jthread waiting([&] {
      auto own = must(Client::create(writer.url()));
      // Of a file that is yet to come.
      answer = own.request("GET", "/v1/collections/docs/wal?file=00000000000000000009-00000000000000000000.wal&manifest=1000000&wait_ms=30000");
    });
    REQUIRE(comes_true([&] { return connections() > before; }));
    must(writer.stop());
  }
  CHECK((!*answer || (*answer)->status == 503));  // told so, or too late to be heard
}

}  // namespace
}  // namespace ndb::http
