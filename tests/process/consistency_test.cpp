// One writer and two readers as real processes, under writes, flushes and merges. Groups of documents are replaced as atomic batches;
// whatever anybody reads is recorded and must be one whole version of a group, never older than what the same client saw before,
// and at least as new as what it waited for.
#include <signal.h>

#include <array>
#include <atomic>
#include <random>
#include <semaphore>
#include <set>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/json_api.hpp"
#include "tests/support/temp_folder.hpp"

namespace json = boost::json;
using namespace ndb;
using test::call;

namespace {

constexpr int kGroups = 8;
constexpr int kMembers = 6;
constexpr int kDim = 64;
constexpr int kRounds = 100;
constexpr int kLooksPerWrite = 3;

// Members of a group share their direction, so a search for it finds exactly the group.
std::vector<float> direction(int group) {
  std::vector<float> vector(kDim, 0.0F);
  vector[static_cast<std::size_t>(group)] = 1.0F;
  return vector;
}

std::string batch_of(int group, std::uint64_t version) {
  json::array documents;
  for (int member = 0; member < kMembers; ++member) {
    // A long payload fills memtables quickly, so that flushes and merges happen.
    documents.push_back({{"id", "g" + std::to_string(group) + "-" + std::to_string(member)},
                         {"vector", json::value_from(direction(group))},
                         {"payload", {{"version", version}, {"filler", std::string(2'000, 'x')}}}});
  }
  return json::serialize(json::object{{"documents", std::move(documents)}});
}

struct Observation {
  std::uint64_t seq = 0;
  std::uint64_t version = 0;
};

// The one version that all members of the answer have; throws if the answer is not one whole version of the group.
std::uint64_t whole_version(const json::array& documents, int group) {
  if (documents.empty()) return 0;
  if (documents.size() != kMembers)
    throw std::runtime_error("group " + std::to_string(group) + " has " + std::to_string(documents.size()) + " members");
  const auto version = documents[0].at("payload").at("version").to_number<std::uint64_t>();
  std::set<std::string> ids;
  for (const auto& document : documents) {
    if (document.at("payload").at("version").to_number<std::uint64_t>() != version)
      throw std::runtime_error("group " + std::to_string(group) + " is mixed: " + json::serialize(documents));
    ids.emplace(document.at("id").as_string());
  }
  if (ids.size() != kMembers) throw std::runtime_error("a member is there twice");
  return version;
}

Observation search_group(http::Client& client, int group, std::uint64_t min_seq, bool approximate) {
  const json::object body{{"vector", json::value_from(direction(group))}, {"top_k", kMembers + 3},
                          {"approximate", approximate}, {"min_seq", min_seq}, {"timeout_ms", 300'000}};
  const auto answer = call(client, "POST", "/v1/collections/docs/search", json::serialize(body));
  json::array members;
  for (const auto& match : answer.at("matches").as_array())
    if (match.at("score").to_number<double>() > 0.9) members.push_back(match);
  const auto seq = answer.at("seq").to_number<std::uint64_t>();
  if (seq < min_seq) throw std::runtime_error("answered before min_seq");
  return {seq, whole_version(members, group)};
}

std::uint64_t get_group(http::Client& client, int group) {
  json::array ids;
  for (int member = 0; member < kMembers; ++member)
    ids.emplace_back("g" + std::to_string(group) + "-" + std::to_string(member));
  const auto answer = call(client, "POST", "/v1/collections/docs/documents/get", json::serialize(json::object{{"ids", ids}}));
  return whole_version(answer.at("documents").as_array(), group);
}

// What one client knows, which it must never see undone.
class Client {
 public:
  Client(const test::DaemonProcess& daemon, unsigned seed) : client_(daemon.connect()), random_(seed) {}

  void look() {
    const int group = static_cast<int>(random_() % kGroups);
    const bool by_search = random_() % 3 != 0;
    std::uint64_t version = 0;
    if (by_search) {
      const auto seen = search_group(client_, group, 0, random_() % 2 == 0);
      if (seen.seq < last_seq_) throw std::runtime_error("seq went back");
      last_seq_ = seen.seq;
      version = seen.version;
    } else {
      version = get_group(client_, group);
    }
    if (version < versions_[group]) throw std::runtime_error("a client saw an older version than before");
    versions_[group] = version;
    ++looks_;
  }
  [[nodiscard]] int looks() const noexcept { return looks_; }

 private:
  http::Client client_;
  std::minstd_rand random_;
  std::uint64_t last_seq_ = 0;
  std::uint64_t versions_[kGroups] = {};
  int looks_ = 0;
};

}  // namespace

TEST_CASE("readers in other processes see whole batches, in order, and at least what they wait for") {
  const test::TempFolder folder;
  const std::vector<std::string> common = {"--data-dir", folder.path().string(), "--memtable-mb", "1", "--index-min-rows", "100"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), common.begin(), common.end());
    return more;
  };
  const test::DaemonProcess reader_a(NDB_READER_BINARY, with({}));  // before there is a writer, or a collection
  test::DaemonProcess writer(NDB_WRITER_BINARY, with({}));
  const test::DaemonProcess reader_b(NDB_READER_BINARY, with({"--shared-memory=false", "--poll-interval-ms", "5"}));
  auto client = writer.connect();
  call(client, "PUT", "/v1/collections/docs", R"({"dim":64,"distance":"dot"})");
  auto wait_a = reader_a.connect();
  auto wait_b = reader_b.connect();

  std::atomic<bool> done{false};
  std::atomic<int> looks{0};
  std::vector<std::string> problems(3);
  // Each write lets every client look a few times, so that the test is as long as its writes on any machine.
  std::array<std::counting_semaphore<>, 3> turn = {std::counting_semaphore<>(0), std::counting_semaphore<>(0),
                                                   std::counting_semaphore<>(0)};
  std::vector<std::thread> threads;
  const std::vector<const test::DaemonProcess*> daemons = {&writer, &reader_a, &reader_b};
  // Every client begins after the first batch is visible where it looks, so that a missing collection is no problem of its own.
  const auto first = call(client, "POST", "/v1/collections/docs/documents", batch_of(0, 1));
  const auto first_seq = first.at("seq").to_number<std::uint64_t>();
  for (auto* waiting : {&wait_a, &wait_b}) {
    for (;;) {  // until the reader has found the collection
      auto answer = waiting->request("GET", "/v1/collections/docs", {}, "");
      if (answer && answer->ok()) break;
    }
    CHECK(search_group(*waiting, 0, first_seq, false).version == 1);
  }
  for (std::size_t i = 0; i < daemons.size(); ++i)
    threads.emplace_back([&, i] {
      try {
        Client own(*daemons[i], static_cast<unsigned>(i + 1));
        for (;;) {
          turn[i].acquire();
          if (done) break;
          own.look();
        }
        looks += own.looks();
      } catch (const std::exception& error) {
        problems[i] = error.what();
      }
    });

  std::string problem_here;
  try {
    std::minstd_rand random(99);
    for (std::uint64_t version = 2; version <= kRounds; ++version) {
      for (auto& each : turn) each.release(kLooksPerWrite);
      const int group = static_cast<int>(random() % kGroups);
      const auto written = call(client, "POST", "/v1/collections/docs/documents", batch_of(group, version));
      const auto seq = written.at("seq").to_number<std::uint64_t>();
      auto& waiting = version % 2 == 0 ? wait_a : wait_b;
      CHECK(search_group(waiting, group, seq, version % 3 == 0).version == version);
      if (version % 20 == 0) call(client, "POST", "/v1/collections/docs/flush");
      if (version % 33 == 0) call(client, "POST", "/v1/collections/docs/compact?wait=true");
    }
  } catch (const std::exception& error) {
    problem_here = error.what();
  }
  done = true;
  for (auto& each : turn) each.release();
  for (auto& thread : threads) thread.join();
  CHECK(problem_here == "");
  for (const auto& problem : problems) CHECK(problem == "");
  CHECK(looks > 30);
  CHECK(writer.stop(SIGTERM) == 0);
}
