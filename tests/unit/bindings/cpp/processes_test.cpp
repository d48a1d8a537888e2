// Several processes on one folder. Children are forked before the parent opens anything: threads do not survive a fork.
#include <fcntl.h>
#include <sys/stat.h>

#include "ipc/shm/control_block.hpp"
#include "reader/follower.hpp"
#include "tests/support/child_process.hpp"
#include "tests/unit/bindings/cpp/embedded_bench.hpp"

using namespace ndb;
using test::ChildProcess;
using test::document;

namespace {

constexpr auto kLongEnough = std::chrono::seconds(60);
constexpr uid_t kNobody = 65'534;

// Time that stands still, so that nothing happens because it has passed.
class StoppedClock final : public base::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return start_; }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return {}; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Collection collection(Database& db) { return test::must(db.get_collection("docs")); }

/// Creates the collection, inserts `ids`, says "ready" and waits to be told what to do: "close", or anything that ends it.
int writer_body(const std::filesystem::path& path, const std::vector<std::string>& ids, const ChildProcess::Line& line) {
  auto db = Database::open(path);
  if (!db) return 1;
  if (!db->has_collection("docs") && !db->create_collection("docs", {.dim = 3})) return 2;
  auto docs = db->get_collection("docs");
  if (!docs) return 3;
  for (const auto& id : ids)
    if (!docs->insert(document(id, 1))) return 4;
  line.say("ready");
  for (auto word = line.hear(); word != "close"; word = line.hear()) {
    if (word.empty()) return 5;
    const auto written = docs->insert(document(word, 2));
    line.say(written ? std::to_string(written->seq.value) : "failed");
  }
  return db->close() ? 0 : 6;
}

}  // namespace

TEST_CASE("a collection that another process writes to is locked for writing, and the error names its pid") {
  const test::TempFolder folder;
  ChildProcess writer([&](const auto& line) { return writer_body(folder.path(), {"a"}, line); });
  REQUIRE(writer.hear() == "ready");
  auto db = test::must(Database::open(folder.path()));
  auto docs = collection(db);
  for (const auto& refused : {docs.insert(document("b", 1)), docs.remove("a")}) {
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::collection_locked);
    CHECK(test::contains(refused.error().message, "pid " + std::to_string(writer.pid())));
  }
  CHECK(docs.flush().error().code == ErrorCode::collection_locked);
  CHECK(docs.acquire_write_lock().error().code == ErrorCode::collection_locked);
  writer.say("later");
  const Seq seq{std::stoull(writer.hear())};
  test::must(docs.wait_for(seq, kLongEnough));
  CHECK(docs.get("later"));  // reading goes on beside the writer
  writer.say("close");
  CHECK(writer.join() == 0);
  test::must(docs.insert(document("b", 1)));
  CHECK(docs.count().value() == 3);
}

TEST_CASE("dropping a collection that another process writes to is refused, and changes nothing here either") {
  const test::TempFolder folder;
  ChildProcess writer([&](const auto& line) { return writer_body(folder.path(), {"a"}, line); });
  REQUIRE(writer.hear() == "ready");
  auto db = test::must(Database::open(folder.path()));
  auto docs = collection(db);
  CHECK(db.drop_collection("docs").error().code == ErrorCode::collection_locked);
  CHECK(db.has_collection("docs"));
  const auto got = docs.get("a");
  CHECK(got.has_value());
  if (!got) CHECK(got.error().message.empty());  // shows what it says instead
  writer.say("b");
  const Seq seq{std::stoull(writer.hear())};
  CHECK(docs.wait_for(seq, kLongEnough));
  writer.say("close");
  CHECK(writer.join() == 0);
}

TEST_CASE("after kill -9 of a writer the next one takes over without manual steps, with every acknowledged write") {
  const test::TempFolder folder;
  std::vector<std::string> acknowledged;
  for (int round = 0; round < 3; ++round) {
    const auto first = "first-" + std::to_string(round);
    ChildProcess writer([&](const auto& line) { return writer_body(folder.path(), {first}, line); });
    REQUIRE(writer.hear() == "ready");
    acknowledged.push_back(first);
    for (int i = 0; i < 20; ++i) {
      const auto id = std::to_string(round) + "-" + std::to_string(i);
      writer.say(id);
      REQUIRE(writer.hear() != "failed");
      acknowledged.push_back(id);
    }
    writer.kill();
    CHECK(writer.join() == -SIGKILL);
    auto db = test::must(Database::open(folder.path()));
    auto docs = collection(db);
    CHECK(docs.get_many(acknowledged)->missing.empty());
    const auto id = "parent-" + std::to_string(round);
    test::must(docs.insert(document(id, 1)));
    acknowledged.push_back(id);
    if (round == 1) test::must(docs.flush());
    CHECK(docs.count().value() == acknowledged.size());
    test::must(db.close());
  }
}

