// Backups are made by the real tool, in a process of its own, while another process writes as fast as it can, flushes, merges, and deletes
// what no reader pins. Each must restore to the exact state at one sequence number, and that one not before the last write that was
// acknowledged when the backup began: a hash over all documents says so.
#include <fmt/format.h>

#include <atomic>
#include <boost/json.hpp>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "ndb/ndb.hpp"
#include "shared/base/crc32c.hpp"
#include "tests/support/must.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/tool_process.hpp"

using namespace ndb;

namespace {

constexpr int kBackups = 6;
constexpr int kIds = 4'000;
constexpr std::uint64_t kFreshWrites = 3'000;  // between two backups
constexpr std::uint32_t kDim = 32;

/// An operation as it was acknowledged; version 0 removes.
struct Op {
  std::string id;
  std::uint64_t version = 0;
};

class Ingest {
 public:
  Ingest(const std::filesystem::path& data, std::uint64_t seed) : random_(seed) {
    database_ = test::must(Database::open(data, {.memtable_bytes = 512U << 10, .gc_grace = std::chrono::milliseconds(50), .index_min_rows = 500}));
    docs_ = test::must(database_->create_collection("docs", {.dim = kDim, .distance = Distance::dot}));
    thread_ = std::jthread([this](const std::stop_token& stop) { while (!stop.stop_requested()) write_batch(); });
  }

  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_.load(); }
  /// A hash over the documents as they were at `seq`.
  [[nodiscard]] std::uint32_t hash_at(std::uint64_t seq) {
    const std::scoped_lock lock(mutex_);
    std::map<std::string, std::uint64_t> state;
    for (std::size_t i = 0; i < seq && i < ops_.size(); ++i)
      if (ops_[i].version > 0) state[ops_[i].id] = ops_[i].version;
      else state.erase(ops_[i].id);
    std::string text;
    for (const auto& [id, version] : state) text += fmt::format("{} {} {}\n", id, version, version);
    return base::crc32c(base::as_bytes(text));
  }

 private:
  void write_batch() {
    if (random_() % 8 == 0) {
      const auto id = fmt::format("d{}", random_() % kIds);
      const auto removed = docs_->remove(id);
      if (removed) note({{id, 0}}, removed->seq);
      return;
    }
    std::vector<Document> batch;
    std::vector<Op> ops;
    for (int i = 0; i < 20; ++i) {
      ops.push_back({fmt::format("d{}", random_() % kIds), ++version_});
      std::vector<float> vector(kDim, 1.0F);
      vector[0] = static_cast<float>(version_);
      batch.push_back({.id = ops.back().id, .vector = std::move(vector), .payload = fmt::format(R"({{"version":{}}})", version_)});
    }
    const auto written = docs_->insert_batch(batch);
    if (!written) std::abort();  // what is tested would mean nothing
    note(std::move(ops), written->seq);
  }
  void note(std::vector<Op> ops, Seq last) {
    const std::scoped_lock lock(mutex_);
    for (auto& op : ops) ops_.push_back(std::move(op));
    if (ops_.size() != last.value) std::abort();  // numbers are dense, and nobody else writes
    acknowledged_.store(last.value);
  }

  std::mt19937_64 random_;
  std::uint64_t version_ = 0;
  std::optional<Database> database_;
  std::optional<Collection> docs_;
  std::mutex mutex_;
  std::vector<Op> ops_;  // by seq - 1
  std::atomic<std::uint64_t> acknowledged_{0};
  std::jthread thread_;
};

std::uint32_t hash_of(const std::string& exported) {
  std::map<std::string, std::string> state;
  std::istringstream lines(exported);
  for (std::string line; std::getline(lines, line);) {
    const auto document = boost::json::parse(line);
    const std::string id(document.at("id").as_string());
    state[id] = fmt::format("{} {} {}\n", id, document.at("payload").at("version").to_number<std::uint64_t>(), document.at("vector").at(0).to_number<double>());
  }
  std::string text;
  for (const auto& [id, one] : state) text += one;
  return base::crc32c(base::as_bytes(text));
}

}  // namespace

TEST_CASE("a backup made during heavy ingest holds every write acknowledged before it began") {
  for (const auto seed : test::seeds(1)) {
    CAPTURE(seed);
    const test::TempFolder folder;
    const auto data = folder.path() / "data";
    const auto output = folder.path() / "output";
    Ingest ingest(data, seed);
    std::string earlier;
    for (int i = 0; i < kBackups; ++i) {
      CAPTURE(i);
      const auto wanted = ingest.acknowledged() + kFreshWrites;
      while (ingest.acknowledged() < wanted) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const auto backup = (folder.path() / fmt::format("backup-{}", i)).string(), restored = (folder.path() / fmt::format("restored-{}", i)).string();
      std::vector<std::string> words = {"backup", backup, "--data-dir", data.string(), "--json", "-q"};
      if (i % 2 == 1) words.insert(words.end(), {"--against", earlier, "--copy"});
      const auto before = ingest.acknowledged();
      const auto made = boost::json::parse(test::run_tool(NDB_TOOL_BINARY, words, output)).as_object();
      const auto seq = made.at("collections").at(0).at("seq").to_number<std::uint64_t>();
      CHECK(seq >= before);
      test::run_tool(NDB_TOOL_BINARY, {"verify", "--data-dir", backup, "-q"}, output);
      test::run_tool(NDB_TOOL_BINARY, {"restore", backup, "--data-dir", restored, "-q"}, output);
      CHECK(hash_of(test::run_tool(NDB_TOOL_BINARY, {"export", "docs", "--data-dir", restored}, output)) == ingest.hash_at(seq));
      CHECK(hash_of(test::run_tool(NDB_TOOL_BINARY, {"export", "docs", "--data-dir", backup}, output)) == ingest.hash_at(seq));
      earlier = backup;
    }
  }
}
