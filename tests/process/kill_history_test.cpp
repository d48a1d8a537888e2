// A writer and two readers as real processes; the writer is killed at random again and again, the readers sometimes. Clients write the
// same groups of documents through the writer and look at them everywhere, all the time; what they saw must be explained by one order
// of events (recorded_history.hpp).
#include <signal.h>

#include <array>
#include <memory>
#include <optional>
#include <random>
#include <semaphore>
#include <set>
#include <thread>

#include "tests/process/recorded_history.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/json_api.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

namespace json = boost::json;
using namespace ndb;

namespace {

constexpr int kGroups = 4;
constexpr int kMembers = 3;
constexpr int kDim = 8;
constexpr int kWriters = 3;
constexpr int kMostAcknowledged = 35;  // in one round
constexpr int kLooksAfterEach = 25;    // of each reader's client, after each answer to a writer's

// Members of a group share their direction, so a search for it finds exactly the group.
json::array direction(int group) {
  json::array vector;
  for (int i = 0; i < kDim; ++i) vector.emplace_back(i == group ? 1.0 : 0.0);
  return vector;
}

std::string batch_of(int group, std::uint64_t version) {
  json::array documents;
  for (int member = 0; member < kMembers; ++member)
    documents.push_back({{"id", fmt::format("g{}-{}", group, member)}, {"vector", direction(group)},
                         {"payload", {{"version", version}, {"filler", std::string(700, 'z')}}}});
  return json::serialize(json::object{{"documents", std::move(documents)}});
}

struct Seen {
  std::uint64_t version = 0, seq = 0;
};

/// nullopt: no answer, because somebody died or is behind. Throws if the answer is not one whole version.
std::optional<Seen> look(http::Client& client, int group, std::uint64_t min_seq) {
  const json::object body{{"vector", direction(group)}, {"top_k", kMembers + 2}, {"approximate", false},
                          {"min_seq", min_seq}, {"timeout_ms", 60'000}};
  const auto answer = client.request("POST", "/v1/collections/docs/search", {}, json::serialize(body));
  if (!answer || !answer->ok()) return std::nullopt;
  const auto parsed = json::parse(answer->body);
  Seen seen{0, parsed.at("seq").to_number<std::uint64_t>()};
  if (seen.seq < min_seq) throw std::runtime_error("answered before min_seq");
  std::set<std::string> ids;
  for (const auto& match : parsed.at("matches").as_array()) {
    if (match.at("score").to_number<double>() < 0.9) continue;
    const auto version = match.at("payload").at("version").to_number<std::uint64_t>();
    if (!ids.empty() && version != seen.version) throw std::runtime_error("half a batch: " + answer->body);
    seen.version = version;
    ids.emplace(match.at("id").as_string());
  }
  if (!ids.empty() && ids.size() != kMembers) throw std::runtime_error("half a batch: " + answer->body);
  return seen;
}

class Cluster {
 public:
  Cluster(const std::string& durability, std::uint64_t seed) : random_(seed) {
    start_writer();
    auto client = writer_->connect();
    test::call(client, "PUT", "/v1/collections/docs",
               fmt::format(R"({{"dim":{},"distance":"dot","durability":"{}"}})", kDim, durability));
    for (std::size_t i = 0; i < readers_.size(); ++i) start_reader(i);
  }

  void round() {
    if (writer_ == nullptr) start_writer();
    done_ = false;
    std::counting_semaphore<> acknowledged(0);
    std::vector<std::thread> threads;
    for (int i = 0; i < kWriters; ++i)
      threads.emplace_back([&, view = 1000 * (kills_ + 1) + i, seed = random_()] {  // a new view with each writer
        guarded([&] { write_and_look_back(view, seed, acknowledged); });
        acknowledged.release(kMostAcknowledged);  // whatever ended it, nobody waits for it
      });
    for (std::size_t i = 0; i < readers_.size(); ++i)
      threads.emplace_back([&, i, seed = random_()] { guarded([&] { keep_looking(i, seed); }); });
    for (std::uint64_t left = 5 + random_() % (kMostAcknowledged - 5); left > 0; --left) acknowledged.acquire();
    if (random_() % 4 == 0) {
      const std::size_t victim = random_() % readers_.size();
      readers_[victim]->stop(SIGKILL);
      ++kills_;
    }
    writer_->stop(SIGKILL);
    ++kills_;
    done_ = true;
    note_event();
    for (auto& thread : threads) thread.join();
    writer_.reset();
    for (std::size_t i = 0; i < readers_.size(); ++i)
      if (readers_[i]->pid() < 0) start_reader(i);
  }

  [[nodiscard]] std::string problem() const { return problem_.empty() ? history_.problem() : problem_; }
  [[nodiscard]] int kills() const noexcept { return kills_; }
  [[nodiscard]] const test::RecordedHistory& history() const noexcept { return history_; }

 private:
  [[nodiscard]] std::vector<std::string> arguments(std::vector<std::string> more) const {
    more.insert(more.end(), {"--data-dir", folder_.path().string(), "--memtable-mb", "1", "--index-min-rows", "20", "--index-threads", "1"});
    return more;
  }
  void start_writer() { writer_ = std::make_unique<test::DaemonProcess>(NDB_WRITER_BINARY, arguments({})); }
  // The second reader polls, as on another host.
  void start_reader(std::size_t i) {
    readers_[i] = std::make_unique<test::DaemonProcess>(
        NDB_READER_BINARY, i == 0 ? arguments({}) : arguments({"--shared-memory=false", "--poll-interval-ms", "5"}));
    ++generation_;
  }

  template <class F>
  void guarded(F f) {
    try {
      f();
    } catch (const std::exception& error) {
      const std::scoped_lock lock(problem_mutex_);
      if (problem_.empty()) problem_ = error.what();
    }
  }

  // Each acknowledged write is looked for at once: at the writer, and (with min_seq) at a reader.
  void write_and_look_back(int view, std::uint64_t seed, std::counting_semaphore<>& acknowledged) {
    std::minstd_rand random(static_cast<unsigned>(seed));
    auto client = http::Client::connect(writer_->url());
    auto reader = http::Client::connect(readers_[random() % readers_.size()]->url());
    while (client && reader) {
      test::WriteEvent write{.group = static_cast<int>(random() % kGroups), .version = next_version_.fetch_add(1) + 1, .sent = history_.now()};
      const auto answer = client->request("POST", "/v1/collections/docs/documents", {}, batch_of(write.group, write.version));
      if (answer && answer->ok()) {
        write.seq = json::parse(answer->body).at("seq").to_number<std::uint64_t>();
        write.acknowledged = history_.now();
      }
      // Without an answer the writer is dead: nothing can happen to it that the next writer does not do before it writes itself.
      if (!answer || answer->ok()) write.over = history_.now();
      history_.add(write);
      note_event();
      if (!answer) return;
      if (!answer->ok()) {
        if (answer->status != 429 && answer->status != 503) throw std::runtime_error("a write is refused: " + answer->body);
        continue;
      }
      acknowledged.release();
      if (!record_look(*client, view, write.group, 0, true)) return;
      // What was acknowledged can be waited for at any reader, unless that has just been killed.
      if (random() % 3 == 0 && !record_look(*reader, view + 500, write.group, write.seq, false))
        reader = http::Client::connect(writer_->url());
      if (random() % 40 == 0) static_cast<void>(client->request("POST", "/v1/collections/docs/compact", {}, ""));
      if (random() % 25 == 0) static_cast<void>(client->request("POST", "/v1/collections/docs/flush", {}, ""));
    }
  }

  void note_event() {
    events_.fetch_add(1);
    events_.notify_all();
  }

  void keep_looking(std::size_t i, std::uint64_t seed) {
    std::minstd_rand random(static_cast<unsigned>(seed));
    auto client = http::Client::connect(readers_[i]->url());
    const int view = -static_cast<int>(i + 1) - 10 * generation_;  // goes on through the deaths of writers
    while (client && !done_) {
      const auto events = events_.load();
      for (int looks = 0; looks < kLooksAfterEach && !done_; ++looks)
        static_cast<void>(record_look(*client, view, static_cast<int>(random() % kGroups), 0, false));
      if (!done_) events_.wait(events);
    }
  }

  bool record_look(http::Client& client, int view, int group, std::uint64_t min_seq, bool at_the_writer) {
    const auto begun = history_.now();
    const auto seen = look(client, group, min_seq);
    if (!seen) return false;
    history_.add(test::ReadEvent{.client = view, .group = group, .version = seen->version, .seq = seen->seq,
                                 .not_before = at_the_writer ? begun : 0, .ended = history_.now()});
    return true;
  }

  std::mt19937_64 random_;
  test::TempFolder folder_;
  test::RecordedHistory history_;
  std::unique_ptr<test::DaemonProcess> writer_;
  std::array<std::unique_ptr<test::DaemonProcess>, 2> readers_;
  std::atomic<std::uint64_t> next_version_{0};
  std::atomic<std::uint64_t> events_{0};  // answers to writers, and the end of a round
  std::atomic<bool> done_{false};         // the round is over
  int generation_ = 0;
  int kills_ = 0;
  std::mutex problem_mutex_;
  std::string problem_;
};

}  // namespace

TEST_CASE("through random kills of writer and readers, what every client sees is explained by one order of events") {
#ifdef NDB_SANITIZED
  constexpr int kRounds = 8;  // a daemon takes long to start
#else
  constexpr int kRounds = 30;
#endif
  for (const auto seed : test::seeds(1))
    for (const std::string durability : {"buffered", "sync"}) {
      INFO(durability << "; the same kills again, with other schedules: NDB_TEST_SEED=" << seed
                      << " ctest --test-dir build/release -R process_kill_history --output-on-failure");
      Cluster cluster(durability, seed);
      for (int round = 0; round < kRounds && cluster.problem().empty(); ++round) cluster.round();
      REQUIRE(cluster.problem() == "");
      const auto& history = cluster.history();
      fmt::print("{}: {} kills, a history of {} writes ({} never acknowledged) and {} reads explained\n", durability, cluster.kills(),
                 history.writes(), history.unacknowledged(), history.reads());
    }
}
