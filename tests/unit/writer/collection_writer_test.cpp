#include "writer/collection_writer.hpp"

#include <unistd.h>

#include <fstream>
#include <future>

#include "tests/unit/writer/writer_bench.hpp"

using namespace ndb;
using namespace ndb::writer;
using test::Call;
using test::Fault;
using test::WriterBench;

namespace {

constexpr auto kLongEnough = std::chrono::seconds(60);

std::unique_ptr<CollectionWriter> open(WriterBench& bench, const WriterOptions& options = {}) {
  auto writer = CollectionWriter::open(bench.fs, bench.path(), options, false);
  test::must(writer);
  return std::move(*writer);
}

Result<WriteResult> put(CollectionWriter& writer, const std::string& id, float value) {
  format::WalBodyBuilder body;
  body.put(id, std::vector<float>{value, 1.0F}, {});
  return writer.write(body);
}

std::size_t documents(CollectionWriter& writer) {
  return test::contents(*writer.state().snapshot(), writer.state().applied_seq()).size();
}

}  // namespace

TEST_CASE("a collection has one writer at a time") {
  WriterBench bench;
  auto first = open(bench);
  const auto second = CollectionWriter::open(bench.fs, bench.path(), {}, false);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::collection_locked);
  REQUIRE(first->close());
  CHECK(open(bench)->epoch() == Epoch{2});
}

TEST_CASE("flush and compact wait until their result is published") {
  WriterBench bench;
  auto writer = open(bench);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) test::must(put(*writer, "r" + std::to_string(round) + "-" + std::to_string(i), 1));
    const auto version = writer->flush(true);
    test::must(version);
    CHECK(writer->state().snapshot()->manifest->flushed_seq == writer->state().applied_seq());
    CHECK(writer->state().snapshot()->manifest->version >= *version);
  }
  test::must(writer->compact(true));
  CHECK(writer->state().snapshot()->segments.size() == 1);
  CHECK(documents(*writer) == 15);
}

TEST_CASE("while versions are kept, a write is in one after the interval; otherwise it may stay in memory") {
  WriterBench bench;
  auto writer = open(bench);
  test::must(put(*writer, "a", 1));
  test::must(writer->set_history({.retention = std::chrono::hours(1), .interval = std::chrono::seconds(1)}));
  CHECK(writer->state().snapshot()->manifest->flushed_seq == Seq{0});
  const auto deadline = std::chrono::steady_clock::now() + kLongEnough;
  const auto wait_for_flush = [&](Seq seq) {
    while (writer->state().snapshot()->manifest->flushed_seq < seq && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(writer->state().snapshot()->manifest->flushed_seq == seq);
  };
  wait_for_flush(Seq{1});
  test::must(put(*writer, "b", 2));
  wait_for_flush(Seq{2});
  CHECK(writer->set_history({.retention = std::chrono::seconds(-1)}).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("small memtables are flushed in the background while many threads write") {
  WriterBench bench;
  auto writer = open(bench, {.memtable_bytes = 50'000, .gc_grace = std::chrono::milliseconds(0), .index_min_rows = 100'000});
  std::atomic<int> failed{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 1'500; ++i)
          if (!put(*writer, std::to_string(t) + "-" + std::to_string(i % 900), static_cast<float>(i))) ++failed;
      });
  }
  CHECK(failed == 0);
  CHECK(documents(*writer) == 3'600);
  test::must(writer->compact(true));
  CHECK(documents(*writer) == 3'600);
  CHECK(writer->state().snapshot()->dead_rows() == 0);
  REQUIRE(writer->close());
  CHECK(documents(*open(bench)) == 3'600);
}

TEST_CASE("a flush that fails says so, and succeeds once there is room") {
  WriterBench bench;
  auto writer = open(bench);
  test::must(put(*writer, "a", 1));
  bench.fs.set_rule([](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::make_directory && test::in_folder(path, "segments")) return Fault{{ErrorCode::no_space, "full", {}}};
    return {};
  });
  const auto failed = writer->flush(true);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::no_space);
  test::must(put(*writer, "b", 1));  // the log still takes writes
  bench.fs.clear();
  test::must(writer->flush(true));
  CHECK(documents(*writer) == 2);
}

TEST_CASE("a flush that waits is told when writing fails for good") {
  WriterBench bench;
  auto writer = open(bench);
  test::must(put(*writer, "a", 1));
  bench.fs.set_rule([](Call call, const fs::Path& path) -> std::optional<Fault> {
    const bool segment = call == Call::make_directory && test::in_folder(path, "segments");
    const bool log = call == Call::append && test::in_folder(path, "wal");
    if (segment || log) return Fault{{ErrorCode::no_space, "full", {}}};
    return {};
  });
  REQUIRE_FALSE(writer->flush(true));  // from here on the flusher pauses for a second before it tries again
  std::atomic<pid_t> thread{0};
  auto waiting = std::async(std::launch::async, [&] {
    thread = ::gettid();
    return writer->flush(true);
  });
  while (thread == 0 || !(test::sleeps(thread) || waiting.wait_for(std::chrono::seconds(0)) == std::future_status::ready)) {}
  CHECK(put(*writer, "c", 1).error().code == ErrorCode::no_space);
  CHECK(waiting.wait_for(std::chrono::seconds(15)) == std::future_status::ready);
  static_cast<void>(writer->close());  // wakes it in any case
  CHECK_FALSE(waiting.get());
}

TEST_CASE("after close everything is unavailable, waiting jobs included") {
  WriterBench bench;
  auto writer = open(bench);
  test::must(put(*writer, "a", 1));
  REQUIRE(writer->close());
  REQUIRE(writer->close());
  CHECK(put(*writer, "b", 1).error().code == ErrorCode::unavailable);
  CHECK(writer->flush(true).error().code == ErrorCode::unavailable);
  CHECK(writer->compact(true).error().code == ErrorCode::unavailable);
  CHECK(writer->rebuild_index(true).error().code == ErrorCode::unavailable);
  CHECK(writer->delete_index().error().code == ErrorCode::unavailable);
}

TEST_CASE("buffered writes become durable by themselves") {
  WriterBench bench;
  std::promise<void> synced;
  std::once_flag once;
  auto writer = open(bench, {.sync_interval = std::chrono::milliseconds(5)});
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::sync && test::in_folder(path, "wal")) std::call_once(once, [&] { synced.set_value(); });
    return {};
  });
  test::must(put(*writer, "a", 1));
  CHECK(synced.get_future().wait_for(kLongEnough) == std::future_status::ready);
  test::must(writer->close());
}
