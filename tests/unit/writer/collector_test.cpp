#include "writer/segments/collector.hpp"

#include <set>

#include "tests/unit/writer/writer_bench.hpp"
#include "writer/fencing.hpp"

using namespace ndb;
using namespace ndb::writer;
using test::Contents;
using test::Engine;
using test::WriterBench;

namespace {

class MovedClock final : public base::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return steady_start_ + moved; }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return start_ + moved; }
  void sleep(std::chrono::milliseconds) const override {}
  std::chrono::minutes moved{0};

 private:
  std::chrono::system_clock::time_point start_ = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point steady_start_ = std::chrono::steady_clock::now();
};

std::set<ManifestVersion> manifests(WriterBench& bench) {
  std::set<ManifestVersion> versions;
  const auto names = bench.fs.list(format::manifest_folder(bench.path()));
  for (const auto& name : *names) versions.insert(*format::parse_manifest_name(name));
  return versions;
}

/// Files below the collection's folder, as relative paths.
std::set<std::string> all_files(const WriterBench& bench) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(bench.path()))
    if (entry.is_regular_file()) files.insert(std::filesystem::relative(entry.path(), bench.path()).string());
  return files;
}

/// Every manifest that is there can be opened with all its files.
void require_openable(WriterBench& bench) {
  for (const auto version : manifests(bench)) {
    CAPTURE(version.value);
    auto manifest = format::read_manifest(bench.fs, bench.path(), version);
    test::must(manifest);
    for (const auto& wal : manifest->wals) REQUIRE(std::filesystem::exists(format::wal_path(bench.path(), wal.name)));
    const auto state = live::LiveState::open(bench.fs, bench.path(), std::make_shared<const format::Manifest>(*manifest));
    test::must(state);
    test::must((*state)->snapshot()->segments.empty() ? Status{} : (*state)->snapshot()->segments.front().view->verify());
  }
}

/// Three flushes, deletions and a merge: eight or so versions.
void some_history(Engine& engine) {
  for (int i = 0; i < 3; ++i) {
    test::must(engine.put({"a", "b" + std::to_string(i)}, static_cast<float>(i)));
    engine.flush();
  }
  const auto build = [](const segment::SegmentView&, const index::ReusedGraph*) -> Result<std::vector<std::byte>> {
    return fail(ErrorCode::internal, "no graph was asked for");
  };
  test::must(merge_segments(engine.context, engine.segment_ids(), ~0U, build, {}));
  test::must(engine.put({"c"}, 7));
  engine.flush();
}

void keep_versions(Engine& engine, std::chrono::seconds retention) {
  test::must(engine.publisher.publish([&](format::Manifest& next) -> Status {
    next.config.history.retention = retention;
    return {};
  }));
}

/// Every version as it is read again, without any log.
std::map<ManifestVersion, Contents> states(WriterBench& bench) {
  std::map<ManifestVersion, Contents> all;
  for (const auto version : manifests(bench)) {
    CAPTURE(version.value);
    auto manifest = format::read_manifest(bench.fs, bench.path(), version);
    test::must(manifest);
    const auto state = live::LiveState::open(bench.fs, bench.path(), std::make_shared<const format::Manifest>(*manifest));
    test::must(state);
    all[version] = test::contents(*(*state)->snapshot(), manifest->flushed_seq);
  }
  return all;
}

const Contents kHistory = {{"a", 2}, {"b0", 0}, {"b1", 1}, {"b2", 2}, {"c", 7}};

}  // namespace

TEST_CASE("within the grace time nothing is deleted") {
  WriterBench bench;
  auto engine = bench.open();
  some_history(*engine);
  const auto before = all_files(bench);
  const WriterOptions options{.kept_manifests = 1};
  MovedClock clock;
  Collector collector(engine->context, options, clock);
  test::must(collector.collect({}));
  clock.moved = std::chrono::minutes(14);
  test::must(collector.collect({}));
  CHECK(all_files(bench) == before);
  CHECK(format::read_boundary(bench.fs, bench.path())->first_kept == ManifestVersion{0});
}

