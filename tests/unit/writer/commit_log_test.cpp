#include "writer/commit_log.hpp"

#include <unistd.h>

#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "tests/unit/writer/writer_bench.hpp"

using namespace ndb;
using test::Call;
using test::Contents;
using test::Engine;
using test::Fault;
using test::WriterBench;

namespace {

/// Fails a call on files in wal/, from the first on.
test::FaultyFileSystem::Rule failing_wal(Call failing, Fault fault) {
  return [=](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == failing && test::in_folder(path, "wal")) return fault;
    return {};
  };
}

template <class T>
bool failed_with(const Result<T>& result, ErrorCode code) {
  return !result && result.error().code == code;
}

}  // namespace

TEST_CASE("batches of many threads get dense sequence numbers and are seen whole") {
  for (const auto durability : {Durability::buffered, Durability::sync}) {
    WriterBench bench(durability);
    auto engine = bench.open();
    constexpr int kThreads = 8;
    constexpr int kBatches = 60;
    std::vector<std::vector<Seq>> seqs(kThreads);
    std::atomic<bool> failed{false}, done{false}, torn{false};
    std::jthread reader([&] {
      while (!done) {
        const auto snapshot = engine->log.state().snapshot();
        const Seq at = snapshot->visible_seq();
        for (int t = 0; t < kThreads; ++t) {
          std::set<float> values;
          int found = 0;
          for (const char* part : {"x", "y", "z"})
            if (const auto location = snapshot->find(part + std::to_string(t), at)) values.insert(location->vector()[0]), ++found;
          if (values.size() > 1 || (found != 0 && found != 3)) torn = true;
        }
      }
    });
    {
      std::vector<std::jthread> writers;
      for (int t = 0; t < kThreads; ++t)
        writers.emplace_back([&, t] {
          const auto name = std::to_string(t);
          for (int i = 0; i < kBatches; ++i) {
            const auto result = engine->put({"x" + name, "y" + name, "z" + name}, static_cast<float>(i));
            if (!result || result->inserted + result->replaced != 3 || (i > 0 && result->replaced != 3)) failed = true;
            else seqs[static_cast<std::size_t>(t)].push_back(result->seq);
          }
        });
    }
    done = true;
    reader.join();
    CHECK_FALSE(failed);
    CHECK_FALSE(torn);
    std::set<Seq> all;
    for (const auto& own : seqs) {
      CHECK(std::ranges::is_sorted(own));
      all.insert(own.begin(), own.end());
    }
    REQUIRE(all.size() == kThreads * kBatches);
    Seq expected{0};
    for (const auto seq : all) REQUIRE(seq == (expected = Seq{expected.value + 3}));
    const auto contents = engine->contents();
    CHECK(contents.size() == 3 * kThreads);
    engine.reset();
    CHECK(bench.open()->contents() == contents);
  }
}

TEST_CASE("what a batch did is counted, within the batch too") {
  WriterBench bench;
  auto engine = bench.open();
  format::WalBodyBuilder body;
  const std::vector<float> vector = {1, 1};
  body.put("a", vector, {});
  body.put("a", vector, {});
  body.put("b", vector, {});
  body.remove("a");
  body.remove("a");
  body.remove("nobody");
  const auto result = engine->log.write(body);
  REQUIRE(result);
  CHECK(result->inserted == 2);
  CHECK(result->replaced == 1);
  CHECK(result->deleted == 1);
  CHECK(result->seq == Seq{6});
  CHECK(engine->contents() == Contents{{"b", 1}});
}

TEST_CASE("after a failed write or sync nothing is acknowledged, and reopening works") {
  struct Failure {
    Call call;
    Fault fault;
    Durability durability;
    ErrorCode expected;
  };
  const Error full{ErrorCode::no_space, "full", {}};
  for (const auto& failure : {Failure{Call::append, test::io_fault(), Durability::buffered, ErrorCode::read_only},
                              Failure{Call::append, {full}, Durability::buffered, ErrorCode::no_space},
                              Failure{Call::append, test::io_fault(true), Durability::sync, ErrorCode::read_only},
                              Failure{Call::sync, test::io_fault(), Durability::sync, ErrorCode::read_only},
                              Failure{Call::sync, {full, true}, Durability::sync, ErrorCode::no_space}}) {
    CAPTURE(static_cast<int>(failure.call), failure.fault.after, error_code_name(failure.expected));
    WriterBench bench(failure.durability);
    auto engine = bench.open();
    test::must(engine->put({"a"}, 1));
    bench.fs.set_rule(failing_wal(failure.call, failure.fault));
    const auto failed = engine->put({"a", "b"}, 2);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == failure.expected);
    bench.fs.clear();
    // The disk is well again, but what the page cache holds is anybody's guess: no retry.
    CHECK(failed_with(engine->put({"c"}, 3), failure.expected));
    CHECK(failed_with(engine->log.freeze(), failure.expected));
    if (failure.call == Call::sync) CHECK(failed_with(engine->log.sync(), failure.expected));
    CHECK(engine->log.failure()->code == failure.expected);
    CHECK(engine->contents() == Contents{{"a", 1}});  // searches go on
    engine.reset();
    engine = bench.open();
    const auto contents = engine->contents();
    // Not acknowledged is not the same as not there; but the batch is whole or absent.
    CHECK((contents == Contents{{"a", 1}} || contents == Contents{{"a", 2}, {"b", 2}}));
    test::must(engine->put({"c"}, 3));
    CHECK(engine->contents().size() == contents.size() + 1);
  }
}

