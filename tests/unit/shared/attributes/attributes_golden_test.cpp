// Indexes of formats 1 and 2, as they were written once: they can still be read, and today's writer makes the bytes of format 2.
#include <fmt/format.h>

#include "tests/support/bytes_on_disk.hpp"
#include "tests/unit/shared/attributes/index_bench.hpp"

using namespace ndb;
using attributes::AttributesView;
using test::IndexBench;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(NDB_GOLDEN_DIR) / "attributes-v2";
constexpr Row kRows = 400;

std::vector<std::string> documents() {
  std::vector<std::string> documents;
  for (Row i = 0; i < kRows; ++i)
    documents.push_back(i % 50 == 0 ? std::string() : fmt::format(R"({{"source":"s{}","price":{}.25,"tags":["t{}",{},null],"author":{{"vip":{}}},"text":"{}"}})",
                                                                  i % 3, i % 170, i % 40, i % 5, i % 2 == 0, i));
  return documents;
}

const attributes::FieldChoice kChoice{.only = {}, .never = {"text"}};

}  // namespace

TEST_CASE("write the golden index", "[.generate]") {
  const IndexBench bench(documents(), kChoice);
  test::put_file(kGolden, test::bytes_of_file(bench.path()));
}

TEST_CASE("an index is read as it was meant, whichever format it has") {
  const std::string name = GENERATE("attributes-v1", "attributes-v2");
  CAPTURE(name);
  const auto file = test::must(format::SectionFile::open(fs::posix_file_system(), std::filesystem::path(NDB_GOLDEN_DIR) / name, format::FileKind::attributes,
                                                         IndexBench::kSegment, nullptr));
  const auto view = test::must(AttributesView::open(file, kRows));
  CHECK(file->verify());
  CHECK(view->verify());
  CHECK(view->fields() == 6);
  CHECK(view->find("source").known == AttributesView::Known::indexed);
  CHECK(view->find("text").known == AttributesView::Known::not_indexed);
  CHECK(view->find("nowhere").known == AttributesView::Known::absent);
  const IndexBench bench(documents(), kChoice);
  for (const auto& filter : {Filter::eq("source", "s1"), Filter::lt("price", 30), Filter::gte("price", 40) && Filter::lt("price", 140), Filter::gt("tags", 2), Filter::eq("tags", "t7"), Filter::eq("tags", nullptr),
                             Filter::eq("tags", 3), Filter::eq("author.vip", true), Filter::exists("text", false)}) {
    CAPTURE(filter.to_json());
    const filter::CompiledFilter compiled(filter);
    const auto rows = attributes::FilterRows(compiled, view.get(), kRows, [](Row) { return base::ByteSpan{}; }).evaluate();
    CHECK(rows.to_list() == bench.scanned(filter));
  }
}

TEST_CASE("today's writer makes the index of format 2") {
  const IndexBench bench(documents(), kChoice);
  CHECK(test::bytes_of_file(bench.path()) == test::bytes_of_file(kGolden));
}
