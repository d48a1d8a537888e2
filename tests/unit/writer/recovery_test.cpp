#include "writer/recovery.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "tests/unit/writer/writer_bench.hpp"

using namespace ndb;
using test::Call;
using test::Contents;
using test::Engine;
using test::Fault;
using test::WriterBench;

namespace {

namespace stdfs = std::filesystem;

/// A copy of a bench's collection, to be damaged and taken over.
class Copy {
 public:
  explicit Copy(const WriterBench& bench) { stdfs::copy(bench.path(), path_, stdfs::copy_options::recursive); }
  [[nodiscard]] const fs::Path& path() const noexcept { return path_; }
  [[nodiscard]] fs::Path wal(std::uint64_t epoch, std::uint64_t index) const {
    return format::wal_path(path_, {Epoch{epoch}, index});
  }
  [[nodiscard]] Result<writer::TakenOver> take_over() { return writer::take_over(fs_, path_, "2@bench"); }
  [[nodiscard]] Contents recovered() {
    const auto taken = take_over();
    test::must(taken);
    return test::contents(*taken->state->snapshot(), taken->state->applied_seq());
  }

 private:
  test::TempFolder folder_;
  fs::Path path_ = folder_.path() / "docs";
  test::FaultyFileSystem fs_;
};

void require_refused(Copy& copy, const fs::Path& file, const std::string& offset) {
  const auto before = writer::newest_manifest(fs::posix_file_system(), copy.path());
  const auto taken = copy.take_over();
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == ErrorCode::corruption);
  CHECK(test::contains(taken.error().message, file.string()));
  CHECK(test::contains(taken.error().message, offset));
  CHECK(*writer::newest_manifest(fs::posix_file_system(), copy.path()) == *before);  // nothing was published
}

}  // namespace

TEST_CASE("a killed writer's operations are all there for the next, and the next") {
  WriterBench bench;
  {
    auto engine = bench.open();
    test::must(engine->put({"a", "b", "c"}, 1));
    test::must(engine->put({"b"}, 2));
    test::must(engine->remove({"c"}));
  }
  const Contents expected = {{"a", 1}, {"b", 2}};
  for (std::uint64_t epoch = 2; epoch < 6; ++epoch) {
    auto engine = bench.open();
    CHECK(engine->log.epoch() == Epoch{epoch});
    CHECK(engine->contents() == expected);
    CHECK(engine->log.state().applied_seq() == Seq{5});
  }
  auto engine = bench.open();
  CHECK(engine->put({"d"}, 4)->seq == Seq{6});
  engine->flush();
  CHECK(engine->contents().size() == 3);
  CHECK(std::ranges::none_of(engine->publisher.current()->wals, [](const auto& wal) { return wal.seal.has_value(); }));
}

TEST_CASE("files that no operation went into are not carried on") {
  WriterBench bench;
  for (int i = 0; i < 4; ++i) static_cast<void>(bench.open());
  const auto manifest = bench.newest();
  CHECK(manifest.wals.size() == 2);
  CHECK(manifest.epoch == Epoch{4});
}

TEST_CASE("a log that was cut off anywhere yields a prefix of whole batches") {
  WriterBench bench;
  std::vector<std::uint64_t> ends = {64};
  {
    auto engine = bench.open();
    for (int i = 0; i < 4; ++i) {
      test::must(engine->put({"a", "b" + std::to_string(i)}, static_cast<float>(i)));
      ends.push_back(engine->log.wal_bytes());
    }
  }
  const auto size = stdfs::file_size(bench.wal(1, 0));
  REQUIRE(size == ends.back());
  std::set<std::uint64_t> lengths(ends.begin(), ends.end());
  for (std::uint64_t length = 65; length < size; length += 11) lengths.insert(length);
  for (const auto end : ends) lengths.insert({end + 1, end - 1 + (end == 64 ? 1U : 0U), end + 47, end + 48});
  for (const auto length : lengths) {
    if (length > size) continue;
    CAPTURE(length);
    Copy copy(bench);
    stdfs::resize_file(copy.wal(1, 0), length);
    const auto batches = std::ranges::count_if(ends, [&](auto end) { return end <= length; }) - 1;
    Contents expected;
    for (int i = 0; i < batches; ++i) expected["a"] = expected["b" + std::to_string(i)] = static_cast<float>(i);
    REQUIRE(copy.recovered() == expected);
    REQUIRE(copy.recovered() == expected);  // and the second take-over finds the same
  }
}

