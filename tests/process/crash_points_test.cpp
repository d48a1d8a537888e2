// A real ndb-writer kills itself at each named point of its protocol (shared/base/crash_point.hpp) while clients write, flush, merge and
// index; the next one, armed with the next point, must find everything that was acknowledged and no batch by halves.
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <numeric>
#include <optional>
#include <random>

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
#ifdef NDB_SANITIZED
constexpr int kRounds = 1;  // a daemon takes long to start
#else
constexpr int kRounds = 3;
#endif
constexpr std::chrono::seconds kNeverReached{120};  // only a point that nothing leads to any more takes that long

struct Point {
  const char* name;
  int at_most;  // killed when it is reached for the n-th time, n up to this
};

// In the order in which a batch meets them; then those that several of these pass through.
constexpr Point kPoints[] = {
    {"epoch-claimed", 1}, {"epoch-published", 1}, {"old-log-read", 1}, {"taken-over", 1},
    {"log-half-written", 10}, {"log-written", 40}, {"log-durable", 40}, {"before-acknowledging", 40}, {"log-rotated", 3}, {"before-sync-mark", 3},
    {"segment-written", 3}, {"before-manifest", 6}, {"manifest-linked", 6}, {"current-replaced", 5},
    {"merged-rows-written", 2}, {"merge-written", 2}, {"graph-written", 2}, {"boundary-moved", 1}, {"file-collected", 4},
    {"before-rename", 8}, {"before-link", 8}, {"linked-twice", 8},
};

constexpr std::uint64_t kLeavesOneBehind = 16;

// What is known about one client's group of documents, which it replaces as a whole. With every 16th version comes a document that is
// never replaced, so that merges have something to keep.
struct Known {
  std::uint64_t acknowledged = 0;
  std::uint64_t sent = 0;
  std::uint64_t answers = 0;  // acknowledgements
  std::vector<std::uint64_t> left_behind{};  // versions
  std::string problem{};

  void note(std::uint64_t version) {
    acknowledged = version;
    if (version > 0 && version % kLeavesOneBehind == 0 && (left_behind.empty() || left_behind.back() != version)) left_behind.push_back(version);
  }
};

std::string id_of(int client, int member) { return fmt::format("c{}-{}", client, member); }
std::string left_behind_id(int client, std::uint64_t version) { return fmt::format("c{}-of-{}", client, version); }

json::object document_of(std::string id, std::uint64_t version, std::size_t filler) {
  return {{"id", std::move(id)}, {"vector", {1.0, static_cast<double>(version % 97), static_cast<double>(version % 7)}},
          {"payload", {{"version", version}, {"filler", std::string(filler, 'y')}}}};
}

