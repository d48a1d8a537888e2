#include "writer/segments/merge.hpp"

#include "tests/unit/writer/writer_bench.hpp"
#include "writer/segments/graph_build.hpp"

using namespace ndb;
using namespace ndb::writer;
using test::Contents;
using test::Engine;
using test::WriterBench;

namespace {

/// Builds a real graph after doing `meanwhile`: the segment is written then, and not published.
BuildGraph builder(Engine& engine, std::function<void()> meanwhile) {
  return [&engine, meanwhile = std::move(meanwhile)](const segment::SegmentView& view, const index::ReusedGraph* reused) {
    meanwhile();
    std::atomic<double> progress{0};
    return build_graph(view, reused, engine.publisher.current()->config.hnsw, 1, progress, {});
  };
}

/// The contents at each sequence number that may be asked for: a segment's rows are there at every number, so none before
/// flushed_seq.
std::map<Seq, Contents> history(Engine& engine) {
  std::map<Seq, Contents> all;
  for (Seq at = engine.publisher.current()->flushed_seq; at <= engine.log.state().applied_seq(); at = at.next()) all[at] = engine.contents(at);
  return all;
}

std::unique_ptr<Engine> three_segments(WriterBench& bench) {
  auto engine = bench.open();
  for (int i = 0; i < 3; ++i) {
    std::vector<std::string> ids;
    for (int j = 0; j < 30; ++j) ids.push_back("s" + std::to_string(i) + "-" + std::to_string(j));
    test::must(engine->put(ids, static_cast<float>(i)));
    engine->flush();
  }
  return engine;
}

}  // namespace

TEST_CASE("merging changes no answer at any sequence number, whatever happens meanwhile") {
  WriterBench bench;
  auto engine = three_segments(bench);
  test::must(engine->remove({"s0-0", "s1-1"}));
  engine->flush();
  std::map<Seq, Contents> before;
  const auto meanwhile = [&] {
    test::must(engine->remove({"s0-2", "s2-29"}));
    test::must(engine->put({"s1-3", "new"}, 9));
    engine->flush();  // these deaths must go into the merged segment's delete set
    test::must(engine->remove({"s0-4"}));
    test::must(engine->put({"s2-5", "s1-3"}, 10));  // and these be derived from the memtable
    before = history(*engine);
  };
  const auto merged = merge_segments(engine->context, engine->segment_ids(), 1, builder(*engine, meanwhile), {});
  test::must(merged);
  CHECK(before.size() == 4);
  const auto after = engine->contents();
  CHECK(after == before.rbegin()->second);
  CHECK(after.size() == 90 - 5 + 1);
  const auto manifest = engine->publisher.current();
  REQUIRE(manifest->segments.size() == 2);
  CHECK(manifest->segments[0].rows == 88);
  CHECK(manifest->segments[0].deleted == 3);
  CHECK(manifest->segments[0].hnsw);
  CHECK(history(*engine) == before);
  engine->flush();
  CHECK(engine->contents() == after);
  engine.reset();
  CHECK(bench.open()->contents() == after);
}

TEST_CASE("a segment whose rows all die while it is merged is not published") {
  WriterBench bench;
  auto engine = bench.open();
  test::must(engine->put({"a"}, 1));
  engine->flush();
  test::must(engine->put({"b"}, 2));
  engine->flush();
  const auto meanwhile = [&] {
    test::must(engine->remove({"a", "b"}));
    engine->flush();
  };
  test::must(merge_segments(engine->context, engine->segment_ids(), 1, builder(*engine, meanwhile), {}));
  CHECK(engine->publisher.current()->segments.empty());
  CHECK(engine->contents().empty());
  engine.reset();
  CHECK(bench.open()->contents().empty());
}

