// The whole writer with its own threads and several clients, on a simulated disk that fails some call or loses power: what is decided
// by a seed is the fault, not the schedule. Each client replaces its own group of documents as a whole, so that every state of the
// disk can be judged by itself.
#include <array>
#include <atomic>
#include <numeric>
#include <thread>

#include "shared/base/clock.hpp"
#include "shared/base/log.hpp"
#include "tests/crash/state_check.hpp"
#include "tests/support/seeds.hpp"
#include "writer/collection_writer.hpp"

using namespace ndb;
using namespace ndb::test;

namespace {

constexpr int kClients = 3;
constexpr int kMembers = 3;
constexpr int kBatches = 12;

/// A writer of another host waits before it reads the old log; here the old one is dead.
class NeverWaits final : public base::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return base::system_clock().now(); }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return base::system_clock().wall_now(); }
  void sleep(std::chrono::milliseconds) const override {}
};
const NeverWaits kNeverWaits;

/// What one client knows of its group.
struct Known {
  int acknowledged = 0;
  int sent = 0;
};
using AllKnown = std::array<Known, kClients>;

std::string id_of(int client, int member) { return fmt::format("c{}-{}", client, member); }

format::WalBodyBuilder batch_of(int client, int version) {
  format::WalBodyBuilder body;
  for (int member = 0; member < kMembers; ++member)
    body.put(id_of(client, member), std::vector<float>{static_cast<float>(version), 1.0F}, {});
  return body;
}

/// Empty if every group is there as a whole, at a version that was sent and not before the last one that is promised.
std::string problem_in(const live::Snapshot& snapshot, Seq at, const AllKnown& known, bool promised) {
  std::string why;
  const auto all = walk(snapshot, at, why);
  if (!all) return why;
  for (int client = 0; client < kClients; ++client) {
    const auto [acknowledged, sent] = known[static_cast<std::size_t>(client)];
    std::vector<int> versions;
    for (int member = 0; member < kMembers; ++member)
      if (const auto found = all->find(id_of(client, member)); found != all->end()) versions.push_back(static_cast<int>(found->second));
    if (versions.empty() && (acknowledged == 0 || !promised)) continue;
    if (versions.size() != kMembers || std::ranges::count(versions, versions[0]) != kMembers)
      return fmt::format("half a batch of client {}", client);
    if (versions[0] > sent || (promised && versions[0] < acknowledged))
      return fmt::format("client {}: version {} is there; {} was acknowledged, {} sent", client, versions[0], acknowledged, sent);
  }
  return {};
}

class ThreadedLife {
 public:
  ThreadedLife(Durability durability, std::uint64_t seed)
      : durability_(durability), random_(seed), start_(sim::Image::with_folder(folder_.path())), disk_(start_) {
    // The lock is a real file.
    std::filesystem::create_directory(path_);
    must(writer::create_collection(disk_, folder_.path(), "docs", {.dim = 2, .distance = Distance::euclidean, .durability = durability}));
    options_.sync_interval = std::chrono::milliseconds(1);
    options_.gc_grace = std::chrono::milliseconds(0);
    options_.backpressure_timeout = std::chrono::milliseconds(100);  // a life in which flushing fails shall end soon
    options_.index_threads = 1;
    options_.index_min_rows = 2;
  }

  [[nodiscard]] bool met_the_fault() const noexcept { return *calls_ >= at_; }
  [[nodiscard]] int acknowledged() const {
    return std::accumulate(known_.begin(), known_.end(), 0, [](int sum, const Known& known) { return sum + known.acknowledged; });
  }

  std::string run() {
    fail_something();
    auto writer = writer::CollectionWriter::open(disk_, path_, options_, false);
    if (writer) {
      write_beside_maintenance(**writer);
      const auto view = (*writer)->state().view();
      if (auto why = problem_in(*view.snapshot, view.seq, known_, true); !why.empty()) return "searches in the process: " + why;
      static_cast<void>((*writer)->close());
      writer->reset();
    }
    disk_.clear_rule();
    if (auto why = problem_after_power_loss(); !why.empty()) return "after a power loss: " + why;
    const auto next = writer::CollectionWriter::open(disk_, path_, options_, false);
    if (!next) return "opening again: " + next.error().message;
    const auto view = (*next)->state().view();
    if (auto why = problem_in(*view.snapshot, view.seq, known_, true); !why.empty()) return "opened again: " + why;
    const auto written = (*next)->write(batch_of(0, kBatches + 1));
    return written ? "" : "writing again: " + written.error().message;
  }

