// What is indexed, in which size, and how it is found again.
#include <fmt/format.h>

#include "tests/unit/shared/attributes/index_bench.hpp"

using namespace ndb;
using attributes::AttributesView;
using Known = AttributesView::Known;
using test::IndexBench;

namespace {

using Documents = std::vector<std::string>;

std::uint64_t entries(const IndexBench& bench, std::string_view path) { return bench.view().find(path).record.entries; }

}  // namespace

TEST_CASE("paths lead through objects and arrays of objects, and values are those of scalars and of arrays") {
  const IndexBench bench({R"({"a":{"b":[{"c":1},{"c":[2,[3]]},4]},"n":null})", R"({"a":[{"b":"x"}],"flag":true})", "", "{}"});
  for (const auto* path : {"a", "a.b", "a.b.c", "n", "flag"}) CHECK(bench.known(path) == Known::indexed);
  for (const auto* path : {"b", "a.c", "a.b.c.d", "", "n.x"}) CHECK(bench.known(path) == Known::absent);
  CHECK(entries(bench, "a") == 0);      // objects are no values
  CHECK(entries(bench, "a.b") == 2);    // 4 and "x"
  CHECK(entries(bench, "a.b.c") == 2);  // 1 and 2; the array inside the array is none
  CHECK(entries(bench, "n") == 1);
  CHECK(bench.found(Filter::exists("a")) == std::vector<Row>{0, 1});
  CHECK(bench.found(Filter::eq("a.b.c", 2)) == std::vector<Row>{0});
  CHECK(bench.found(Filter::exists("n", false)) == std::vector<Row>{1, 2, 3});
  CHECK(bench.view().verify());
}

TEST_CASE("a key with a dot is in no path, and does not hide the path that looks like it") {
  const IndexBench bench({R"({"a.b":1,"a":{"b":2}})"});
  CHECK(bench.found(Filter::eq("a.b", 1)).empty());
  CHECK(bench.found(Filter::eq("a.b", 2)) == std::vector<Row>{0});
}

TEST_CASE("numbers that are equal are one value, whatever they are written as") {
  const IndexBench bench({R"({"n":3})", R"({"n":3.0})", R"({"n":[3,3.0,-0.0]})", R"({"n":0})", R"({"n":18446744073709551615})"});
  CHECK(bench.view().find("n").record.values == 3);
  CHECK(entries(bench, "n") == 6);
  CHECK(bench.found(Filter::eq("n", 3)) == std::vector<Row>{0, 1, 2});
  CHECK(bench.found(Filter::eq("n", 0)) == std::vector<Row>{2, 3});
  CHECK(bench.found(Filter::gt("n", 3)) == std::vector<Row>{4});
}

TEST_CASE("a range finds what a scan does, wherever it begins and ends, whether the groups of the field add up or not") {
  Documents documents;
  for (int i = 0; i < 900; ++i)  // values with enough rows for a bitmap of their own stand among others
    documents.push_back(fmt::format(R"({{"one":{},"several":[{},{}],"mixed":{}}})", i % 5 == 0 ? 13 : i % 9 == 0 ? 60 : i * 7 % 97, i * 7 % 97, i * 5 % 89,
                                    i % 3 == 0 ? fmt::format("\"t{}\"", i % 50) : std::to_string(i % 70)));
  const IndexBench bench(documents);
  CHECK(bench.view().find("one").record.cumulative == 1);
  CHECK(bench.view().find("several").record.cumulative == 0);
  CHECK(bench.view().find("mixed").record.cumulative == 1);
  CHECK(bench.view().verify());
  for (const auto* path : {"one", "several", "mixed"})
    for (int low = 0; low < 97; low += 4)
      for (int high = low; high < 99; high += 3) {
        const auto filter = Filter::gte(path, low) && Filter::lt(path, high);
        CAPTURE(filter.to_json());
        REQUIRE(bench.found(filter) == bench.scanned(filter));
      }
  for (const auto& filter : {Filter::lte("one", 13), Filter::lt("one", 13), Filter::gt("one", 13), Filter::gt("one", 60), Filter::gte("mixed", "t2"),
                             Filter::ne("one", 13), !(Filter::gt("one", 20) && Filter::lt("one", 70))})
    CHECK(bench.found(filter) == bench.scanned(filter));
}

TEST_CASE("only, never and what stands under them") {
  const Documents documents = {R"({"source":"wiki","author":{"name":"eve","age":3},"text":"long","authority":1})"};
  SECTION("only") {
    const IndexBench bench(documents, {.only = {"source", "author"}, .never = {"author.age"}});
    for (const auto* path : {"source", "author", "author.name"}) CHECK(bench.known(path) == Known::indexed);
    for (const auto* path : {"text", "authority", "author.age"}) CHECK(bench.known(path) == Known::not_indexed);
    CHECK(bench.known("nowhere") == Known::absent);
    for (const auto* path : {"text", "authority", "author.age"}) CHECK(bench.found(Filter::exists(path)) == std::vector<Row>{0});
    CHECK(bench.found(Filter::eq("text", "long")) == std::vector<Row>{0});
    CHECK(bench.found(Filter::eq("author.age", 3)) == std::vector<Row>{0});
  }
  SECTION("never") {
    const IndexBench bench(documents, {.only = {}, .never = {"text"}});
    CHECK(bench.known("text") == Known::not_indexed);
    CHECK(bench.known("authority") == Known::indexed);
  }
}

