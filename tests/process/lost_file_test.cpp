// A file of one collection is cut off under a running reader: searches that need it answer an error that names it, the other
// collection and the process go on, and once the files are whole again so are the answers.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "shared/format/manifest.hpp"
#include "shared/format/pointer_files.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/json_api.hpp"
#include "tests/support/temp_folder.hpp"

namespace json = boost::json;
using namespace ndb;
using test::call;

namespace {

constexpr int kDocuments = 3'000;
constexpr int kDim = 16;

std::string documents(int first, int count) {
  json::array all;
  for (int i = first; i < first + count; ++i) {
    json::array vector;
    for (int d = 0; d < kDim; ++d) vector.emplace_back(static_cast<double>((i * 31 + d * 17) % 101) - 50.0);
    all.push_back({{"id", "d" + std::to_string(i)}, {"vector", std::move(vector)}, {"payload", {{"n", i}}}});
  }
  return json::serialize(json::object{{"documents", std::move(all)}});
}

std::string search_body(bool approximate, std::uint64_t min_seq = 0) {
  json::array vector;
  for (int d = 0; d < kDim; ++d) vector.emplace_back(static_cast<double>(d) - 7.5);
  return json::serialize(json::object{{"vector", std::move(vector)}, {"top_k", 50}, {"approximate", approximate}, {"min_seq", min_seq}});
}

http::ClientResponse ask(http::Client& client, const std::string& collection, const std::string& what, const std::string& body) {
  auto answer = client.request("POST", "/v1/collections/" + collection + what, {}, body);
  if (!answer) throw std::runtime_error(what + ": " + answer.error().message);
  return std::move(*answer);
}

/// The files of the one segment that the newest manifest names.
std::vector<std::filesystem::path> segment_files(const std::filesystem::path& collection) {
  auto& fs = fs::posix_file_system();
  const auto current = format::read_current(fs, collection);
  REQUIRE(current);
  const auto manifest = format::read_manifest(fs, collection, current->version);
  REQUIRE(manifest);
  REQUIRE(manifest->segments.size() == 1);
  const auto& segment = manifest->segments.front();
  REQUIRE(segment.hnsw);
  const auto folder = format::segment_folder(collection, segment.id);
  return {folder / segment.vectors.name, folder / segment.ids.name, folder / segment.payloads.name, folder / segment.hnsw->name};
}

/// Writes the bytes back into the same file.
void put_back(const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY);
  REQUIRE(fd >= 0);
  REQUIRE(::pwrite(fd, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  ::close(fd);
}

struct Folder {
  test::TempFolder folder;
  std::vector<std::string> arguments = {"--data-dir", folder.path().string(), "--poll-interval-ms", "5"};

  Folder() {
    test::DaemonProcess writer(NDB_WRITER_BINARY, arguments);
    auto client = writer.connect();
    for (const std::string name : {"broken", "fine"}) {
      call(client, "PUT", "/v1/collections/" + name, R"({"dim":16,"distance":"cosine"})");
      call(client, "POST", "/v1/collections/" + name + "/documents", documents(0, kDocuments));
      call(client, "POST", "/v1/collections/" + name + "/flush?wait=true");
      call(client, "POST", "/v1/collections/" + name + "/index?wait=true");
    }
    REQUIRE(writer.stop(SIGTERM) == 0);
  }
  [[nodiscard]] std::filesystem::path broken() const { return folder.path() / "broken"; }
};

/// Asks until the answer is a success; the whole test has a time limit.
http::ClientResponse until_ok(http::Client& client, const std::string& collection, const std::string& what, const std::string& body) {
  for (;;) {
    auto answer = ask(client, collection, what, body);
    if (answer.ok()) return answer;
  }
}

}  // namespace

TEST_CASE("a segment file that is cut off under a running reader costs an error, not the reader, and heals when it is put back") {
  const Folder data;
  test::DaemonProcess reader(NDB_READER_BINARY, data.arguments);
  auto client = reader.connect();
  const auto expected = json::parse(until_ok(client, "broken", "/search", search_body(false)).body).at("matches");
  const auto fine = json::parse(until_ok(client, "fine", "/search", search_body(true)).body).at("matches");
  const auto files = segment_files(data.broken());
  for (const auto& path : files)
    for (const std::uintmax_t left : {std::uintmax_t{0}, std::filesystem::file_size(path) / 2}) {
      CAPTURE(path, left);
      const auto bytes = test::bytes_of_file(path);
      std::filesystem::resize_file(path, left);
      for (const bool approximate : {false, true}) {
        const auto answer = ask(client, "broken", "/search", search_body(approximate));
        CHECK(answer.status == 500);
        CHECK(test::contains(answer.body, path.filename().string()));
        CHECK(json::parse(answer.body).at("error").at("code") == "io_error");
      }
      CHECK(ask(client, "broken", "/documents/get", R"({"ids":["d1","d2999"]})").status == 500);
      CHECK(ask(client, "broken", "/count", R"({"filter":{"n":{"$lt":50}}})").status == 500);
      CHECK(json::parse(ask(client, "fine", "/search", search_body(true)).body).at("matches") == fine);
      put_back(path, bytes);
      CHECK(json::parse(until_ok(client, "broken", "/search", search_body(false)).body).at("matches") == expected);
    }
  CHECK(reader.stop(SIGTERM) == 0);
}

TEST_CASE("a reader whose segment was cut off answers again as soon as a new manifest does without that file") {
  const Folder data;
  test::DaemonProcess writer(NDB_WRITER_BINARY, data.arguments);
  test::DaemonProcess reader(NDB_READER_BINARY, data.arguments);
  auto client = reader.connect();
  auto writing = writer.connect();
  until_ok(client, "broken", "/search", search_body(true));
  while (!writing.request("GET", "/readyz", {}, "").value().ok()) {  // until the writer has it open, too
  }
  const auto files = segment_files(data.broken());
  std::filesystem::resize_file(files.back(), 100);
  CHECK(ask(client, "broken", "/search", search_body(true)).status == 500);
  call(writing, "DELETE", "/v1/collections/broken/index");
  const auto written = call(writing, "POST", "/v1/collections/broken/documents", documents(kDocuments, 10));
  until_ok(client, "broken", "/search", search_body(true, written.at("seq").to_number<std::uint64_t>()));
  CHECK(json::parse(until_ok(client, "broken", "/count", "{}").body).at("count") == kDocuments + 10);
  CHECK(writer.stop(SIGTERM) == 0);
}

TEST_CASE("a writer whose segment is cut off goes on with its other collections") {
  const Folder data;
  test::DaemonProcess writer(NDB_WRITER_BINARY, data.arguments);
  auto client = writer.connect();
  until_ok(client, "broken", "/search", search_body(false));
  for (const auto& path : segment_files(data.broken())) std::filesystem::resize_file(path, 5'000);
  CHECK(ask(client, "broken", "/search", search_body(false)).status == 500);
  CHECK(ask(client, "broken", "/documents/get", R"({"ids":["d1"]})").status == 500);
  CHECK(ask(client, "broken", "/compact?wait=true", "").status == 500);
  call(client, "POST", "/v1/collections/fine/documents", documents(kDocuments, 1));
  CHECK(call(client, "POST", "/v1/collections/fine/count", "{}").at("count") == kDocuments + 1);
  CHECK(ask(client, "broken", "/search", search_body(true)).status == 500);
  static_cast<void>(writer.stop(SIGTERM));
}
