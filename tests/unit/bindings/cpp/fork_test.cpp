// What a forked child can do with handles of its parent, which are of no use without the parent's threads: each must say so rather than
// wait for a lock that nobody will give up. And the child can open the folder for itself.
//
// Not under AddressSanitizer: a lock of its allocator that another thread of the parent holds at the fork is never freed in the child.
#ifndef __SANITIZE_ADDRESS__
#include <cstdlib>

#include "tests/support/child_process.hpp"
#include "tests/unit/bindings/cpp/embedded_bench.hpp"

using namespace ndb;
using test::ChildProcess;
using test::document;

namespace {

template <class T>
bool unavailable(const Result<T>& result) {
  return !result && result.error().code == ErrorCode::unavailable;
}

// The line of the first call that answers something else, or 0.
int use_inherited(Database db, Collection docs) {
  const Search search(std::vector<float>{1, 1, 1});
  if (!unavailable(docs.insert(document("b", 1)))) return __LINE__;
  if (!unavailable(docs.remove("a"))) return __LINE__;
  if (!unavailable(docs.remove_where(Filter{}))) return __LINE__;
  if (!unavailable(docs.get("a"))) return __LINE__;
  if (!unavailable(docs.search(search))) return __LINE__;
  if (!unavailable(docs.search_batch(std::vector<Search>(3, search)))) return __LINE__;
  if (!unavailable(docs.count())) return __LINE__;
  if (!unavailable(docs.scroll({}, 1))) return __LINE__;
  if (!unavailable(docs.flush()) || !unavailable(docs.compact())) return __LINE__;
  if (!unavailable(docs.rebuild_index()) || !unavailable(docs.delete_index())) return __LINE__;
  if (!unavailable(docs.stats()) || !unavailable(docs.manifest()) || !unavailable(docs.replicas())) return __LINE__;
  if (!unavailable(docs.wait_for(Seq{1})) || !unavailable(docs.acquire_write_lock())) return __LINE__;
  if (!unavailable(db.create_collection("new", {.dim = 3}))) return __LINE__;
  if (!unavailable(db.get_collection("docs")) || !unavailable(db.list_collections())) return __LINE__;
  if (!unavailable(db.drop_collection("docs"))) return __LINE__;
  return db.close() ? 0 : __LINE__;
}

}  // namespace

TEST_CASE("in a forked child, every call on a parent's handle answers unavailable, and none waits") {
  for (const bool writing : {true, false}) {
    test::EmbeddedBench bench;
    if (!writing) test::must(bench.db.close());
    auto db = test::must(Database::open(bench.path()));
    auto docs = test::must(db.get_collection("docs"));
    if (writing) test::must(docs.insert(document("a", 1)));
    ChildProcess child([&](const auto&) { return use_inherited(db, docs); });
    CHECK(child.join() == 0);
    CHECK(docs.insert(document("b", 1)));  // the parent goes on
  }
}

TEST_CASE("the last handles of a forked child can go: destroying them waits for no thread") {
  test::EmbeddedBench bench;
  std::optional<Collection> docs = bench.docs();
  test::must(docs->insert(document("a", 1)));
  ChildProcess child([&](const auto&) {
    docs.reset();
    bench.db = *Database::open(bench.path());  // the parent's goes with this
    return 0;
  });
  CHECK(child.join() == 0);
  CHECK(docs->count().value() == 1);
}

#ifndef __SANITIZE_THREAD__  // which allows no new threads after a fork
TEST_CASE("a forked child opens the folder for itself: it reads beside its parent, and writes when the parent has closed") {
  test::EmbeddedBench bench;
  auto docs = bench.docs();
  test::must(docs.insert(document("a", 1)));
  ChildProcess child([&](const auto& line) {
    auto own = Database::open(bench.path());
    if (!own) return 1;
    auto mine = own->get_collection("docs");
    if (!mine || mine->count().value_or(0) != 1) return 2;
    if (mine->search_batch(std::vector<Search>(8, Search(std::vector<float>{1, 1, 1})))->size() != 8) return 3;
    const auto refused = mine->insert(document("b", 1));
    if (refused || refused.error().code != ErrorCode::collection_locked) return 4;
    line.say("refused");
    if (line.hear() != "closed") return 5;
    if (!mine->insert(document("b", 1)) || !mine->flush()) return 6;
    return own->close() ? 0 : 7;
  });
  REQUIRE(child.hear() == "refused");
  test::must(bench.db.close());
  child.say("closed");
  CHECK(child.join() == 0);
  bench.db = test::must(Database::open(bench.path()));
  CHECK(bench.docs().count().value() == 2);
}
#endif
#endif
