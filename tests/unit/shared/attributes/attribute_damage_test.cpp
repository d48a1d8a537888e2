// Damaged indexes: named by verify(), never a wrong answer that nobody hears of.
#include <fmt/format.h>

#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/unit/shared/attributes/index_bench.hpp"

using namespace ndb;
using attributes::AttributesView;
using test::IndexBench;

namespace {

std::vector<std::string> documents() {
  std::vector<std::string> documents;
  for (int i = 0; i < 300; ++i) documents.push_back(fmt::format(R"({{"n":{},"s":"s{}","k":{}}})", i, i % 90, i % 2));
  return documents;
}

std::vector<Filter> filters() {
  return {Filter::eq("n", 17), Filter::lt("n", 100), Filter::eq("s", "s8"), Filter::eq("k", 1), Filter::exists("n"), Filter::gt("s", "s5"),
          Filter::eq("nowhere", 1), Filter::eq("k", 0) && Filter::gte("n", 250)};
}

}  // namespace

TEST_CASE("any flipped bit of the file is found when it is opened, asked, or verified") {
  const IndexBench bench(documents());
  std::vector<std::vector<Row>> expected;
  for (const auto& filter : filters()) expected.push_back(bench.found(filter));
  const auto bytes = test::bytes_of_file(bench.path());
  const test::TempFolder folder;
  std::size_t found_at_open = 0, found_later = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 23) {
    CAPTURE(at);
    auto damaged = bytes;
    damaged[at] ^= std::byte{4};
    const auto path = folder.path() / "attributes";
    test::put_file(path, damaged);
    auto file = format::SectionFile::open(fs::posix_file_system(), path, format::FileKind::attributes, IndexBench::kSegment, &bench.ref());
    auto view = file ? AttributesView::open(*file, bench.rows()) : Result<std::unique_ptr<const AttributesView>>(std::unexpected(file.error()));
    if (!view) {
      ++found_at_open;
      continue;
    }
    const auto all = filters();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const filter::CompiledFilter compiled(all[i]);
      const auto rows = attributes::FilterRows(compiled, view->get(), bench.rows(), [&](Row row) { return bench.payload(row); }).evaluate();
      if ((*file)->damage() && (*view)->damage()) REQUIRE(rows.to_list() == expected[i]);
    }
    const bool whole = (*file)->verify() && (*view)->verify();
    REQUIRE_FALSE(whole);
    ++found_later;
  }
  CHECK(found_at_open > 100);
  CHECK(found_later > 400);
}

TEST_CASE("content under right checksums that does not add up is damage, not a crash") {
  const IndexBench bench(documents());
  const test::TempFolder folder;
  test::FaultyFileSystem fs;  // without a fault: it only spares us the syncs
  const auto whole = test::must(format::SectionFile::open(fs::posix_file_system(), bench.path(), format::FileKind::attributes,
                                                          IndexBench::kSegment, nullptr));
  std::size_t wrong = 0, tried = 0;
  for (const std::uint32_t changed : {attributes::kDataSection, attributes::kFieldsSection, attributes::kPathsSection}) {
    const auto size = test::must(whole->section(changed)).bytes.size();
    for (std::size_t at = 0; at < size; at += changed == attributes::kDataSection ? 97 : 7) {
      CAPTURE(changed, at);
      const auto path = folder.path() / std::to_string(tried++);
      auto writer = test::must(format::SectionFileWriter::create(fs, path, format::FileKind::attributes, SegmentId{5}));
      for (std::uint32_t id = 1; id <= 4; ++id) {
        const auto section = test::must(whole->section(id));
        std::vector<std::byte> bytes(section.bytes.begin(), section.bytes.end());
        if (id == changed) bytes[at] ^= std::byte{0x81};
        test::must(writer.begin_section(id, section.element_bytes));
        test::must(writer.append(bytes));
      }
      test::must(writer.finish());
      auto file = test::must(format::SectionFile::open(fs, path, format::FileKind::attributes, SegmentId{5}, nullptr));
      const auto view = test::must(AttributesView::open(file, bench.rows()));
      for (const auto& filter : filters()) {
        const filter::CompiledFilter compiled(filter);
        const auto rows = attributes::FilterRows(compiled, view.get(), bench.rows(), [&](Row row) { return bench.payload(row); }).evaluate();
        rows.for_each([&](Row row) { REQUIRE(row < bench.rows()); });
      }
      wrong += view->verify() ? 0U : 1U;
    }
  }
  // What stays is another value in its place, or padding: that only the checksums can tell.
  CHECK(wrong > tried / 4);
}

TEST_CASE("an index of another segment, another number of rows or a later format is refused") {
  const IndexBench bench(documents());
  auto& fs = fs::posix_file_system();
  const auto file = test::must(format::SectionFile::open(fs, bench.path(), format::FileKind::attributes, IndexBench::kSegment, nullptr));
  CHECK_FALSE(AttributesView::open(file, bench.rows() + 1));
  CHECK_FALSE(format::SectionFile::open(fs, bench.path(), format::FileKind::attributes, SegmentId{6}, nullptr));
  CHECK_FALSE(format::SectionFile::open(fs, bench.path(), format::FileKind::payloads, IndexBench::kSegment, nullptr));
}