TEST_CASE("after the grace time the newest manifests stay, with exactly the files that they name") {
  WriterBench bench;
  auto engine = bench.open();
  some_history(*engine);
  const WriterOptions options{.kept_manifests = 2};
  MovedClock clock;
  Collector collector(engine->context, options, clock);
  test::must(collector.collect({}));  // learns what was replaced
  clock.moved = std::chrono::minutes(16);
  const auto before = all_files(bench).size();
  test::must(collector.collect({}));
  const auto current = engine->publisher.current()->version;
  CHECK(manifests(bench) == std::set{ManifestVersion{current.value - 1}, current});
  CHECK(format::read_boundary(bench.fs, bench.path())->first_kept == ManifestVersion{current.value - 1});
  CHECK(all_files(bench).size() < before);
  require_openable(bench);
  CHECK(bench.fs.list(format::segments_folder(bench.path()))->size() == 2);  // the merged one and the last flushed one
  const auto after = all_files(bench);
  test::must(collector.collect({}));
  CHECK(all_files(bench) == after);
  CHECK(engine->contents() == kHistory);
  engine.reset();
  CHECK(bench.open()->contents() == kHistory);
}

TEST_CASE("it is told when only the number of kept manifests keeps files, and publishing as many lets them go") {
  WriterBench bench;
  auto engine = bench.open();
  some_history(*engine);
  const WriterOptions options{.kept_manifests = 3};
  MovedClock clock;
  Collector collector(engine->context, options, clock);
  test::must(collector.collect({}));
  CHECK_FALSE(collector.waits_for_manifests({}));  // for the grace time, first of all
  clock.moved = std::chrono::minutes(16);
  test::must(collector.collect({}));
  CHECK(collector.waits_for_manifests({}));
  CHECK_FALSE(collector.waits_for_manifests(ManifestVersion{1}));  // for a reader
  int published = 0;
  for (; published < 10 && collector.waits_for_manifests({}); ++published) {
    test::must(engine->publisher.publish([](format::Manifest&) -> Status { return {}; }));
    clock.moved += std::chrono::minutes(16);
    test::must(collector.collect({}));
    clock.moved += std::chrono::minutes(16);
    test::must(collector.collect({}));
  }
  CHECK(published > 0);
  CHECK(published <= 2);
  CHECK(engine->contents() == kHistory);
}

TEST_CASE("what a live reader pins stays with all its files, and goes when the pin is gone") {
  WriterBench bench;
  auto engine = bench.open();
  some_history(*engine);
  const auto current = engine->publisher.current()->version;
  const WriterOptions options{.kept_manifests = 1};
  MovedClock clock;
  Collector collector(engine->context, options, clock);
  test::must(collector.collect({}));  // learns what was replaced
  clock.moved = std::chrono::minutes(60);
  const ManifestVersion pinned{4};
  test::must(collector.collect(pinned));
  CHECK(*manifests(bench).begin() == pinned);
  CHECK(manifests(bench).size() == current.value - pinned.value + 1);
  require_openable(bench);
  test::must(collector.collect({}));
  CHECK(manifests(bench) == std::set{current});
  require_openable(bench);
}

TEST_CASE("old versions stay for the retention time, whole but without their log, and go when it is over") {
  WriterBench bench;
  auto engine = bench.open();
  keep_versions(*engine, std::chrono::hours(2));
  some_history(*engine);
  const auto current = engine->publisher.current()->version;
  const auto before = states(bench);
  CHECK(before.at(current) == kHistory);
  const WriterOptions options{.kept_manifests = 1};
  MovedClock clock;
  Collector collector(engine->context, options, clock);
  test::must(collector.collect({}));  // learns what was replaced
  clock.moved = std::chrono::minutes(119);
  test::must(collector.collect({}));
  CHECK(states(bench) == before);
  CHECK_FALSE(std::filesystem::exists(bench.wal(1, 0)));
  CHECK_FALSE(collector.waits_for_manifests({}));
  CHECK(format::read_boundary(bench.fs, bench.path())->first_kept == ManifestVersion{0});
  clock.moved = std::chrono::minutes(121);
  test::must(collector.collect({}));
  CHECK(manifests(bench) == std::set{current});
  require_openable(bench);
  CHECK(bench.fs.list(format::segments_folder(bench.path()))->size() == 2);
  CHECK(engine->contents() == kHistory);
}