TEST_CASE("a failed background sync ends writing too") {
  WriterBench bench;
  auto engine = bench.open();
  test::must(engine->put({"a"}, 1));
  bench.fs.set_rule(failing_wal(Call::sync, test::io_fault()));
  CHECK(failed_with(engine->log.sync(), ErrorCode::read_only));
  bench.fs.clear();
  CHECK(failed_with(engine->put({"b"}, 2), ErrorCode::read_only));
  CHECK(engine->contents() == Contents{{"a", 1}});
}

TEST_CASE("a failure reaches every batch of the group, and of many threads none is acknowledged after it") {
  WriterBench bench(Durability::sync);
  auto engine = bench.open();
  std::atomic<int> syncs{0};
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::sync && test::in_folder(path, "wal") && syncs++ >= 20) return test::io_fault();
    return {};
  });
  std::atomic<int> acknowledged{0};
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < 6; ++t)
      writers.emplace_back([&, t] {
        for (int i = 0; i < 100; ++i)
          if (engine->put({std::to_string(t) + "-" + std::to_string(i)}, 1)) ++acknowledged;
      });
  }
  CHECK(syncs >= 21);
  CHECK(acknowledged >= 20);
  CHECK(acknowledged < 600);
  CHECK(engine->contents().size() == static_cast<std::size_t>(acknowledged));
  CHECK(engine->log.state().applied_seq() == Seq{static_cast<std::uint64_t>(acknowledged.load())});
}

TEST_CASE("buffered writes are marked as durable by sync, once") {
  WriterBench bench;
  auto engine = bench.open();
  test::must(engine->put({"a"}, 1));
  const auto written = engine->log.wal_bytes();
  test::must(engine->log.sync());
  const auto marked = engine->log.wal_bytes();
  CHECK(marked == written + format::kWalFrameHeaderBytes);
  CHECK(format::largest_sync_mark(test::bytes_of_file(bench.wal(1, 0)), Epoch{1}) == written);
  for (int i = 0; i < 3; ++i) test::must(engine->log.sync());
  CHECK(engine->log.wal_bytes() == marked);
  test::must(engine->put({"b"}, 1));
  test::must(engine->log.freeze());
  test::must(engine->put({"c"}, 1));
  test::must(engine->log.sync());
  CHECK(format::largest_sync_mark(test::bytes_of_file(bench.wal(1, 1)), Epoch{1}) > 64);
}

TEST_CASE("with nowhere to go writers are told overloaded, and go on once there is room") {
  WriterBench bench;
  auto engine = bench.open();
  test::must(engine->put({"a"}, 1));
  test::must(engine->log.freeze());
  test::must(engine->put({"b"}, 2));
  CHECK(failed_with(engine->log.freeze(), ErrorCode::overloaded));  // nobody made the next file
  test::must(engine->put({"c"}, 3));
  engine->flush();
  CHECK(engine->contents() == Contents{{"a", 1}, {"b", 2}, {"c", 3}});
}

TEST_CASE("a freeze that has to wait for the next file covers what was written before it, whoever rotates first") {
  for (int round = 0; round < 20; ++round) {
    WriterBench bench;
    auto taken = bench.take_over();
    test::must(taken);
    Engine engine(bench.fs, bench.path(), std::move(*taken),
                  {.memtable_bytes = 1, .max_frozen_memtables = 10, .backpressure_timeout = std::chrono::minutes(1)});
    test::must(engine.put({"a"}, 1));
    test::must(engine.log.freeze());  // takes the next file
    test::must(engine.put({"b"}, 2));
    std::atomic<pid_t> freezing{0}, writing{0};
    auto frozen = std::async(std::launch::async, [&] {
      freezing = ::gettid();
      const auto through = engine.log.freeze();
      return through && engine.log.state().snapshot()->memtables.back()->after() >= *through;
    });
    auto written = std::async(std::launch::async, [&] {
      writing = ::gettid();
      return engine.put({"c"}, 3).has_value();  // the memtable is full: rotates first
    });
    while (freezing == 0 || writing == 0 || !test::sleeps(freezing) || !test::sleeps(writing)) {}
    test::must(engine.publisher.publish([](format::Manifest&) -> Status { return {}; }));
    CHECK(written.get());
    CHECK(frozen.get());
  }
}

TEST_CASE("a full memtable is frozen before the next batch, and too many frozen ones hold writes back") {
  WriterBench bench;
  auto engine = bench.open({.memtable_bytes = 1, .max_frozen_memtables = 1});
  test::must(engine->put({"a"}, 1));
  test::must(engine->put({"b"}, 1));  // rotates first
  CHECK(engine->log.state().snapshot()->memtables.size() == 2);
  CHECK(failed_with(engine->put({"c"}, 1), ErrorCode::overloaded));
  CHECK_FALSE(engine->log.failure());
  test::must(writer::flush_oldest(engine->context, {}));
  test::must(engine->put({"c"}, 1));
  CHECK(engine->contents().size() == 3);
}

TEST_CASE("after close writes are unavailable and everything is durable") {
  WriterBench bench;
  auto engine = bench.open();
  test::must(engine->put({"a"}, 1));
  const auto written = engine->log.wal_bytes();
  test::must(engine->log.close());
  CHECK(failed_with(engine->put({"b"}, 1), ErrorCode::unavailable));
  CHECK(failed_with(engine->log.freeze(), ErrorCode::unavailable));
  CHECK(format::largest_sync_mark(test::bytes_of_file(bench.wal(1, 0)), Epoch{1}) == written);
}

TEST_CASE("closing on a disk that fails says what failed, not that it is closed") {
  WriterBench bench;
  auto engine = bench.open();
  test::must(engine->put({"a"}, 1));
  bench.fs.set_rule(failing_wal(Call::sync, test::io_fault()));
  const auto closed = engine->log.close();
  REQUIRE_FALSE(closed);
  CHECK(closed.error().code == ErrorCode::read_only);
}
