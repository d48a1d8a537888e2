// What searches see while the structure under them changes: a thousand manifests, each with a segment more, two merged into one, a graph more
// or less. Groups of documents are replaced as atomic batches; every answer must hold one whole version of a group, with true scores, and never an
// older version than the same reader saw before; here, and in an engine that follows through the files alone.
#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <string_view>
#include <thread>

#include "ndb/ndb.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/must.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using test::must;

namespace {

constexpr std::uint32_t kDim = 64;
constexpr int kGroups = 8;
constexpr int kMembers = 6;
constexpr int kOthers = 800;   // documents around the groups, so that there is something to walk through
constexpr std::uint64_t kSwaps = test::kSanitized ? 250 : 1'000;

// Members of a group have its direction, each a little of its own.
std::vector<float> member_vector(int group, int member) {
  std::vector<float> vector(kDim, 0.0F);
  vector[static_cast<std::size_t>(group)] = 1.0F;
  vector[static_cast<std::size_t>(kGroups + member)] = 0.01F;
  return vector;
}

std::vector<float> other_vector(std::mt19937_64& random) {
  std::normal_distribution<float> normal(0.0F, 0.05F);
  std::vector<float> vector(kDim);
  for (auto& x : vector) x = normal(random);
  return vector;
}

std::string member_id(int group, int member) { return "g" + std::to_string(group) + "-" + std::to_string(member); }

std::vector<Document> group_documents(int group, std::uint64_t version) {
  std::vector<Document> documents;
  for (int member = 0; member < kMembers; ++member)
    documents.push_back({.id = member_id(group, member), .vector = member_vector(group, member),
                         .payload = R"({"group":)" + std::to_string(group) + R"(,"version":)" + std::to_string(version) + "}"});
  return documents;
}

std::uint64_t version_of(const std::string& payload) { return std::stoull(payload.substr(payload.rfind(':') + 1)); }

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

// In any thread.
template <class T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

// Looks at groups in all ways; what it throws is wrong.
class Reader {
 public:
  Reader(Collection docs, std::uint64_t seed) : docs_(std::move(docs)), random_(seed) {}

  void look() {
    const int group = static_cast<int>(random_() % kGroups);
    switch (random_() % 4) {
      case 0: get(group); break;
      case 1: search("exact", group, Search(member_vector(group, 0)).approximate(false)); break;
      case 2: search("filtered", group, Search(member_vector(group, 1)).filter(Filter::eq("group", group))); break;
      default: search("approximate", group, Search(member_vector(group, 2)).ef(100)); break;
    }
    if (random_() % 8 == 0)
      require(value(docs_.count(Filter::exists("group"))) == std::uint64_t{kGroups} * kMembers, "the groups have too few or too many documents");
    ++looks_;
  }
  /// Or not long, so that the writer gets its turn.
  void wait_for_change() const { static_cast<void>(docs_.wait_for(last_seq_.next(), std::chrono::milliseconds(20))); }
  [[nodiscard]] std::uint64_t looks() const noexcept { return looks_; }
  /// Of the members that approximate searches could have found.
  [[nodiscard]] double recall() const noexcept { return wanted_ == 0 ? 1.0 : static_cast<double>(found_) / static_cast<double>(wanted_); }

 private:
  // By graph, which may miss a few, as many as there are; otherwise all.
  void saw(const char* how, int group, const std::vector<std::pair<std::string, std::string>>& members) {
    std::set<std::string> ids;
    for (const auto& [id, payload] : members) {
      ids.insert(id);
      require(version_of(payload) == version_of(members.front().second), "group " + std::to_string(group) + " is mixed of versions");
    }
    require(!members.empty(), std::string(how) + ": a group is missing");
    require(ids.size() == members.size(), std::string(how) + ": a member is there twice");
    const bool may_miss = std::string_view(how) == "approximate";
    if (may_miss) wanted_ += kMembers, found_ += members.size();
    require(may_miss || members.size() == kMembers,
            std::string(how) + ": group " + std::to_string(group) + " has " + std::to_string(members.size()) + " members of " + std::to_string(ids.size()) + " ids");
    const auto version = version_of(members.front().second);
    require(version >= versions_[group], "an older version than before");
    versions_[group] = version;
  }

  void get(int group) {
    std::vector<std::string> ids;
    for (int member = 0; member < kMembers; ++member) ids.push_back(member_id(group, member));
    std::vector<std::pair<std::string, std::string>> members;
    for (const auto& document : value(docs_.get_many(ids)).documents) members.emplace_back(document.id, document.payload);
    saw("get", group, members);
  }