TEST_CASE("merges and graphs leave the room to writes, unless they make more of it") {
  WriterBench bench;
  auto engine = three_segments(bench);
  engine->context.left_to_writes = 1 << 20;
  const auto sources = engine->segment_ids();
  const auto merge = [&] { return merge_segments(engine->context, sources, 1, builder(*engine, [] {}), {}); };
  const auto folders = [&] { return bench.fs.list(format::segments_folder(bench.path())).value().size(); };
  bench.fs.set_free_bytes(1 << 20);
  const auto refused = merge();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::no_space);
  CHECK(refused.error().message.starts_with("merging 3 segments waits for room"));
  const auto no_graph = index_segment(engine->context, sources[0], builder(*engine, [] {}));
  REQUIRE_FALSE(no_graph);
  CHECK(no_graph.error().message.starts_with("a graph waits for room"));
  CHECK(engine->segment_ids() == sources);
  CHECK(folders() == sources.size());

  SECTION("with room for both it is done") {
    bench.fs.set_free_bytes((1 << 20) + (1 << 19));
    test::must(index_segment(engine->context, sources[0], builder(*engine, [] {})));
    test::must(merge());
    CHECK(engine->segment_ids().size() == 1);
  }
  SECTION("what leaves little of its sources needs room for that only") {
    std::vector<std::string> ids;
    for (const auto& [id, value] : engine->contents())
      if (id != "s1-7") ids.push_back(id);
    test::must(engine->remove(ids));
    engine->flush();
    bench.fs.set_free_bytes(1 << 16);
    test::must(merge_segments(engine->context, engine->segment_ids(), 1, builder(*engine, [] {}), {}));
    CHECK(engine->contents().size() == 1);
  }
}

TEST_CASE("merging segments without live rows drops them") {
  WriterBench bench;
  auto engine = three_segments(bench);
  std::vector<std::string> ids;
  for (const auto& [id, value] : engine->contents()) ids.push_back(id);
  test::must(engine->remove(ids));
  const auto sources = engine->segment_ids();
  engine->flush();
  test::must(merge_segments(engine->context, sources, 1, builder(*engine, [] {}), {}));
  CHECK(engine->publisher.current()->segments.empty());
}