TEST_CASE("the first mutation sees what another process wrote just before, though this one followed it lazily") {
  const test::TempFolder folder;
  ChildProcess writer([&](const auto& line) { return writer_body(folder.path(), {"a"}, line); });
  REQUIRE(writer.hear() == "ready");
  const DatabaseOptions lazy{.poll_interval = std::chrono::hours(1), .shared_memory = false};
  auto db = test::must(Database::open(folder.path(), lazy));
  auto docs = collection(db);
  CHECK(docs.count().value() == 1);
  writer.say("b");
  REQUIRE(writer.hear() == "2");
  writer.say("close");
  REQUIRE(writer.join() == 0);
  const auto removed = docs.remove("b");
  CHECK(removed.has_value());
  CHECK(docs.count().value() == 1);
}

TEST_CASE("reading needs no write permission, and leaves no trace") {
  const test::TempFolder folder;
  {
    auto db = test::must(Database::open(folder.path()));
    auto docs = test::must(db.create_collection("docs", {.dim = 3}));
    test::must(docs.insert(document("flushed", 1)));
    test::must(docs.flush());
    test::must(docs.insert(document("logged", 2)));
    test::must(db.close());
  }
  namespace stdfs = std::filesystem;
  std::size_t files = 0;
  for (const auto& entry : stdfs::recursive_directory_iterator(folder.path())) {
    stdfs::permissions(entry.path(), entry.is_directory() ? stdfs::perms(0555) : stdfs::perms(0444));
    ++files;
  }
  stdfs::permissions(folder.path(), stdfs::perms(0555));
  ChildProcess reader([&](const auto&) {
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) return 1;
    for (const bool read_only : {true, false}) {
      auto db = Database::open(folder.path(), {.read_only = read_only});
      if (!db) return 2;
      auto docs = db->get_collection("docs");
      if (!docs) return 3;
      if (docs->count().value_or(0) != 2 || !docs->get("flushed") || !docs->get("logged")) return 4;
      if (const auto hits = docs->search(Search({1, 1, 2})); !hits || hits->size() != 2) return 5;
      const auto refused = docs->insert(document("x", 1));
      if (refused) return 6;
      if (refused.error().code != (read_only ? ErrorCode::read_only : ErrorCode::permission_denied)) return 7;
      if (docs->count().value_or(0) != 2) return 8;
    }
    return 0;
  });
  CHECK(reader.join() == 0);
  std::size_t after = 0;
  for (const auto& entry : stdfs::recursive_directory_iterator(folder.path())) after += entry.exists() ? 1U : 0U;
  CHECK(after == files);
  stdfs::permissions(folder.path(), stdfs::perms(0755));
  for (const auto& entry : stdfs::recursive_directory_iterator(folder.path()))
    if (entry.is_directory()) stdfs::permissions(entry.path(), stdfs::perms(0755));
}

TEST_CASE("a follower goes on when the writer is killed and another takes over") {
  const test::TempFolder folder;
  ChildProcess first([&](const auto& line) { return writer_body(folder.path(), {"a"}, line); });
  REQUIRE(first.hear() == "ready");
  ChildProcess second([&](const auto& line) {
    if (line.hear() != "go") return 9;
    return writer_body(folder.path(), {"b"}, line);
  });
  auto db = test::must(Database::open(folder.path(), {.read_only = true}));
  const auto docs = collection(db);
  test::must(docs.wait_for(Seq{1}, kLongEnough));
  first.kill();
  first.join();
  CHECK(docs.get("a"));
  second.say("go");
  REQUIRE(second.hear() == "ready");
  test::must(docs.wait_for(Seq{2}, kLongEnough));
  CHECK(docs.get("b"));
  CHECK(docs.count().value() == 2);
  second.say("close");
  CHECK(second.join() == 0);
}

TEST_CASE("a reader that was there before any writer finds the first one's wake-ups at its next look, not a while later") {
  const test::TempFolder folder;
  auto db = test::must(Database::open(folder.path()));
  auto docs = test::must(db.create_collection("docs", {.dim = 3}));
  ipc::ControlBlock::remove(test::must(ipc::control_block_key(folder.path() / "docs")));
  const StoppedClock clock;
  const auto follower = reader::Follower::open(fs::posix_file_system(), folder.path() / "docs", {.poll_interval = std::chrono::milliseconds(5)}, clock);
  REQUIRE(follower.has_value());
  test::must(docs.insert(document("a", 1)));
  const auto end = std::chrono::steady_clock::now() + kLongEnough;
  while (test::must(docs.replicas()).empty() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  CHECK_FALSE(docs.replicas()->empty());
}
