// A real ndb-writer kills itself at each named point of its protocol (shared/base/crash_point.hpp) while clients write, flush, merge and
// index; the next one, armed with the next point, must find everything that was acknowledged and no batch by halves.
#include <signal.h>

#include <algorithm>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "tests/support/catch.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/json_api.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

namespace json = boost::json;
using namespace ndb;
using test::call;

namespace {

constexpr int kClients = 3;
constexpr int kMembers = 4;
constexpr int kRounds = 3;

struct Point {
  const char* name;
  int at_most;  // killed when it is reached for the n-th time, n up to this
};

// In the order in which a batch meets them.
constexpr Point kPoints[] = {
    {"epoch-claimed", 1}, {"epoch-published", 1}, {"old-log-read", 1}, {"taken-over", 1},
    {"log-written", 40}, {"log-durable", 40}, {"before-acknowledging", 40}, {"log-rotated", 3},
    {"segment-written", 3}, {"before-manifest", 6}, {"manifest-linked", 6}, {"current-replaced", 5},
    {"merged-rows-written", 2}, {"merge-written", 2}, {"graph-written", 2}, {"boundary-moved", 1}, {"file-collected", 4},
};

// What is known about one client's group of documents, which it replaces as a whole.
struct Known {
  std::uint64_t acknowledged = 0;
  std::uint64_t sent = 0;
};

std::string id_of(int client, int member) { return fmt::format("c{}-{}", client, member); }

std::string batch_of(int client, std::uint64_t version) {
  json::array documents;
  for (int member = 0; member < kMembers; ++member)
    documents.push_back({{"id", id_of(client, member)}, {"vector", {1.0, static_cast<double>(version % 97), static_cast<double>(member)}},
                         {"payload", {{"version", version}}}});
  return json::serialize(json::object{{"documents", std::move(documents)}});
}

void write_until_it_dies(const std::string& url, int client, Known& known) {
  auto connection = http::Client::connect(url);
  while (connection) {
    known.sent = std::max(known.sent, known.acknowledged) + 1;
    const auto answer = connection->request("POST", "/v1/collections/docs/documents", {}, batch_of(client, known.sent));
    if (!answer) return;
    if (answer->ok()) known.acknowledged = known.sent;
  }
}

void maintain_until_it_dies(const std::string& url, std::uint64_t seed) {
  std::minstd_rand random(static_cast<unsigned>(seed));
  auto connection = http::Client::connect(url);
  while (connection) {
    static constexpr const char* kTasks[] = {"flush", "flush", "compact", "index"};
    const std::string target = "/v1/collections/docs/" + std::string(kTasks[random() % 4]) + "?wait=true";
    if (!connection->request("POST", target, {}, "")) return;
  }
}

/// Checks one group and returns the version that is there.
std::uint64_t version_there(http::Client& client, int group, const Known& known) {
  CAPTURE(group, known.acknowledged, known.sent);
  json::array ids;
  for (int member = 0; member < kMembers; ++member) ids.emplace_back(id_of(group, member));
  const auto answer = call(client, "POST", "/v1/collections/docs/documents/get", json::serialize(json::object{{"ids", ids}}));
  const auto& documents = answer.at("documents").as_array();
  if (known.acknowledged == 0 && documents.empty()) return 0;
  REQUIRE(documents.size() == kMembers);
  const auto version = documents[0].at("payload").at("version").to_number<std::uint64_t>();
  for (const auto& document : documents) REQUIRE(document.at("payload").at("version").to_number<std::uint64_t>() == version);
  REQUIRE(version >= known.acknowledged);
  REQUIRE(version <= known.sent);
  return version;
}

class Chain {
 public:
  explicit Chain(const std::string& durability) {
    const test::DaemonProcess writer(NDB_WRITER_BINARY, arguments());
    auto client = writer.connect();
    call(client, "PUT", "/v1/collections/docs", R"({"dim":3,"distance":"euclidean","durability":")" + durability + "\"}");
  }