// The first client's batches are so large that their frames are written in two pieces.
std::string batch_of(int client, std::uint64_t version) {
  json::array documents;
  for (int member = 0; member < kMembers; ++member) documents.push_back(document_of(id_of(client, member), version, client == 0 ? 20'000 : 100));
  if (version % kLeavesOneBehind == 0) documents.push_back(document_of(left_behind_id(client, version), version, 10));
  return json::serialize(json::object{{"documents", std::move(documents)}});
}

/// Sends what `next` makes, again and again, until nobody listens any more; false if that did not come.
template <class Next, class Answered>
bool send_until_it_dies(const std::string& url, Next next, Answered answered) {
  const auto until = std::chrono::steady_clock::now() + kNeverReached;
  auto connection = http::Client::connect(url);
  while (connection && std::chrono::steady_clock::now() < until) {
    const auto [target, body] = next();
    if (const auto answer = connection->request("POST", "/v1/collections/docs/" + target, {}, body)) answered(*answer);
    else connection = http::Client::connect(url);
  }
  return !connection;
}

bool write_until_it_dies(const std::string& url, int client, Known& known) {
  const auto next = [&] {
    known.sent = std::max(known.sent, known.acknowledged) + 1;
    return std::pair<std::string, std::string>("documents", batch_of(client, known.sent));
  };
  return send_until_it_dies(url, next, [&](const http::ClientResponse& answer) {
    if (answer.ok()) {
      known.note(known.sent);
      ++known.answers;
    } else if (answer.status != 429 && answer.status != 503) {  // those two may come later
      known.problem = answer.body;
    }
  });
}

bool maintain_until_it_dies(const std::string& url, std::uint64_t seed) {
  std::minstd_rand random(static_cast<unsigned>(seed));
  const auto next = [&] {
    static constexpr const char* kTasks[] = {"flush", "flush", "compact", "index"};
    return std::pair<std::string, std::string>(std::string(kTasks[random() % 4]) + "?wait=true", "");
  };
  return send_until_it_dies(url, next, [](const http::ClientResponse&) {});
}

/// The versions of those of these documents that are there; nullopt if the writer died before it answered.
std::optional<std::vector<std::uint64_t>> versions_of(http::Client& client, const json::array& ids) {
  if (ids.empty()) return std::vector<std::uint64_t>{};
  const auto text = client.request("POST", "/v1/collections/docs/documents/get", {}, json::serialize(json::object{{"ids", ids}}));
  if (!text) return std::nullopt;
  INFO(text->body.substr(0, 500));
  REQUIRE(text->ok());
  std::vector<std::uint64_t> versions;
  const auto answer = json::parse(text->body);
  for (const auto& document : answer.at("documents").as_array())
    versions.push_back(document.at("payload").at("version").to_number<std::uint64_t>());
  return versions;
}

/// Checks one client's group and returns the version that is there; nullopt if the writer died before it answered.
std::optional<std::uint64_t> version_there(http::Client& connection, int client, const Known& known) {
  CAPTURE(client, known.acknowledged, known.sent);
  json::array ids;
  for (int member = 0; member < kMembers; ++member) ids.emplace_back(id_of(client, member));
  const auto group = versions_of(connection, ids);
  if (!group) return std::nullopt;
  if (known.acknowledged == 0 && group->empty()) return 0;
  REQUIRE(group->size() == kMembers);
  const auto version = group->front();
  REQUIRE(std::ranges::count(*group, version) == kMembers);
  REQUIRE(version >= known.acknowledged);
  REQUIRE(version <= known.sent);
  return version;
}

/// Everything that this client's batches left behind up to `version`, and nothing of later ones; false if the writer died meanwhile.
bool check_left_behind(http::Client& connection, int client, const Known& known, std::uint64_t version) {
  CAPTURE(client, version, known.sent);
  json::array expected, later;
  for (const auto old : known.left_behind) expected.emplace_back(left_behind_id(client, old));
  for (auto next = version + 1; next <= known.sent; ++next)
    if (next % kLeavesOneBehind == 0) later.emplace_back(left_behind_id(client, next));
  const auto versions = versions_of(connection, expected);
  if (!versions) return false;
  REQUIRE(*versions == known.left_behind);
  const auto none = versions_of(connection, later);
  if (!none) return false;
  REQUIRE(none->empty());
  return true;
}

/// One collection and its writers, each of which dies at a point.
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
    const auto seed = random();
    INFO("dies at " << point.name << ":" << n);
    test::DaemonProcess writer(NDB_WRITER_BINARY, arguments(), {fmt::format("NDB_CRASH_AT={}:{}", point.name, n)});
    static_cast<void>(check_all(writer));
    std::vector<std::future<bool>> clients;
    for (int client = 0; client < kClients; ++client)
      clients.push_back(std::async(std::launch::async, [&, client] { return write_until_it_dies(writer.url(), client, known_[client]); }));
    clients.push_back(std::async(std::launch::async, [&] { return maintain_until_it_dies(writer.url(), seed); }));
    const auto died = std::ranges::count_if(clients, [](auto& client) { return client.get(); });
    for (const auto& known : known_) REQUIRE(known.problem == "");
    REQUIRE(died == kClients + 1);  // or nothing leads to the point any more
    REQUIRE(writer.wait() == 128 + SIGKILL);
  }

  /// A writer that is left alone finds everything, before and after its own first write.
  void finish() {
    const test::DaemonProcess writer(NDB_WRITER_BINARY, arguments());
    REQUIRE(check_all(writer));
    auto client = writer.connect();
    call(client, "POST", "/v1/collections/docs/documents", batch_of(kClients, 1));
    REQUIRE(check_all(writer));
    for (const auto& known : known_) REQUIRE(known.acknowledged > 0);
  }

  [[nodiscard]] std::uint64_t acknowledged() const {
    return std::accumulate(std::begin(known_), std::end(known_), std::uint64_t{0},
                           [](std::uint64_t sum, const Known& known) { return sum + known.answers; });
  }

 private:
  [[nodiscard]] std::vector<std::string> arguments() const {
    return {"--data-dir", folder_.path().string(), "--memtable-mb", "1", "--index-min-rows", "2", "--gc-grace-s", "1", "--index-threads", "1"};
  }
  // What is there now must stay, whether its acknowledgement arrived or not. False if the writer died meanwhile.
  bool check_all(const test::DaemonProcess& writer) {
    auto client = http::Client::connect(writer.url());
    if (!client) return false;
    for (int group = 0; group < kClients; ++group) {
      const auto version = version_there(*client, group, known_[group]);
      if (!version) return false;
      known_[group].note(*version);
      if (!check_left_behind(*client, group, known_[group], *version)) return false;
    }
    return true;
  }

  test::TempFolder folder_;
  Known known_[kClients];
};

}  // namespace

TEST_CASE("a writer that dies at any point of its protocol loses nothing that it acknowledged") {
  for (const auto seed : test::seeds(1))
    for (const std::string durability : {"buffered", "sync"}) {
      INFO(durability << "; the same points again, with other schedules: NDB_TEST_SEED=" << seed
                      << " ctest --test-dir build/release -R process_crash_points --output-on-failure");
      std::mt19937_64 random(seed);
      Chain chain(durability);
      std::vector<Point> points;
      for (int round = 0; round < kRounds; ++round) points.insert(points.end(), std::begin(kPoints), std::end(kPoints));
      if (const char* only = std::getenv("NDB_TEST_POINT")) std::erase_if(points, [&](const Point& point) { return point.name != std::string(only); });
      std::ranges::shuffle(points, random);
      for (const auto& point : points) chain.die_at(point, random);
      chain.finish();
      fmt::print("{}: {} writers killed themselves at {} points; all of {} acknowledged batches kept, none by halves\n", durability, points.size(),
                 std::size(kPoints), chain.acknowledged());
    }
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
      CHECK(version_there(client, 0, {.acknowledged = 1, .sent = 1}) == std::optional<std::uint64_t>(1));
      call(client, "DELETE", "/v1/collections/docs");
      CHECK(call(client, "GET", "/v1/collections").at("collections").as_array().empty());
    }
  fmt::print("{} writers killed while they made or dropped a collection\n", kills);
}