TEST_CASE("a field whose values take too much is named but not indexed, and the file stays within its bound") {
  Documents documents;
  for (int i = 0; i < 2'000; ++i)
    documents.push_back(fmt::format(R"({{"text":"{:0>400}","id":"{}","tag":"t{}"}})", i, i, i % 5));
  const IndexBench bench(documents);
  CHECK(bench.known("text") == Known::not_indexed);
  CHECK(bench.known("id") == Known::indexed);
  CHECK(bench.known("tag") == Known::indexed);
  CHECK(bench.ref().bytes < 2'000 * 128 + 2 * (64U << 10));
  CHECK(bench.found(Filter::eq("text", fmt::format("{:0>400}", 77))) == std::vector<Row>{77});
  CHECK(bench.found(Filter::eq("id", "77")) == std::vector<Row>{77});
  const IndexBench tight(documents, {}, {.memory_bytes = 256U << 20, .field_bytes_per_row = 128, .file_bytes_per_row = 1});
  CHECK(tight.known("tag") == Known::indexed);
  CHECK(tight.ref().bytes < bench.ref().bytes);
}

TEST_CASE("in little memory the payloads are read again, and the index is the same") {
  Documents documents;
  for (int i = 0; i < 3'000; ++i)
    documents.push_back(fmt::format(R"({{"a":{},"b":{},"c":"c{}","d":[{},{}],"pad":"{:x>700}"}})", i, i % 7, i % 40, i % 3, i % 11, ""));
  const IndexBench roomy(documents), tight(documents, {}, {.memory_bytes = 120'000});
  for (const auto* path : {"a", "b", "c", "d"}) {
    CAPTURE(path);
    REQUIRE(tight.known(path) == Known::indexed);
    CHECK(entries(tight, path) == entries(roomy, path));
  }
  for (const auto& filter : {Filter::lt("a", 1'000), Filter::eq("b", 3), Filter::gte("c", "c2"), Filter::in_("d", {2, 9})})
    CHECK(tight.found(filter) == roomy.found(filter));
  CHECK(tight.view().verify());
}

TEST_CASE("beyond the number of fields that are told apart, a path that is not known is looked for in the payloads") {
  Documents documents;
  for (int i = 0; i < 1'100; ++i) documents.push_back(fmt::format(R"({{"f{}":{}}})", i, i));
  const IndexBench bench(documents);
  CHECK(bench.known("f0") == Known::indexed);
  CHECK(bench.known("f1099") == Known::not_indexed);
  CHECK(bench.known("nowhere") == Known::not_indexed);
  CHECK(bench.found(Filter::eq("f1099", 1'099)) == std::vector<Row>{1'099});
  CHECK(bench.found(Filter::eq("f7", 7)) == std::vector<Row>{7});
}

TEST_CASE("payloads that encode() does not make get no index, and do not break the writer") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  const auto written = [&](const std::vector<std::byte>& payload, const char* name) {
    return test::must(attributes::write_attributes(fs, folder.path() / name, SegmentId{1}, 1,
                                                   [&](Row) -> Result<base::ByteSpan> { return base::ByteSpan(payload); }));
  };
  CHECK(written({}, "none"));
  CHECK(written(std::vector<std::byte>(50, std::byte{'x'}), "text"));
  // An object that is its own member: {"a": itself}. Its keys vector and values point at fixed places in front of them.
  std::vector<std::byte> loop;
  for (const unsigned byte : {0x61U, 0x00U,          // "a"
                              1U, 3U,                // keys: one, 3 bytes back
                              1U, 1U, 1U,            // offset to the keys, their width, number of values
                              0U, 0x24U,             // the value: a map at distance 0, itself
                              2U, 0x24U, 1U})        // the root: a map 2 bytes back
    loop.push_back(static_cast<std::byte>(byte));
  CHECK_FALSE(written(loop, "loop"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "loop"));
}

TEST_CASE("a source that fails, or a stop, ends the writing") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  const auto failed = attributes::write_attributes(fs, folder.path() / "a", SegmentId{1}, 10, [](Row row) -> Result<base::ByteSpan> {
    if (row == 7) return fail(ErrorCode::corruption, "row 7");
    return base::ByteSpan{};
  });
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message == "row 7");
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = attributes::write_attributes(fs, folder.path() / "b", SegmentId{1}, 10,
                                                    [](Row) -> Result<base::ByteSpan> { return base::ByteSpan{}; }, {}, {}, stop.get_token());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == ErrorCode::unavailable);
}