TEST_CASE("garbage behind the last batch is dropped, and later take-overs never see it again") {
  WriterBench bench;
  { test::must(bench.open()->put({"a"}, 1)); }
  for (const std::size_t garbage : {1U, 40U, 5'000U}) {
    Copy copy(bench);
    auto bytes = test::bytes_of_file(copy.wal(1, 0));
    bytes.resize(bytes.size() + garbage, std::byte{0x5A});
    test::put_file(copy.wal(1, 0), bytes);
    CHECK(copy.recovered() == Contents{{"a", 1}});
    CHECK(test::bytes_of_file(copy.wal(1, 0)) == bytes);  // an old file is never touched
    CHECK(copy.recovered() == Contents{{"a", 1}});
  }
}

TEST_CASE("a damaged last batch that was never durable is dropped") {
  WriterBench bench;
  std::uint64_t first_end = 0;
  {
    auto engine = bench.open();
    test::must(engine->put({"a"}, 1));
    first_end = engine->log.wal_bytes();
    test::must(engine->put({"b"}, 2));
  }
  Copy copy(bench);
  test::flip_bit(copy.wal(1, 0), first_end + 50);
  CHECK(copy.recovered() == Contents{{"a", 1}});
}

TEST_CASE("damage before a synced mark is refused with file and offset, and nothing changes") {
  WriterBench bench;
  std::uint64_t first_end = 0, marked = 0;
  {
    auto engine = bench.open();
    test::must(engine->put({"a"}, 1));
    first_end = engine->log.wal_bytes();
    test::must(engine->put({"b"}, 2));
    marked = engine->log.wal_bytes();
    test::must(engine->log.sync());
    test::must(engine->put({"c"}, 3));
  }
  for (std::uint64_t offset = 64; offset < marked; offset += 5) {
    CAPTURE(offset);
    Copy copy(bench);
    test::flip_bit(copy.wal(1, 0), offset, 2);
    const auto valid = offset < first_end ? std::uint64_t{64} : first_end;
    require_refused(copy, copy.wal(1, 0), "(offset " + std::to_string(valid) + ")");
  }
  Copy cut(bench);
  stdfs::resize_file(cut.wal(1, 0), 64);
  const auto taken = cut.take_over();
  // Everything is gone, the marks too: by the file alone that is a log that was never written to.
  CHECK(taken.has_value());
}

TEST_CASE("a WAL file whose header is damaged, cut off or foreign is refused") {
  WriterBench bench;
  { test::must(bench.open()->put({"a"}, 1)); }
  for (const std::uint64_t offset : {0U, 8U, 20U, 63U}) {
    Copy copy(bench);
    test::flip_bit(copy.wal(1, 0), offset);
    require_refused(copy, copy.wal(1, 0), "");
  }
  Copy cut(bench);
  stdfs::resize_file(cut.wal(1, 0), 63);
  require_refused(cut, cut.wal(1, 0), "");
  Copy foreign(bench);
  stdfs::copy_file(foreign.wal(1, 1), foreign.wal(1, 0), stdfs::copy_options::overwrite_existing);
  require_refused(foreign, foreign.wal(1, 0), "");
}

TEST_CASE("a sealed file must be what was sealed; what is behind the seal does not exist") {
  WriterBench bench;
  { test::must(bench.open()->put({"a"}, 1)); }
  { test::must(bench.open()->put({"b"}, 2)); }
  const auto seal = bench.newest().wals.front().seal;
  REQUIRE(seal);
  REQUIRE(bench.newest().wals.front().name == format::WalName{Epoch{1}, 0});
  for (std::uint64_t offset = 0; offset < seal->bytes; offset += 3) {
    CAPTURE(offset);
    Copy copy(bench);
    test::flip_bit(copy.wal(1, 0), offset);
    require_refused(copy, copy.wal(1, 0), "seal");
  }
  Copy cut(bench);
  stdfs::resize_file(cut.wal(1, 0), seal->bytes - 1);
  require_refused(cut, cut.wal(1, 0), "shorter than its seal");
  Copy gone(bench);
  stdfs::remove(gone.wal(1, 0));
  require_refused(gone, gone.wal(1, 0), "is missing");
  Copy longer(bench);
  auto bytes = test::bytes_of_file(longer.wal(1, 0));
  const auto frame = base::ByteSpan(bytes).subspan(64);
  const std::vector<std::byte> again(frame.begin(), frame.end());
  base::append_bytes(bytes, again);
  test::put_file(longer.wal(1, 0), bytes);
  CHECK(longer.recovered() == Contents{{"a", 1}, {"b", 2}});
}

TEST_CASE("a sealed file that this host sees too short for a moment is read again") {
  class Clock final : public base::Clock {
   public:
    explicit Clock(std::function<void()> on_sleep) : on_sleep_(std::move(on_sleep)) {}
    [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return base::system_clock().now(); }
    [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return base::system_clock().wall_now(); }
    void sleep(std::chrono::milliseconds) const override { on_sleep_(); }

   private:
    std::function<void()> on_sleep_;
  };
  WriterBench bench;
  { test::must(bench.open()->put({"a"}, 1)); }
  { static_cast<void>(bench.open()); }
  const auto bytes = test::bytes_of_file(bench.wal(1, 0));
  stdfs::resize_file(bench.wal(1, 0), bytes.size() - 1);
  const Clock clock([&] { test::put_file(bench.wal(1, 0), bytes); });
  const auto taken = writer::take_over(bench.fs, bench.path(), "1@bench", clock);
  test::must(taken);
  CHECK(taken->state->applied_seq() == Seq{1});
}

TEST_CASE("buffered: a gap between files ends the log there, so that what is left is a prefix") {
  WriterBench bench;
  {
    auto engine = bench.open();
    test::must(engine->put({"a"}, 1));
    test::must(engine->put({"b"}, 2));
    test::must(engine->log.freeze());
    test::must(engine->put({"c"}, 3));
  }
  Copy whole(bench);
  CHECK(whole.recovered() == Contents{{"a", 1}, {"b", 2}, {"c", 3}});
  Copy torn(bench);
  stdfs::resize_file(torn.wal(1, 0), stdfs::file_size(torn.wal(1, 0)) - 1);
  CHECK(torn.recovered() == Contents{{"a", 1}});
  Copy shorter(bench);  // cut exactly between two batches
  stdfs::resize_file(shorter.wal(1, 0), 64);
  CHECK(shorter.recovered().empty());
}

TEST_CASE("sync: a gap between files is corruption, for both batches were acknowledged as durable") {
  WriterBench bench(Durability::sync);
  {
    auto engine = bench.open();
    test::must(engine->put({"a"}, 1));
    test::must(engine->log.freeze());
    test::must(engine->put({"b"}, 2));
  }
  Copy whole(bench);
  CHECK(whole.recovered() == Contents{{"a", 1}, {"b", 2}});
  Copy flipped(bench);
  test::flip_bit(flipped.wal(1, 0), 64 + 50);
  require_refused(flipped, flipped.wal(1, 0), "offset 64");
  Copy torn(bench);
  stdfs::resize_file(torn.wal(1, 0), stdfs::file_size(torn.wal(1, 0)) - 1);
  require_refused(torn, torn.wal(1, 0), "offset 64");
}

TEST_CASE("sync: a torn sync mark at the end of a file is no damage, for the next file goes on without a gap") {
  WriterBench bench(Durability::sync);
  {
    auto engine = bench.open();
    test::must(engine->put({"a"}, 1));
    test::must(engine->log.sync());  // appends a mark, which nobody syncs
    test::must(engine->log.freeze());
    test::must(engine->put({"b"}, 2));
  }
  Copy torn(bench);
  stdfs::resize_file(torn.wal(1, 0), stdfs::file_size(torn.wal(1, 0)) - 1);
  CHECK(torn.recovered() == Contents{{"a", 1}, {"b", 2}});
}

TEST_CASE("a writer that was replaced acknowledges nothing more, and what it still writes does not count") {
  for (const auto durability : {Durability::buffered, Durability::sync}) {
    WriterBench bench(durability);
    auto zombie = bench.open();
    test::must(zombie->put({"a"}, 1));
    auto next = bench.open();
    const auto refused = zombie->put({"a", "z"}, 9);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::fenced);
    CHECK(zombie->contents() == Contents{{"a", 1}});
    CHECK(zombie->put({"y"}, 9).error().code == ErrorCode::fenced);
    CHECK(zombie->publisher.publish([](format::Manifest&) -> Status { return {}; }).error().code == ErrorCode::fenced);
    test::must(next->put({"b"}, 2));
    CHECK(next->contents() == Contents{{"a", 1}, {"b", 2}});
    next.reset();
    CHECK(bench.open()->contents() == Contents{{"a", 1}, {"b", 2}});
  }
}

