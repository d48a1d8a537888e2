// Opening, sharing, closing and dropping.
#include <semaphore>
#include <thread>

#include "bindings/cpp/database_impl.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/unit/bindings/cpp/embedded_bench.hpp"

using namespace ndb;
using test::EmbeddedBench;
using test::document;

TEST_CASE("opening creates the folder, with its parents") {
  const test::TempFolder folder;
  const auto path = folder.path() / "a" / "b";
  const auto db = Database::open(path);
  REQUIRE(db);
  CHECK(std::filesystem::is_directory(path));
  CHECK(db->list_collections()->empty());
}

TEST_CASE("what is no folder cannot be opened") {
  const test::TempFolder folder;
  test::put_file(folder.path() / "file", {});
  CHECK_FALSE(Database::open(folder.path() / "file"));
  CHECK_FALSE(Database::open(folder.path() / "file" / "below"));
  CHECK(Database::open("").error().code == ErrorCode::invalid_argument);
  CHECK(Database::open(folder.path() / std::string("a\0b", 3)).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("one folder opened twice shares one engine, however its name is spelt") {
  EmbeddedBench bench;
  std::filesystem::create_directory_symlink(bench.path(), bench.path().string() + "-link");
  for (const auto& path : {bench.path(), bench.path() / ".", std::filesystem::path(bench.path().string() + "-link")}) {
    CAPTURE(path.string());
    const auto again = test::must(Database::open(path));
    auto docs = test::must(again.get_collection("docs"));
    const auto seq = test::must(docs.insert(document("a", 1))).seq;  // two engines would meet collection_locked here
    CHECK(bench.docs().stats()->seq == seq);
    test::must(bench.docs().insert(document("b", 1)));
  }
  std::filesystem::remove(bench.path().string() + "-link");
}

TEST_CASE("collections are created once, listed in order, and found by name") {
  EmbeddedBench bench;
  CHECK(bench.db.create_collection("docs", {.dim = 9}).error().code == ErrorCode::already_exists);
  CHECK(bench.docs().config().dim == 3);
  test::must(bench.db.create_collection("B", {.dim = 1}));
  test::must(bench.db.create_collection("a", {.dim = 1}));
  std::filesystem::create_directory(bench.path() / "stranger");
  test::put_file(bench.path() / "file", {});
  CHECK(bench.db.list_collections().value() == std::vector<std::string>{"B", "a", "docs"});
  CHECK(bench.db.has_collection("a"));
  CHECK_FALSE(bench.db.has_collection("stranger"));
  CHECK(bench.db.get_collection("stranger").error().code == ErrorCode::not_found);
  CHECK(bench.db.get_collection("nobody").error().code == ErrorCode::not_found);
}

TEST_CASE("after close every call of every handle is unavailable") {
  EmbeddedBench bench;
  auto docs = bench.docs();
  auto copy = bench.db;
  test::must(docs.insert(document("a", 1)));
  test::must(bench.db.close());
  test::must(bench.db.close());
  const auto unavailable = [](const auto& result) { return !result && result.error().code == ErrorCode::unavailable; };
  const std::vector<std::string> ids = {"a"};
  CHECK(unavailable(docs.insert(document("b", 1))));
  CHECK(unavailable(docs.get("a")));
  CHECK(unavailable(docs.get_many(ids)));
  CHECK(unavailable(docs.remove("a")));
  CHECK(unavailable(docs.remove_many(ids)));
  CHECK(unavailable(docs.remove_where({})));
  CHECK(unavailable(docs.search(Search({1, 2, 3}))));
  CHECK(unavailable(docs.count()));
  CHECK(unavailable(docs.scroll({}, 10)));
  CHECK(unavailable(docs.flush()));
  CHECK(unavailable(docs.compact()));
  CHECK(unavailable(docs.rebuild_index()));
  CHECK(unavailable(docs.delete_index()));
  CHECK(unavailable(docs.stats()));
  CHECK(unavailable(docs.manifest()));
  CHECK(unavailable(docs.wait_for(Seq{1})));
  CHECK(unavailable(docs.acquire_write_lock()));
  CHECK_FALSE(docs.has_index());
  CHECK(unavailable(copy.get_collection("docs")));
  CHECK(unavailable(copy.create_collection("new", {.dim = 1})));
  CHECK(unavailable(copy.list_collections()));
  CHECK_FALSE(copy.has_collection("docs"));
  CHECK(unavailable(copy.drop_collection("docs")));
}

TEST_CASE("a folder that was closed can be opened again while old handles still exist") {
  EmbeddedBench bench;
  auto old = bench.docs();
  test::must(old.insert(document("a", 1)));
  test::must(bench.db.close());
  auto again = test::must(Database::open(bench.path()));
  auto docs = test::must(again.get_collection("docs"));
  CHECK(docs.get("a"));
  test::must(docs.insert(document("b", 1)));
  CHECK(old.get("a").error().code == ErrorCode::unavailable);
}

TEST_CASE("a collection's handle keeps its database open") {
  const test::TempFolder folder;
  std::optional<Collection> docs;
  {
    auto db = test::must(Database::open(folder.path()));
    docs = test::must(db.create_collection("docs", {.dim = 3}));
  }
  test::must(docs->insert(document("a", 1)));
  CHECK(docs->get("a"));
}

TEST_CASE("dropping while another handle exists ends that handle and frees the name") {
  EmbeddedBench bench;
  auto old = bench.docs();
  test::must(old.insert(document("a", 1)));
  test::must(bench.db.drop_collection("docs"));
  CHECK_FALSE(bench.db.has_collection("docs"));
  CHECK(old.get("a").error().code == ErrorCode::not_found);
  CHECK(old.insert(document("b", 1)).error().code == ErrorCode::not_found);
  CHECK(bench.db.drop_collection("docs").error().code == ErrorCode::not_found);
  auto fresh = test::must(bench.db.create_collection("docs", {.dim = 2}));
  CHECK(fresh.count().value() == 0);
  test::must(fresh.insert({"a", std::vector<float>{1, 2}, {}}));
  CHECK(old.get("a").error().code == ErrorCode::not_found);
  CHECK(std::filesystem::directory_iterator(bench.path()) != std::filesystem::directory_iterator());
}

TEST_CASE("many threads that drop one collection: one succeeds, the others find none") {
  for (int round = 0; round < 10; ++round) {
    EmbeddedBench bench;
    test::must(bench.docs().insert(document("a", 1)));
    std::atomic<int> dropped{0}, others{0}, waiting{0};
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
          ++waiting;
          while (waiting < 4) {}
          const auto status = bench.db.drop_collection("docs");
          if (status) ++dropped;
          else if (status.error().code == ErrorCode::not_found) ++others;
        });
    }
    CHECK(dropped == 1);
    CHECK(others == 3);
    CHECK(bench.db.list_collections()->empty());
  }
}

