// A volume that is really full: a small tmpfs in a mount namespace of its own, which goes away with the test. Says loudly that it
// skips where mounting is not allowed.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <map>

#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/json_api.hpp"
#include "tests/support/temp_folder.hpp"

namespace json = boost::json;
using namespace ndb;
using test::call;

namespace {

constexpr std::size_t kVolumeMiB = 16;
constexpr std::size_t kBallastBytes = 6U << 20;
constexpr std::size_t kPayloadBytes = 20'000;

class SmallVolume {
 public:
  /// mounted() is false, and why is said, if this process may not mount.
  SmallVolume() {
    if (::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, ("size=" + std::to_string(kVolumeMiB) + "m").c_str()) == 0)
      mounted_ = true;
    else
      std::cerr << "\n*** SKIPPED: a full volume cannot be tried here, mounting a tmpfs failed: " << std::strerror(errno) << " ***\n\n";
  }
  SmallVolume(const SmallVolume&) = delete;
  SmallVolume& operator=(const SmallVolume&) = delete;
  ~SmallVolume() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }
  [[nodiscard]] std::filesystem::path data() const { return folder_.path() / "data"; }
  /// What can be taken away to make room.
  void put_ballast() const { test::put_file(folder_.path() / "ballast", std::vector<std::byte>(kBallastBytes, std::byte{1})); }
  void drop_ballast() const { std::filesystem::remove(folder_.path() / "ballast"); }

 private:
  test::TempFolder folder_;
  bool mounted_ = false;
};

struct Documents {
  std::map<std::string, int> acknowledged;  // id → version
  std::map<std::string, int> refused;       // id → version of a write that was refused
  int next = 0;
};

std::string id_of(int n) { return "d" + std::to_string(n); }

/// One batch of three documents; the answer's status. Every fourth batch replaces the one before.
unsigned write(http::Client& client, Documents& documents) {
  const int n = documents.next++;
  const int base = (n % 4 == 3 ? n - 1 : n) * 3;
  json::array batch;
  for (int i = 0; i < 3; ++i)
    batch.push_back({{"id", id_of(base + i)}, {"vector", {1.0 + base + i, 2.0, 3.0}},
                     {"payload", {{"version", n}, {"filler", std::string(kPayloadBytes, static_cast<char>('a' + n % 26))}}}});
  const auto answer = client.request("POST", "/v1/collections/docs/documents", {}, json::serialize(json::object{{"documents", std::move(batch)}}));
  REQUIRE(answer);
  for (int i = 0; i < 3; ++i) (answer->ok() ? documents.acknowledged : documents.refused)[id_of(base + i)] = n;
  if (!answer->ok()) {
    CAPTURE(answer->body);
    CHECK(answer->status == 507);
    CHECK(json::parse(answer->body).at("error").at("code") == "no_space");
  }
  return answer->status;
}

/// Everything acknowledged is there, and nothing that was refused.
void check(http::Client& client, const Documents& documents) {
  std::size_t there = 0;
  for (const auto& [id, version] : documents.acknowledged) {
    CAPTURE(id);
    const auto found = call(client, "GET", "/v1/collections/docs/documents/" + id);
    REQUIRE(found.at("payload").at("version").to_number<int>() == version);
    ++there;
  }
  CHECK(call(client, "POST", "/v1/collections/docs/count", "{}").at("count") == there);
  for (const bool approximate : {false, true}) {
    const auto found = call(client, "POST", "/v1/collections/docs/search",
                            std::string(R"({"vector":[1,2,3],"top_k":5,"approximate":)") + (approximate ? "true}" : "false}"));
    CHECK(found.at("matches").as_array().size() == 5);
  }
}

void fill_up(const std::string& durability, bool kill) {
  const SmallVolume volume;
  if (!volume.mounted()) return;
  volume.put_ballast();
  const std::vector<std::string> arguments = {"--data-dir", volume.data().string(), "--memtable-mb", "1", "--shared-memory=false",
                                              "--poll-interval-ms", "5", "--gc-grace-s", "1"};
  Documents documents;
  {
    test::DaemonProcess writer(NDB_WRITER_BINARY, arguments);
    auto client = writer.connect();
    call(client, "PUT", "/v1/collections/docs", R"({"dim":3,"distance":"euclidean","durability":")" + durability + "\"}");
    const test::DaemonProcess reader(NDB_READER_BINARY, arguments);
    auto reading = reader.connect();
    while (write(client, documents) < 300 || documents.refused.empty()) {
    }
    for (int i = 0; i < 5; ++i) static_cast<void>(write(client, documents));
    check(client, documents);
    const auto seq = call(client, "GET", "/v1/collections/docs").at("seq").to_number<std::uint64_t>();
    call(reading, "POST", "/v1/collections/docs/search",
         R"({"vector":[1,2,3],"top_k":5,"timeout_ms":300000,"min_seq":)" + std::to_string(seq) + "}");
    check(reading, documents);
    CHECK(writer.stop(kill ? SIGKILL : SIGTERM) == (kill ? 128 + SIGKILL : 0));
    check(reading, documents);
  }
  volume.drop_ballast();
  test::DaemonProcess writer(NDB_WRITER_BINARY, arguments);
  auto client = writer.connect();
  check(client, documents);
  documents.refused.clear();
  for (int i = 0; i < 10; ++i) CHECK(write(client, documents) == 200);
  check(client, documents);
  CHECK(writer.stop(SIGTERM) == 0);
}

}  // namespace

TEST_CASE("a full volume refuses writes, keeps all that was acknowledged, answers searches, and recovers by restarting with room") {
  for (const std::string durability : {"buffered", "sync"})
    for (const bool kill : {false, true}) {
      CAPTURE(durability, kill);
      fill_up(durability, kill);
    }
}

TEST_CASE("a writer that met a full volume takes writes again, without being restarted, once there is room") {
  const SmallVolume volume;
  if (!volume.mounted()) return;
  volume.put_ballast();
  test::DaemonProcess writer(NDB_WRITER_BINARY, {"--data-dir", volume.data().string(), "--memtable-mb", "1", "--gc-grace-s", "1"});
  auto client = writer.connect();
  call(client, "PUT", "/v1/collections/docs", R"({"dim":3,"distance":"euclidean"})");
  Documents documents;
  while (documents.refused.empty()) static_cast<void>(write(client, documents));
  volume.drop_ballast();
  documents.refused.clear();
  while (write(client, documents) != 200) {
  }
  for (int i = 0; i < 5; ++i) CHECK(write(client, documents) == 200);
  check(client, documents);
  CHECK(writer.stop(SIGTERM) == 0);
}