TEST_CASE("a take-over whose manifest version was taken meanwhile looks again and builds on it") {
  WriterBench bench;
  { test::must(bench.open()->put({"a"}, 1)); }
  bool came_first = false;
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call != Call::link || !test::in_folder(path, "manifest") || came_first) return {};
    came_first = true;
    auto& real = fs::posix_file_system();
    auto quicker = bench.newest();  // of the old writer, which had checked its epoch just before it was replaced
    quicker.version = quicker.version.next();
    quicker.index_enabled = false;
    test::must(fs::create_file_exclusively(real, format::manifest_path(bench.path(), quicker.version), format::encode_manifest(quicker)));
    return {};
  });
  auto engine = bench.open();
  CHECK(came_first);
  CHECK(engine->contents() == Contents{{"a", 1}});
  CHECK(bench.newest().version == ManifestVersion{4});
  CHECK_FALSE(bench.newest().index_enabled);
  test::must(engine->put({"b"}, 2));
}

TEST_CASE("a take-over whose files were collected while it stalled is told that it was replaced, not of damage") {
  WriterBench bench;
  {
    const auto engine = bench.open();
    test::must(engine->put({"a"}, 1));
    engine->flush();
  }
  bool stalled = false;
  bench.fs.set_rule([&](Call call, const fs::Path&) -> std::optional<Fault> {
    if (call != Call::map) return {};
    if (!std::exchange(stalled, true)) test::must(writer::take_over(fs::posix_file_system(), bench.path(), "1@bench"));
    return Fault{{ErrorCode::not_found, "collected", {}}};
  });
  const auto late = bench.take_over();
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::fenced);
  CHECK(stalled);
}