TEST_CASE("versions that are not to be kept any more go at once, but for what the grace time and pins keep") {
  WriterBench bench;
  auto engine = bench.open();
  keep_versions(*engine, std::chrono::hours(1'000));
  some_history(*engine);
  const WriterOptions options{.kept_manifests = 1};
  MovedClock clock;
  Collector collector(engine->context, options, clock);
  test::must(collector.collect({}));
  clock.moved = std::chrono::minutes(600);
  test::must(collector.collect({}));
  const auto all = manifests(bench);
  CHECK(*all.begin() == ManifestVersion{1});
  keep_versions(*engine, {});
  const auto current = engine->publisher.current()->version;
  test::must(collector.collect(ManifestVersion{4}));
  CHECK(*manifests(bench).begin() == ManifestVersion{4});
  test::must(collector.collect({}));
  CHECK(*manifests(bench).begin() == ManifestVersion{current.value - 1});  // replaced just now
  clock.moved += std::chrono::minutes(16);
  test::must(collector.collect({}));
  CHECK(manifests(bench) == std::set{current});
  require_openable(bench);
}

TEST_CASE("a collection that fails half-way leaves every version of the history whole") {
  for (int fail_at = 0;; ++fail_at) {
    CAPTURE(fail_at);
    WriterBench bench;
    auto engine = bench.open();
    some_history(*engine);
    keep_versions(*engine, std::chrono::minutes(30));
    MovedClock clock;
    const WriterOptions options{.kept_manifests = 1};
    Collector collector(engine->context, options, clock);
    test::must(collector.collect({}));
    clock.moved = std::chrono::minutes(20);
    const auto before = states(bench);
    int calls = 0;
    bool failed = false;
    bench.fs.set_rule([&](test::Call, const fs::Path&) -> std::optional<test::Fault> {
      if (calls++ != fail_at) return {};
      failed = true;
      return test::io_fault();
    });
    static_cast<void>(collector.collect({}));
    bench.fs.clear();
    REQUIRE(states(bench) == before);
    clock.moved = std::chrono::minutes(60);
    test::must(collector.collect({}));
    REQUIRE(manifests(bench).size() == 1);
    require_openable(bench);
    if (!failed) break;
    if (fail_at > 8) fail_at += 4;
  }
}

TEST_CASE("a segment that is being written is left alone, a crashed writer's is not, a later writer's is") {
  WriterBench bench;
  static_cast<void>(bench.open());
  auto engine = bench.open();
  some_history(*engine);
  const auto make = [&](SegmentId id) {
    const auto folder = format::segment_folder(bench.path(), id);
    std::filesystem::create_directory(folder);
    test::put_file(folder / "vectors", {});
    return folder;
  };
  const auto writing = make(format::make_segment_id(Epoch{2}, 500));
  const auto crashed = make(format::make_segment_id(Epoch{1}, 500));
  const auto later = make(format::make_segment_id(Epoch{3}, 0));
  const PendingSegments::Guard guard(engine->pending, format::make_segment_id(Epoch{2}, 500));
  const auto graph = format::segment_folder(bench.path(), engine->segment_ids().front()) / "hnsw-3-0";
  test::put_file(graph, {});
  const WriterOptions options;
  MovedClock clock;
  Collector collector(engine->context, options, clock);
  test::must(collector.collect({}));
  CHECK(std::filesystem::exists(writing / "vectors"));
  CHECK_FALSE(std::filesystem::exists(crashed));
  CHECK(std::filesystem::exists(later / "vectors"));
  CHECK(std::filesystem::exists(graph));
}

TEST_CASE("the next WAL files survive, and those that were flushed long ago do not") {
  WriterBench bench;
  auto engine = bench.open();
  some_history(*engine);
  const WriterOptions options{.kept_manifests = 1};
  MovedClock clock;
  Collector collector(engine->context, options, clock);
  test::must(collector.collect({}));  // learns what was replaced
  clock.moved = std::chrono::minutes(60);
  test::must(collector.collect({}));
  CHECK_FALSE(std::filesystem::exists(bench.wal(0, 0)));
  CHECK_FALSE(std::filesystem::exists(bench.wal(1, 0)));
  test::must(engine->put({"d"}, 1));
  test::must(engine->log.freeze());
  test::must(engine->put({"e"}, 2));
  test::must(collector.collect({}));
  engine.reset();
  auto expected = kHistory;
  expected["d"] = 1;
  expected["e"] = 2;
  CHECK(bench.open()->contents() == expected);
}

TEST_CASE("stamps of earlier processes count under the same kernel, and those of other hosts do not") {
  WriterBench bench;
  auto engine = bench.open();
  some_history(*engine);
  const auto last = engine->publisher.current()->version;
  const WriterOptions options{.kept_manifests = 1};
  MovedClock clock;
  clock.moved = std::chrono::minutes(60);
  engine = bench.open();
  Collector(engine->context, options, clock).collect({}).value();
  CHECK(*manifests(bench).begin() == ManifestVersion{last.value - 1});  // only the newest two could be fresh
  require_openable(bench);

  auto taken = writer::take_over(bench.fs, bench.path(), "1@elsewhere", clock);
  test::must(taken);
  Engine elsewhere(bench.fs, bench.path(), std::move(*taken), options);
  clock.moved = std::chrono::minutes(600);
  Collector(elsewhere.context, options, clock).collect({}).value();
  CHECK(*manifests(bench).begin() == ManifestVersion{last.value - 1});
  require_openable(bench);
}

TEST_CASE("a writer that was replaced collects nothing") {
  WriterBench bench;
  auto zombie = bench.open();
  some_history(*zombie);
  auto next = bench.open();
  const auto before = all_files(bench);
  const WriterOptions options{.kept_manifests = 1};
  MovedClock clock;
  clock.moved = std::chrono::minutes(60);
  Collector collector(zombie->context, options, clock);
  CHECK(collector.collect({}).error().code == ErrorCode::fenced);
  CHECK(all_files(bench) == before);
}

TEST_CASE("a collection that fails half-way goes on the next time, and never deletes what is needed") {
  for (int fail_at = 0;; ++fail_at) {
    CAPTURE(fail_at);
    WriterBench bench;
    auto engine = bench.open();
    some_history(*engine);
    const WriterOptions options{.kept_manifests = 1};
    MovedClock clock;
    Collector collector(engine->context, options, clock);
    test::must(collector.collect({}));  // learns what was replaced
    clock.moved = std::chrono::minutes(60);
    int calls = 0;
    bool failed = false;
    bench.fs.set_rule([&](test::Call, const fs::Path&) -> std::optional<test::Fault> {
      if (calls++ != fail_at) return {};
      failed = true;
      return test::io_fault();
    });
    static_cast<void>(collector.collect({}));
    bench.fs.clear();
    require_openable(bench);
    test::must(collector.collect({}));
    require_openable(bench);
    REQUIRE(manifests(bench).size() == 1);
    REQUIRE(engine->contents() == kHistory);
    if (!failed) break;
    if (fail_at > 8) fail_at += 4;
  }
}

TEST_CASE("claims of epochs long past and old temporaries are swept; the newest claims and young temporaries stay") {
  WriterBench bench;
  for (int i = 0; i < 70; ++i) REQUIRE(claim_epoch(bench.fs, bench.path(), "7@host"));
  auto engine = bench.open();  // epoch 71
  const WriterOptions options;
  MovedClock clock;
  Collector collector(engine->context, options, clock);
  const auto manifest_leftover = format::manifest_folder(bench.path()) / "x.manifest.tmp-1-2-3";
  const std::vector<std::filesystem::path> old = {bench.path() / "CURRENT.tmp-1-2-3", manifest_leftover,
                    format::epoch_claim_path(bench.path(), Epoch{7}).string() + ".tmp-1-2-3"};
  for (const auto& path : old) test::put_file(path, {});
  test::must(collector.collect({}));
  CHECK(std::filesystem::exists(manifest_leftover));
  CHECK(bench.fs.list(format::epoch_claims_folder(bench.path()))->size() == 64 + 1);
  CHECK_FALSE(std::filesystem::exists(format::epoch_claim_path(bench.path(), Epoch{7})));
  CHECK(std::filesystem::exists(format::epoch_claim_path(bench.path(), Epoch{8})));
  clock.moved = std::chrono::minutes(59);
  const auto young = bench.path() / "EPOCH.tmp-1-2-4";
  test::put_file(young, {});
  test::must(collector.collect({}));
  CHECK(std::filesystem::exists(manifest_leftover));
  clock.moved = std::chrono::minutes(61);
  test::must(collector.collect({}));
  for (const auto& path : old) CHECK_FALSE(std::filesystem::exists(path));
  CHECK(std::filesystem::exists(young));
  REQUIRE(claim_epoch(bench.fs, bench.path(), "8@host").value() == Epoch{72});
}
