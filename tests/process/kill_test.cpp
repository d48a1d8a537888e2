// A real writer is killed with SIGKILL while clients write, again and again. Nothing acknowledged may be lost, no batch may be
// half there, and the next writer starts without anybody cleaning up.
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/json_api.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

namespace json = boost::json;
using namespace ndb;
using test::call;

namespace {

constexpr int kClients = 4;
constexpr int kMembers = 5;

std::string batch_of(const std::string& group, std::uint64_t version) {
  json::array documents;
  for (int member = 0; member < kMembers; ++member)
    documents.push_back({{"id", group + "-" + std::to_string(member)},
                         {"vector", {1.0, static_cast<double>(version % 100), static_cast<double>(member)}},
                         {"payload", {{"version", version}, {"filler", std::string(1'500, 'y')}}}});
  return json::serialize(json::object{{"documents", std::move(documents)}});
}

// What each client knows to be acknowledged, and what it sent last (which may or may not have got through).
struct Known {
  std::uint64_t acknowledged = 0;
  std::uint64_t sent = 0;
  std::uint64_t seq = 0;
};

void write_until_it_dies(const std::string& url, const std::string& group, Known& known, std::atomic<int>& acknowledged) {
  auto client = http::Client::connect(url);
  if (!client) return;
  for (;;) {
    known.sent = std::max(known.sent, known.acknowledged) + 1;
    auto answer = client->request("POST", "/v1/collections/docs/documents", {}, batch_of(group, known.sent));
    if (!answer || !answer->ok()) return;
    known.acknowledged = known.sent;
    const auto seq = json::parse(answer->body).at("seq").to_number<std::uint64_t>();
    if (seq <= known.seq) known.sent = ~std::uint64_t{0};  // shows as a failure below
    known.seq = seq;
    ++acknowledged;
  }
}

// Returns the version that is there.
std::uint64_t check_group(http::Client& client, const std::string& group, const Known& known) {
  CAPTURE(group, known.acknowledged, known.sent);
  json::array ids;
  for (int member = 0; member < kMembers; ++member) ids.emplace_back(group + "-" + std::to_string(member));
  const auto answer = call(client, "POST", "/v1/collections/docs/documents/get", json::serialize(json::object{{"ids", ids}}));
  const auto& documents = answer.at("documents").as_array();
  if (known.acknowledged == 0 && documents.empty()) return 0;
  REQUIRE(documents.size() == kMembers);
  const auto version = documents[0].at("payload").at("version").to_number<std::uint64_t>();
  for (const auto& document : documents) CHECK(document.at("payload").at("version").to_number<std::uint64_t>() == version);
  CHECK(version >= known.acknowledged);
  CHECK(version <= known.sent);
  return version;
}

void kill_again_and_again(const std::string& durability, std::uint64_t seed, int rounds) {
  INFO("durability " << durability << ", replay with NDB_TEST_SEED=" << seed);
  std::minstd_rand random(static_cast<unsigned>(seed));
  const test::TempFolder folder;
  const std::vector<std::string> arguments = {"--data-dir", folder.path().string(), "--memtable-mb", "1"};
  std::map<std::string, Known> known;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    test::DaemonProcess writer(NDB_WRITER_BINARY, arguments);
    auto client = writer.connect();
    if (round == 0) call(client, "PUT", "/v1/collections/docs", R"({"dim":3,"distance":"euclidean","durability":")" + durability + "\"}");
    // What is there now must stay, whether its acknowledgement arrived or not.
    for (auto& [group, what] : known) what.acknowledged = check_group(client, group, what);
    std::atomic<int> acknowledged{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
      const std::string group = "c" + std::to_string(i);
      auto& own = known[group];
      clients.emplace_back([&, group] { write_until_it_dies(writer.url(), group, own, acknowledged); });
    }
    const int enough = 20 + static_cast<int>(random() % 60);
    while (acknowledged < enough) std::this_thread::yield();
    CHECK(writer.stop(SIGKILL) == 128 + SIGKILL);
    for (auto& thread : clients) thread.join();
  }
}

}  // namespace

TEST_CASE("a writer that is killed while it writes loses nothing that it acknowledged") {
  const char* many = std::getenv("NDB_TEST_KILLS");
  const int rounds = many != nullptr ? std::atoi(many) : 12;
  for (const auto seed : test::seeds(1))
    for (const std::string durability : {"buffered", "sync"}) kill_again_and_again(durability, seed, rounds);
}

TEST_CASE("a second writer is refused while the first lives, and takes over by itself when it is killed") {
  const test::TempFolder folder;
  const std::vector<std::string> arguments = {"--data-dir", folder.path().string()};
  test::DaemonProcess first(NDB_WRITER_BINARY, arguments);
  auto client = first.connect();
  call(client, "PUT", "/v1/collections/docs", R"({"dim":3})");
  call(client, "POST", "/v1/collections/docs/documents", batch_of("a", 1));

  const test::DaemonProcess second(NDB_WRITER_BINARY, arguments);
  auto other = second.connect();
  auto refused = other.request("POST", "/v1/collections/docs/documents", {}, batch_of("a", 2));
  REQUIRE(refused);
  CHECK(refused->status == 409);
  const auto error = json::parse(refused->body).at("error");
  CHECK(error.at("code").as_string() == "collection_locked");
  CHECK(std::string(error.at("message").as_string()).find(std::to_string(first.pid())) != std::string::npos);
  check_group(other, "a", {1, 1, 0});  // reading beside it works

  CHECK(first.stop(SIGKILL) == 128 + SIGKILL);
  call(other, "POST", "/v1/collections/docs/documents", batch_of("a", 2));
  check_group(other, "a", {2, 2, 0});
}