TEST_CASE("a take-over that fails at any call can be repeated, and loses nothing") {
  for (int fail_at = 0;; ++fail_at) {
    CAPTURE(fail_at);
    WriterBench bench;
    {
      auto engine = bench.open();
      test::must(engine->put({"a"}, 1));
      engine->flush();
      test::must(engine->put({"b"}, 2));
    }
    int calls = 0;
    bool failed = false;
    bench.fs.set_rule([&](Call, const fs::Path&) -> std::optional<Fault> {
      if (calls++ != fail_at) return {};
      failed = true;
      return test::io_fault(fail_at % 2 == 0);
    });
    const bool taken = bench.take_over().has_value();
    bench.fs.clear();
    REQUIRE(bench.open()->contents() == Contents{{"a", 1}, {"b", 2}});
    if (failed) continue;
    CHECK(taken);
    CHECK(fail_at > 30);
    break;
  }
}

namespace {

class CountingClock final : public base::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return start_ + slept; }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return {}; }
  void sleep(std::chrono::milliseconds duration) const override { slept += duration; }
  mutable std::chrono::milliseconds slept{0};

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

TEST_CASE("between EPOCH and the scan a take-over waits if the log is another host's, and only then") {
  WriterBench bench;
  const auto slept = [&](const char* holder) {
    const CountingClock clock;
    test::must(writer::take_over(bench.fs, bench.path(), holder, clock));
    return clock.slept;
  };
  CHECK(slept("1@here/boot") == std::chrono::milliseconds(0));  // nobody wrote before
  CHECK(slept("2@here/boot") == std::chrono::milliseconds(0));
  CHECK(slept("1@container-2/boot") == std::chrono::milliseconds(0));
  CHECK(slept("2@here/rebooted") == std::chrono::milliseconds(1000));
  CHECK(slept("1@there/its-boot") == std::chrono::milliseconds(1000));
  CHECK(slept("2@there/its-boot") == std::chrono::milliseconds(0));
}
