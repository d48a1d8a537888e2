#include "writer/publish.hpp"

#include "tests/unit/writer/writer_bench.hpp"

using namespace ndb;
using namespace ndb::writer;
using test::Call;
using test::Fault;
using test::WriterBench;

namespace {

/// The manifest that a writer of the claimed epoch would publish next.
format::Manifest next_manifest(WriterBench& bench) {
  const auto epoch = claim_epoch(bench.fs, bench.path(), "7@host");
  REQUIRE(epoch);
  auto manifest = bench.newest();
  manifest.version = manifest.version.next();
  manifest.epoch = *epoch;
  manifest.created_unix_ms += 1;
  return manifest;
}

}  // namespace

TEST_CASE("a published manifest is the newest, and CURRENT names it") {
  WriterBench bench;
  const auto manifest = next_manifest(bench);
  REQUIRE(publish_manifest(bench.fs, bench.path(), manifest));
  CHECK(bench.newest() == manifest);
  CHECK(format::read_current(bench.fs, bench.path())->version == manifest.version);
  CHECK(bench.fs.list(format::manifest_folder(bench.path()))->size() == 2);  // no temporary file stays
}

TEST_CASE("a version that is taken by another manifest is not replaced") {
  WriterBench bench;
  auto manifest = next_manifest(bench);
  REQUIRE(publish_manifest(bench.fs, bench.path(), manifest));
  auto other = manifest;
  other.flushed_seq = Seq{5};
  const auto refused = publish_manifest(bench.fs, bench.path(), other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::already_exists);
  CHECK(bench.newest() == manifest);
}

TEST_CASE("a lost answer is told from a failure by reading back") {
  for (const auto code : {ErrorCode::io_error, ErrorCode::already_exists})
    for (const bool linked : {true, false}) {
      CAPTURE(error_code_name(code), linked);
      WriterBench bench;
      const auto manifest = next_manifest(bench);
      bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
        if (call == Call::link && test::in_folder(path, "manifest")) return Fault{{code, "lost", {}}, linked};
        return {};
      });
      const auto published = publish_manifest(bench.fs, bench.path(), manifest);
      CHECK(published.has_value() == linked);
      bench.fs.clear();
      CHECK((bench.newest() == manifest) == linked);
      CHECK(bench.newest().version == format::read_current(bench.fs, bench.path())->version);
    }
}

TEST_CASE("a failure to publish is looked into without asking for a name that is not there yet") {
  WriterBench bench;
  const auto manifest = next_manifest(bench);
  std::vector<fs::Path> asked;
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    const bool asks = call == Call::open_read || call == Call::exists || call == Call::map;
    if (asks && !std::filesystem::exists(path)) asked.push_back(path);
    if (call == Call::link && test::in_folder(path, "manifest")) return Fault{{ErrorCode::io_error, "down", {}}};
    return {};
  });
  CHECK_FALSE(publish_manifest(bench.fs, bench.path(), manifest));
  CHECK(asked.empty());
}

TEST_CASE("a writer that was replaced publishes nothing") {
  WriterBench bench;
  const auto manifest = next_manifest(bench);
  REQUIRE(claim_epoch(bench.fs, bench.path(), "8@other"));
  CHECK(publish_manifest(bench.fs, bench.path(), manifest).error().code == ErrorCode::fenced);
  CHECK(bench.newest().version == ManifestVersion{1});
}

TEST_CASE("a stalled writer does not bring a collected version back to life") {
  WriterBench bench;
  const auto manifest = next_manifest(bench);
  REQUIRE(format::write_boundary(bench.fs, bench.path(), {manifest.version.next()}));
  CHECK(publish_manifest(bench.fs, bench.path(), manifest).error().code == ErrorCode::fenced);
  CHECK(format::read_current(bench.fs, bench.path())->version == ManifestVersion{1});
}

TEST_CASE("the newest manifest is found when CURRENT stayed behind") {
  WriterBench bench;
  auto manifest = next_manifest(bench);
  bench.fs.set_rule([](Call call, const fs::Path& path) -> std::optional<Fault> {
    if (call == Call::rename && path.filename() == "CURRENT") return test::io_fault();
    return {};
  });
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(publish_manifest(bench.fs, bench.path(), manifest));
    manifest.version = manifest.version.next();
  }
  bench.fs.clear();
  CHECK(format::read_current(bench.fs, bench.path())->version == ManifestVersion{1});
  CHECK(bench.newest().version == ManifestVersion{4});
}

TEST_CASE("the newest manifest is found without asking for a name that is not there yet") {
  WriterBench bench;
  const auto manifest = next_manifest(bench);
  REQUIRE(publish_manifest(bench.fs, bench.path(), manifest));
  std::vector<fs::Path> missing;
  bench.fs.set_rule([&](Call call, const fs::Path& path) -> std::optional<Fault> {
    if ((call == Call::open_read || call == Call::exists || call == Call::map) && !std::filesystem::exists(path))
      missing.push_back(path);
    return {};
  });
  CHECK(bench.newest() == manifest);
  CHECK(missing.empty());
}

TEST_CASE("what stands below the boundary is never the newest manifest") {
  WriterBench bench;
  const auto manifest = next_manifest(bench);
  REQUIRE(format::write_boundary(bench.fs, bench.path(), {ManifestVersion{2}}));
  const auto none = newest_manifest(bench.fs, bench.path());  // only version 1 is there
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::unavailable);
  REQUIRE(publish_manifest(bench.fs, bench.path(), manifest));
  CHECK(bench.newest() == manifest);
}

TEST_CASE("a damaged manifest is not passed over for an older one") {
  WriterBench bench;
  const auto manifest = next_manifest(bench);
  REQUIRE(publish_manifest(bench.fs, bench.path(), manifest));
  test::flip_bit(format::manifest_path(bench.path(), manifest.version), 40);
  const auto newest = newest_manifest(bench.fs, bench.path());
  REQUIRE_FALSE(newest);
  CHECK(newest.error().code == ErrorCode::corruption);
}

TEST_CASE("a failure before the commit point leaves the old version, whichever call fails") {
  for (int fail_at = 0;; ++fail_at) {
    CAPTURE(fail_at);
    WriterBench bench;
    const auto manifest = next_manifest(bench);
    const auto before = bench.newest();
    int calls = 0;
    bool failed = false, linked = false;
    bench.fs.set_rule([&](Call call, const fs::Path&) -> std::optional<Fault> {
      if (call == Call::link && calls != fail_at) linked = true;
      if (calls++ != fail_at) return {};
      failed = true;
      return test::io_fault();
    });
    const auto published = publish_manifest(bench.fs, bench.path(), manifest);
    bench.fs.clear();
    if (!failed) {
      CHECK(published);
      CHECK(fail_at > 10);
      break;
    }
    // Whatever was answered, the collection has the old or the whole new manifest, and says so.
    const auto newest = bench.newest();
    CHECK((newest == before || newest == manifest));
    if (published) CHECK(newest == manifest);
    if (!linked) CHECK(newest == before);
  }
}