TEST_CASE("a read-only database writes nothing, not even beside a writer of its own process") {
  EmbeddedBench bench;
  auto reader = test::must(Database::open(bench.path(), {.read_only = true}));
  auto docs = test::must(reader.get_collection("docs"));
  const auto read_only = [](const auto& result) { return !result && result.error().code == ErrorCode::read_only; };
  CHECK(read_only(docs.insert(document("x", 1))));
  CHECK(read_only(docs.flush()));
  CHECK(read_only(docs.compact()));
  CHECK(read_only(docs.rebuild_index()));
  CHECK(read_only(docs.delete_index()));
  CHECK(read_only(docs.remove_where({})));
  CHECK(read_only(docs.acquire_write_lock()));
  CHECK(read_only(reader.create_collection("new", {.dim = 1})));
  CHECK(read_only(reader.drop_collection("docs")));
  const auto seq = test::must(bench.docs().insert(document("a", 1))).seq;
  test::must(docs.wait_for(seq, std::chrono::seconds(60)));
  CHECK(docs.get("a"));
  CHECK(docs.get("a")->vector == std::vector<float>{1, 1, 2});
  CHECK(read_only(docs.remove("a")));
  const std::vector<std::string> ids = {"a"};
  CHECK(read_only(docs.remove_many(ids)));
}

TEST_CASE("who waits at a reader for the first write of a new collection does not wait for the reader's next poll") {
  for (const bool waits_before : {false, true}) {
    EmbeddedBench bench;  // nobody has written: there is no shared memory yet
    const auto reader = test::must(Database::open(bench.path(), {.read_only = true, .poll_interval = std::chrono::hours(1)}));
    const auto docs = test::must(reader.get_collection("docs"));
    std::jthread waiting;
    if (waits_before) {
      std::binary_semaphore begun{0};
      waiting = std::jthread([&] {
        begun.release();
        test::must(docs.wait_for(Seq{1}, std::chrono::minutes(10)));
      });
      begun.acquire();
    }
    test::must(bench.docs().insert(document("a", 1)));
    test::must(docs.wait_for(Seq{1}, std::chrono::minutes(10)));
    CHECK(docs.get("a"));
  }
}

TEST_CASE("a reader may start before the folder and the collection exist") {
  const test::TempFolder folder;
  const auto path = folder.path() / "later";
  const auto reader = test::must(Database::open(path, {.read_only = true}));
  CHECK(reader.list_collections()->empty());
  CHECK(reader.get_collection("docs").error().code == ErrorCode::not_found);
  CHECK_FALSE(std::filesystem::exists(path));
  auto db = test::must(Database::open(path));
  auto docs = test::must(db.create_collection("docs", {.dim = 3}));
  const auto seq = test::must(docs.insert(document("a", 1))).seq;
  const auto seen = test::must(reader.get_collection("docs"));
  test::must(seen.wait_for(seq, std::chrono::seconds(60)));
  CHECK(seen.get("a"));
}

TEST_CASE("a collection that takes long to open keeps nobody from the others, and closing waits for it") {
  EmbeddedBench bench;
  for (const auto* name : {"slow", "other", "third"}) test::must(bench.db.create_collection(name, {.dim = 2}));
  test::FaultyFileSystem fs;
  std::binary_semaphore reached{0};
  std::binary_semaphore go_on{0};
  std::atomic<bool> stopped{false};
  fs.set_rule([&](test::Call, const fs::Path& path) -> std::optional<test::Fault> {
    if (path.parent_path().filename() == "slow" && !stopped.exchange(true)) {
      reached.release();
      go_on.acquire();
    }
    return {};
  });
  Database::Impl impl(fs, bench.path(), {.read_only = true});
  Status slow;
  std::jthread opener([&] {
    const auto opened = impl.get("slow");
    if (!opened) slow = std::unexpected(opened.error());
  });
  reached.acquire();
  CHECK(impl.get("other"));  // would wait for ever
  CHECK(impl.get("nothing").error().code == ErrorCode::not_found);
  CHECK(impl.list());
  Status closed;
  std::jthread closer([&] { closed = impl.close(); });
  while (impl.get("third")) std::this_thread::yield();  // until the closing has begun
  go_on.release();
  opener.join();
  closer.join();
  CHECK(closed);
  CHECK((!slow && slow.error().code == ErrorCode::unavailable));
}