  void search(const char* how, int group, Search search) {
    const std::vector<float> query(search.query().begin(), search.query().end());
    const auto result = value(docs_.search(search.top_k(kMembers + 4).with_vector(true)));
    require(result.seq >= last_seq_, "the sequence number went back");
    last_seq_ = result.seq;
    std::vector<std::pair<std::string, std::string>> members;
    double before = 1e9;
    for (const auto& match : result) {
      double score = 0.0;
      for (std::size_t i = 0; i < kDim; ++i) score += static_cast<double>(query[i]) * static_cast<double>(match.vector[i]);
      require(std::abs(score - match.score) < 1e-4, "a score is not that of its vector");
      require(match.score <= before, "matches are out of order");
      before = match.score;
      if (match.score > 0.9) members.emplace_back(match.id, match.payload);
    }
    saw(how, group, members);
  }

  Collection docs_;
  std::mt19937_64 random_;
  Seq last_seq_{};
  std::uint64_t versions_[kGroups] = {};
  std::uint64_t looks_ = 0, wanted_ = 0, found_ = 0;
};

// Changes documents and structure until there were so many manifests.
void change_until(Collection& docs, std::uint64_t manifests, std::mt19937_64& random, const std::atomic<bool>& stop) {
  std::uint64_t version = 1;
  const auto first = must(docs.stats()).manifest_version.value;
  for (std::uint64_t published = first; published < first + manifests && !stop;) {
    for (int i = 0; i < 3; ++i) must(docs.insert_batch(group_documents(static_cast<int>(random() % kGroups), ++version)));
    std::vector<Document> others(20 + random() % 100);
    for (auto& other : others) other = {.id = "o" + std::to_string(random() % kOthers), .vector = other_vector(random), .payload = "{}"};
    must(docs.insert_batch(others));
    if (random() % 4 == 0) must(docs.remove_many(std::vector<std::string>{others.front().id, "o1"}));
    switch (random() % 12) {
      case 0: case 1: published = must(docs.flush(false)).value; break;
      case 2: published = must(docs.compact()).value; break;
      case 3: published = must(docs.rebuild_index()).value; break;
      case 4: published = must(docs.delete_index()).value; break;
      case 5: published = must(docs.compact(false)).value; break;
      default: published = must(docs.flush()).value; break;
    }
    published = std::max(published, must(docs.stats()).manifest_version.value);
  }
}

}  // namespace

TEST_CASE("a thousand changes of structure go by, and every answer is of one whole state") {
  for (const auto seed : test::seeds(1)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    const test::TempFolder folder;
    DatabaseOptions options{.memtable_bytes = 200'000, .poll_interval = std::chrono::milliseconds(1), .index_threads = 1, .index_min_rows = 100};
    auto db = must(Database::open(folder.path(), options));
    auto docs = must(db.create_collection("docs", {.dim = kDim, .distance = Distance::dot}));
    for (int group = 0; group < kGroups; ++group) must(docs.insert_batch(group_documents(group, 1)));
    options.read_only = true;
    auto follower = must(Database::open(folder.path(), options));
    auto followed = must(follower.get_collection("docs"));
    must(followed.wait_for(must(docs.stats()).seq));

    std::atomic<bool> done = false, failed = false;
    std::atomic<std::uint64_t> looks = 0;
    std::mutex mutex;
    std::vector<std::string> wrong;  // guarded by mutex
    double lowest_recall = 1.0;      // guarded by mutex
    std::vector<std::jthread> readers;
    for (int i = 0; i < 2; ++i)
      readers.emplace_back([&, i] {
        Reader reader(i == 0 ? docs : followed, seed * 10 + static_cast<std::uint64_t>(i));
        try {
          while (!done || reader.looks() < 50) {
            reader.look();
            if (reader.looks() % 16 == 0) reader.wait_for_change();
          }
        } catch (const std::exception& error) {
          const std::scoped_lock lock(mutex);
          wrong.emplace_back(error.what());
          failed = true;
        }
        looks += reader.looks();
        const std::scoped_lock lock(mutex);
        lowest_recall = std::min(lowest_recall, reader.recall());
      });
    std::mt19937_64 random(seed);
    change_until(docs, kSwaps, random, failed);
    done = true;
    readers.clear();
    for (const auto& what : wrong) FAIL_CHECK(what);
    CHECK(looks >= 100);
    CHECK(lowest_recall >= 0.95);
    must(followed.wait_for(must(docs.stats()).seq));
    Reader last(followed, seed);
    for (int i = 0; i < 200; ++i) last.look();
    CHECK(must(followed.count()) == must(docs.count()));
    WARN(looks << " looks, recall " << lowest_recall << " at least, at " << must(docs.stats()).manifest_version.value << " manifests");
  }
}