  /// One writer, from its start to its death at the point.
  void die_at(const Point& point, std::mt19937_64& random) {
    const auto n = 1 + random() % static_cast<std::uint64_t>(point.at_most);
    INFO("dies at " << point.name << ":" << n);
    test::DaemonProcess writer(NDB_WRITER_BINARY, arguments(), {fmt::format("NDB_CRASH_AT={}:{}", point.name, n)});
    check_all(writer);
    std::vector<std::thread> clients;
    for (int client = 0; client < kClients; ++client)
      clients.emplace_back([&, client] { write_until_it_dies(writer.url(), client, known_[client]); });
    clients.emplace_back([&, seed = random()] { maintain_until_it_dies(writer.url(), seed); });
    for (auto& client : clients) client.join();
    CHECK(writer.wait() == 128 + SIGKILL);
  }

  /// A writer that is left alone finds everything, as a follower and after its own first write.
  void finish() {
    const test::DaemonProcess writer(NDB_WRITER_BINARY, arguments());
    check_all(writer);
    auto client = writer.connect();
    call(client, "POST", "/v1/collections/docs/documents", batch_of(kClients, 1));
    check_all(writer);
  }

 private:
  [[nodiscard]] std::vector<std::string> arguments() const {
    return {"--data-dir", folder_.path().string(), "--memtable-mb", "1", "--index-min-rows", "2", "--gc-grace-s", "1", "--index-threads", "1"};
  }
  // What is there now must stay, whether its acknowledgement arrived or not.
  void check_all(const test::DaemonProcess& writer) {
    auto client = writer.connect();
    for (int group = 0; group < kClients; ++group) known_[group].acknowledged = version_there(client, group, known_[group]);
  }

  test::TempFolder folder_;
  Known known_[kClients];
};

}  // namespace

TEST_CASE("a writer that dies at any point of its protocol loses nothing that it acknowledged") {
  int kills = 0;
  for (const auto seed : test::seeds(1))
    for (const std::string durability : {"buffered", "sync"}) {
      INFO(durability << ", replay with NDB_TEST_SEED=" << seed << " ctest -R process_crash_points");
      std::mt19937_64 random(seed);
      Chain chain(durability);
      std::vector<Point> points;
      for (int round = 0; round < kRounds; ++round) points.insert(points.end(), std::begin(kPoints), std::end(kPoints));
      std::ranges::shuffle(points, random);
      for (const auto& point : points) {
        chain.die_at(point, random);
        ++kills;
      }
      chain.finish();
    }
  fmt::print("{} writers killed themselves at {} points\n", kills, std::size(kPoints));
}

TEST_CASE("a writer that dies while a collection is made or dropped leaves a whole one or none") {
  const test::TempFolder folder;
  const std::vector<std::string> arguments = {"--data-dir", folder.path().string()};
  int kills = 0;
  for (int round = 0; round < 2; ++round)
    for (const std::string point : {"collection-filled", "collection-named", "collection-hidden"}) {
      CAPTURE(round, point);
      {
        test::DaemonProcess writer(NDB_WRITER_BINARY, arguments, {"NDB_CRASH_AT=" + point});
        auto client = writer.connect();
        static_cast<void>(client.request("PUT", "/v1/collections/docs", {}, R"({"dim":3})"));
        static_cast<void>(client.request("DELETE", "/v1/collections/docs", {}, ""));
        REQUIRE(writer.wait() == 128 + SIGKILL);
        ++kills;
      }
      const test::DaemonProcess writer(NDB_WRITER_BINARY, arguments);
      auto client = writer.connect();
      const auto made = client.request("PUT", "/v1/collections/docs", {}, R"({"dim":3})");
      REQUIRE(made);
      CHECK(made->status == (point == "collection-named" ? 409 : 201));
      call(client, "POST", "/v1/collections/docs/documents", batch_of(0, 1));
      CHECK(version_there(client, 0, {1, 1}) == 1);
      call(client, "DELETE", "/v1/collections/docs");
      CHECK(call(client, "GET", "/v1/collections").at("collections").as_array().empty());
    }
  fmt::print("{} writers killed while they made or dropped a collection\n", kills);
}