 private:
  void fail_something() {
    using Kind = sim::Verdict::Kind;
    at_ = 1 + random_() % 400;  // most lives make as many calls
    const bool for_good = random_() % 2 == 0;
    const Error error = random_() % 2 == 0 ? Error{ErrorCode::io_error, "an I/O error of the test", {}}
                                           : Error{ErrorCode::no_space, "a full volume of the test", {}};
    const sim::Verdict verdict{std::array{Kind::refuse, Kind::half, Kind::lost}[random_() % 3], error};
    disk_.set_rule([=, calls = calls_, at = at_](Call, const fs::Path&) -> std::optional<sim::Verdict> {
      const auto call = ++*calls;
      if (call == at || (for_good && call > at)) return verdict;
      return {};
    });
  }

  void write_beside_maintenance(writer::CollectionWriter& writer) {
    std::vector<std::jthread> clients;
    for (std::size_t client = 0; client < kClients; ++client)
      clients.emplace_back([&writer, client, &known = known_[client]] {
        for (int version = 1; version <= kBatches; ++version) {
          known.sent = version;
          if (!writer.write(batch_of(static_cast<int>(client), version))) return;
          known.acknowledged = version;
        }
      });
    // The first failure ends it: a writer tries again only after a second.
    if (writer.flush(true) && writer.rebuild_index(true) && writer.flush(true)) static_cast<void>(writer.compact(true));
  }

  [[nodiscard]] std::string problem_after_power_loss() {
    sim::PowerLoss loss(start_);
    for (const auto& op : disk_.journal()) loss.apply(op);
    for (int i = 0; i < 3; ++i) {
      std::vector<sim::Fate> fates(loss.units());
      for (auto& fate : fates) fate = i == 0 ? sim::Fate::lost : static_cast<sim::Fate>(random_() % 3);
      sim::SimDisk left(loss.left(fates, random_));
      const auto taken = writer::take_over(left, path_, "1@after", kNeverWaits);
      if (!taken) return taken.error().message;
      const auto view = taken->state->view();
      if (auto why = problem_in(*view.snapshot, view.seq, known_, durability_ == Durability::sync); !why.empty()) return why;
    }
    return {};
  }

  const Durability durability_;
  std::mt19937_64 random_;
  TempFolder folder_;
  const fs::Path path_ = folder_.path() / "docs";
  const sim::Image start_;
  sim::SimDisk disk_;
  writer::WriterOptions options_;
  AllKnown known_{};
  std::uint64_t at_ = 0;  // the call that fails
  std::shared_ptr<std::atomic<std::uint64_t>> calls_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace

TEST_CASE("with all its threads, a writer whose disk fails keeps what it acknowledged, and opens again by itself") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  int lives = 0, met = 0, acknowledged = 0;
  for (const auto seed : seeds(300))
    for (const auto durability : {Durability::buffered, Durability::sync}) {
      INFO("the same fault again, with another schedule: NDB_TEST_SEED=" << seed
           << " ctest --test-dir build/release -R writer_threads --output-on-failure");
      ThreadedLife life(durability, seed);
      REQUIRE(life.run() == "");
      ++lives;
      met += life.met_the_fault() ? 1 : 0;
      acknowledged += life.acknowledged();
    }
  if (lives >= 100) {  // of a few, all may miss it
    CHECK(met > lives / 4);
    CHECK(acknowledged > lives);
  }
  fmt::print("{} lives of a threaded writer, the disk failed in {} of them; all of {} acknowledged batches kept\n", lives, met, acknowledged);
}

TEST_CASE("a buffered write becomes durable by itself") {
  TempFolder folder;
  const fs::Path path = folder.path() / "docs";
  std::filesystem::create_directory(path);
  const auto start = sim::Image::with_folder(folder.path());
  sim::SimDisk disk(start);
  must(writer::create_collection(disk, folder.path(), "docs", {.dim = 2, .distance = Distance::euclidean}));
  writer::WriterOptions options;
  options.sync_interval = std::chrono::milliseconds(10);
  const auto writer = writer::CollectionWriter::open(disk, path, options, false);
  must(writer);
  must((*writer)->write(batch_of(0, 1)));
  std::mt19937_64 random(1);
  for (Seq found{}; found == Seq{};) {  // ctest's timeout ends it if it never does
    sim::PowerLoss loss(start);
    for (const auto& op : disk.journal()) loss.apply(op);
    sim::SimDisk left(loss.left(std::vector<sim::Fate>(loss.units(), sim::Fate::lost), random));
    const auto taken = writer::take_over(left, path, "1@after", kNeverWaits);
    must(taken);
    found = taken->state->applied_seq();
  }
}