TEST_CASE("dead rows leave the files, and a segment keeps its place in the order") {
  WriterBench bench;
  auto engine = three_segments(bench);
  const auto ids = engine->segment_ids();
  test::must(engine->remove({"s1-0"}));
  engine->flush();
  test::must(merge_segments(engine->context, {ids[1]}, 1'000, builder(*engine, [] { FAIL("no graph is wanted"); }), {}));
  const auto manifest = engine->publisher.current();
  REQUIRE(manifest->segments.size() == 3);
  CHECK(manifest->segments[0].id == ids[0]);
  CHECK(manifest->segments[1].rows == 29);
  CHECK(manifest->segments[1].deleted == 0);
  CHECK(manifest->segments[2].id == ids[2]);
}

TEST_CASE("an index that is dropped while a merge builds one stays dropped") {
  WriterBench bench;
  auto engine = three_segments(bench);
  const auto meanwhile = [&] {
    test::must(engine->publisher.publish([](format::Manifest& next) -> Status {
      next.index_enabled = false;
      return {};
    }));
  };
  test::must(merge_segments(engine->context, engine->segment_ids(), 1, builder(*engine, meanwhile), {}));
  REQUIRE(engine->publisher.current()->segments.size() == 1);
  CHECK_FALSE(engine->publisher.current()->segments[0].hnsw);
}

TEST_CASE("a graph for a segment that was merged away meanwhile is not published") {
  WriterBench bench;
  auto engine = three_segments(bench);
  const auto ids = engine->segment_ids();
  const auto meanwhile = [&] { test::must(merge_segments(engine->context, ids, 1'000, builder(*engine, [] {}), {})); };
  const auto indexed = index_segment(engine->context, ids[0], builder(*engine, meanwhile));
  REQUIRE_FALSE(indexed);
  CHECK(indexed.error().code == ErrorCode::not_found);
  CHECK(index_segment(engine->context, ids[0], builder(*engine, [] {})).error().code == ErrorCode::not_found);
  CHECK(engine->contents().size() == 90);
}

TEST_CASE("a damaged source is not copied into a new segment") {
  WriterBench bench;
  auto engine = three_segments(bench);
  const auto ids = engine->segment_ids();
  engine.reset();
  test::flip_bit(format::segment_folder(bench.path(), ids[1]) / "vectors", 4096 + 100);
  engine = bench.open();
  const auto version = engine->publisher.current()->version;
  const auto merged = merge_segments(engine->context, ids, 1'000, builder(*engine, [] {}), {});
  REQUIRE_FALSE(merged);
  CHECK(merged.error().code == ErrorCode::corruption);
  CHECK(engine->publisher.current()->version == version);
}

TEST_CASE("a merge or flush that fails anywhere changes nothing and can be repeated") {
  for (int fail_at = 0;; fail_at += 3) {
    CAPTURE(fail_at);
    WriterBench bench;
    auto engine = three_segments(bench);
    test::must(engine->remove({"s0-1"}));
    test::must(engine->put({"s1-1"}, 5));
    test::must(engine->log.freeze());
    const auto before = engine->contents();
    int calls = 0;
    bool failed = false;
    bench.fs.set_rule([&](test::Call, const fs::Path&) -> std::optional<test::Fault> {
      if (calls++ != fail_at) return {};
      failed = true;
      return test::Fault{{ErrorCode::no_space, "full", {}}};
    });
    static_cast<void>(flush_oldest(engine->context, {}));
    static_cast<void>(merge_segments(engine->context, engine->segment_ids(), 1, builder(*engine, [] {}), {}));
    bench.fs.clear();
    REQUIRE(engine->contents() == before);
    engine.reset();
    engine = bench.open();
    REQUIRE(engine->contents() == before);
    engine->flush();
    test::must(merge_segments(engine->context, engine->segment_ids(), 1, builder(*engine, [] {}), {}));
    REQUIRE(engine->contents() == before);
    if (!failed) break;
  }
}

TEST_CASE("a merged segment's graph grows from the largest of the sources' graphs, under its new row numbers") {
  WriterBench bench;
  auto engine = three_segments(bench);
  std::vector<std::string> many;
  for (int i = 0; i < 60; ++i) many.push_back("large-" + std::to_string(i));
  test::must(engine->put(many, 5));
  engine->flush();
  for (const SegmentId id : engine->segment_ids()) test::must(index_segment(engine->context, id, builder(*engine, [] {})));
  test::must(engine->remove({"large-7", "s0-3"}));
  engine->flush();
  const auto sources = engine->log.state().snapshot();
  const auto grown = [&](const segment::SegmentView& view, const index::ReusedGraph* reused) {
    REQUIRE(reused != nullptr);
    CHECK(reused->graph->rows() == 60);
    const auto& large = *std::ranges::find(sources->segments, 60U, [](const auto& slot) { return slot.view->rows(); })->view;
    for (Row row = 0; row < 60; ++row) {
      const Row now = reused->new_rows[row];
      if (large.row_id(row) == "large-7") CHECK(now == index::kNoRow);
      else CHECK(view.row_id(now) == large.row_id(row));
    }
    std::atomic<double> progress{0};
    return build_graph(view, reused, engine->publisher.current()->config.hnsw, 1, progress, {});
  };
  test::must(merge_segments(engine->context, engine->segment_ids(), 1, grown, {}));
  REQUIRE(engine->segment_ids().size() == 1);
  CHECK(engine->log.state().snapshot()->segments.front().view->hnsw() != nullptr);
}

TEST_CASE("a graph that lost much of its rows is not grown from") {
  WriterBench bench;
  auto engine = three_segments(bench);
  for (const SegmentId id : engine->segment_ids()) test::must(index_segment(engine->context, id, builder(*engine, [] {})));
  for (int s = 0; s < 3; ++s)
    for (int i = 0; i < 12; ++i) test::must(engine->remove({"s" + std::to_string(s) + "-" + std::to_string(i)}));
  engine->flush();
  const auto anew = [&](const segment::SegmentView& view, const index::ReusedGraph* reused) {
    CHECK(reused == nullptr);
    std::atomic<double> progress{0};
    return build_graph(view, reused, engine->publisher.current()->config.hnsw, 1, progress, {});
  };
  test::must(merge_segments(engine->context, engine->segment_ids(), 1, anew, {}));
}
