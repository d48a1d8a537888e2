#include <algorithm>
#include <random>
#include <set>

#include "shared/segment/row_layout.hpp"
#include "shared/segment/segment_view.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/segment_files.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using segment::SegmentView;

namespace {

constexpr SegmentId kSegment{7};

std::vector<Document> random_documents(std::uint64_t seed, std::size_t count, std::uint32_t dim) {
  std::mt19937_64 random(seed);
  std::vector<Document> documents(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto& one = documents[i];
    one.id = std::to_string(i) + std::string(random() % 40, 'i');
    one.vector.resize(dim);
    for (auto& x : one.vector) x = static_cast<float>(random() % 1'000) - 499.5F;
    if (random() % 3 != 0) one.payload = std::string(random() % 60, static_cast<char>('a' + random() % 26));
  }
  return documents;
}

Result<std::shared_ptr<const SegmentView>> open(const fs::Path& collection, const CollectionConfig& config,
                                                const format::ManifestSegment& segment, const SegmentView* previous = nullptr) {
  return SegmentView::open(fs::posix_file_system(), collection, config, segment, previous);
}

void require_same(const SegmentView& view, const std::vector<Document>& documents) {
  REQUIRE(view.rows() == documents.size());
  for (Row row = 0; row < documents.size(); ++row) {
    CAPTURE(row);
    REQUIRE(view.row_id(row) == documents[row].id);
    REQUIRE(view.find(documents[row].id) == row);
    REQUIRE(std::ranges::equal(view.vector(row), documents[row].vector));
    REQUIRE(base::as_text(view.payload(row)) == documents[row].payload);
  }
}

}  // namespace

TEST_CASE("a segment gives back its documents, for every distance and odd dimensions") {
  for (const auto distance : {Distance::cosine, Distance::dot, Distance::euclidean})
    for (const std::uint32_t dim : {1U, 3U, 5U, 15U, 16U, 17U, 31U, 100U, 769U}) {
      CAPTURE(distance_name(distance), dim);
      const test::TempFolder folder;
      const CollectionConfig config{.dim = dim, .distance = distance};
      const auto documents = random_documents(dim, 300, dim);
      const auto segment = test::write_documents(folder.path(), kSegment, config, documents);
      CHECK(segment.rows == 300);
      const auto view = open(folder.path(), config, segment);
      REQUIRE(view);
      require_same(**view, documents);
      CHECK_FALSE((*view)->find("nobody"));
      CHECK_FALSE((*view)->find(""));
      CHECK((*view)->verify());
      CHECK((*view)->damage());
      CHECK((*view)->mapped_bytes() == segment.bytes());
      CHECK(((*view)->vectors().inverse_norms != nullptr) == (distance == Distance::cosine));
      CHECK((*view)->hnsw() == nullptr);
    }
}

TEST_CASE("rows keep their alignment where padding is cheap, and never overlap") {
  CHECK(segment::row_stride_bytes(768) == 3072);
  CHECK(segment::row_stride_bytes(3) == 12);
  for (std::uint32_t dim = 1; dim <= 65'536; dim += dim < 300 ? 1 : 977) {
    const auto stride = segment::row_stride_bytes(dim);
    REQUIRE(stride >= dim * 4);
    REQUIRE(stride % 4 == 0);
    REQUIRE(stride - dim * 4 <= dim * 4 / 16);
  }
}

TEST_CASE("a segment of one row, the longest id and the largest payload") {
  const test::TempFolder folder;
  const CollectionConfig config{.dim = 2, .distance = Distance::dot};
  const std::vector<Document> documents = {{std::string(512, 'x'), {1, 2}, std::string(1U << 20, 'p')}};
  const auto view = open(folder.path(), config, test::write_documents(folder.path(), kSegment, config, documents));
  REQUIRE(view);
  require_same(**view, documents);
}

TEST_CASE("a segment without rows, or over another, is refused") {
  const test::TempFolder folder;
  std::filesystem::create_directories(format::segments_folder(folder.path()));
  auto& fs = fs::posix_file_system();
  const CollectionConfig config{.dim = 2, .distance = Distance::dot};
  const segment::RowSource none = [](Row) -> Result<segment::SegmentRow> { return fail(ErrorCode::internal, "no row"); };
  CHECK_FALSE(segment::write_segment(fs, folder.path(), kSegment, config, 0, none));
  CHECK_FALSE(segment::write_segment(fs, folder.path(), kSegment, config, segment::kMaxSegmentRows + 1, none));
  CHECK(segment::write_segment(fs, folder.path(), kSegment, config, 1, none).error().code == ErrorCode::internal);
  CHECK(segment::write_segment(fs, folder.path(), kSegment, config, 1, none).error().code == ErrorCode::already_exists);
}

TEST_CASE("a stopped writer gives up") {
  const test::TempFolder folder;
  std::filesystem::create_directories(format::segments_folder(folder.path()));
  std::stop_source stop;
  stop.request_stop();
  const std::vector<float> vector = {1, 2};
  const segment::RowSource source = [&](Row) -> Result<segment::SegmentRow> { return segment::SegmentRow{"a", vector, {}}; };
  const CollectionConfig config{.dim = 2, .distance = Distance::dot};
  const auto stopped = segment::write_segment(fs::posix_file_system(), folder.path(), kSegment, config, 1, source, stop.get_token());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == ErrorCode::unavailable);
}

TEST_CASE("a segment that does not fit its manifest or its collection is corruption") {
  const test::TempFolder folder;
  const CollectionConfig config{.dim = 4, .distance = Distance::dot};
  const auto segment = test::write_documents(folder.path(), kSegment, config, random_documents(1, 20, 4));
  const auto corrupt = [&](const CollectionConfig& with, const format::ManifestSegment& named) {
    const auto view = open(folder.path(), with, named);
    return !view && view.error().code == ErrorCode::corruption;
  };
  CHECK_FALSE(corrupt(config, segment));
  CHECK(corrupt({.dim = 3, .distance = Distance::dot}, segment));
  CHECK(corrupt({.dim = 8, .distance = Distance::dot}, segment));
  CHECK(corrupt({.dim = 4, .distance = Distance::cosine}, segment));  // no norms there
  auto named = segment;
  named.rows = 19;
  CHECK(corrupt(config, named));
  named.rows = 21;
  CHECK(corrupt(config, named));
  named = segment;
  named.ids.checksum ^= 1;
  CHECK(corrupt(config, named));
  named = segment;
  named.ids = named.payloads;
  CHECK(corrupt(config, named));
  named = segment;
  named.hnsw = named.payloads;
  CHECK(corrupt(config, named));
  std::filesystem::remove(format::segment_folder(folder.path(), kSegment) / "payloads");
  CHECK(open(folder.path(), config, segment).error().code == ErrorCode::not_found);
}

TEST_CASE("no flipped bit of a segment is ever returned as data without damage() telling") {
  for (const char* name : {"vectors", "ids", "payloads"}) {
    const test::TempFolder folder;
    const CollectionConfig config{.dim = 33, .distance = Distance::cosine};
    const auto documents = random_documents(3, 150, 33);
    const auto segment = test::write_documents(folder.path(), kSegment, config, documents);
    const auto path = format::segment_folder(folder.path(), kSegment) / name;
    auto bytes = test::bytes_of_file(path);
    std::size_t found = 0;
    for (std::size_t offset = 4096; offset < bytes.size(); offset += 173) {
      CAPTURE(name, offset);
      bytes[offset] ^= std::byte{0x08};
      test::put_file(path, bytes);
      bytes[offset] ^= std::byte{0x08};
      const auto view = open(folder.path(), config, segment);
      if (!view) {
        REQUIRE(view.error().code == ErrorCode::corruption);
        ++found;
        continue;
      }
      bool same = true;
      for (Row row = 0; row < documents.size(); ++row)
        same = same && (*view)->row_id(row) == documents[row].id && (*view)->find(documents[row].id) == row &&
               std::ranges::equal((*view)->vector(row), documents[row].vector) &&
               base::as_text((*view)->payload(row)) == documents[row].payload;
      const auto damage = (*view)->damage();
      if (!same) REQUIRE_FALSE(damage);
      if (damage) continue;
      ++found;
      REQUIRE(damage.error().code == ErrorCode::corruption);
      REQUIRE(test::contains(damage.error().message, path.string()));
      REQUIRE_FALSE((*view)->verify());
    }
    CHECK(found > 20);
  }
}

TEST_CASE("a file that is cut off under an open segment is named, whatever is read, and nothing that is gone is called undamaged") {
  for (const std::string name : {"vectors", "ids", "payloads"})
    for (const std::uintmax_t left : {std::uintmax_t{0}, std::uintmax_t{100}, std::uintmax_t{4096}, std::uintmax_t{9000}}) {
      const test::TempFolder folder;
      const CollectionConfig config{.dim = 33, .distance = Distance::cosine};
      const auto documents = random_documents(4, 300, 33);
      const auto segment = test::write_documents(folder.path(), kSegment, config, documents);
      const auto path = format::segment_folder(folder.path(), kSegment) / name;
      CAPTURE(name, left);
      const auto view = open(folder.path(), config, segment);
      REQUIRE(view);
      require_same(**view, documents);  // every block was good when it was checked
      REQUIRE((*view)->damage());
      std::filesystem::resize_file(path, left);
      for (Row row = 0; row < documents.size(); ++row) {
        const auto id = (*view)->row_id(row);
        const auto found = (*view)->find(documents[row].id);
        const bool same = id == documents[row].id && found == row && std::ranges::equal((*view)->vector(row), documents[row].vector) &&
                          base::as_text((*view)->payload(row)) == documents[row].payload;
        if (!same) REQUIRE_FALSE((*view)->damage());
      }
      const auto damage = (*view)->damage();
      REQUIRE_FALSE(damage);
      CHECK(damage.error().code == ErrorCode::io_error);
      CHECK(test::contains(damage.error().message, path.string()));
      CHECK_FALSE((*view)->verify());
      const auto again = open(folder.path(), config, segment);
      REQUIRE_FALSE(again);
      CHECK(again.error().code == ErrorCode::corruption);
      CHECK(test::contains(again.error().message, path.string()));
    }
}

TEST_CASE("a view of the same segment in a newer manifest shares its files") {
  const test::TempFolder folder;
  const CollectionConfig config{.dim = 4, .distance = Distance::dot};
  const auto documents = random_documents(1, 20, 4);
  const auto segment = test::write_documents(folder.path(), kSegment, config, documents);
  const auto first = open(folder.path(), config, segment);
  REQUIRE(first);
  std::filesystem::remove_all(format::segment_folder(folder.path(), kSegment));
  const auto second = open(folder.path(), config, segment, first->get());
  REQUIRE(second);
  CHECK((*second)->vectors().data == (*first)->vectors().data);
  require_same(**second, documents);
}

TEST_CASE("many ids are all found, and others never") {
  for (const auto seed : test::seeds(3)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    const test::TempFolder folder;
    const CollectionConfig config{.dim = 1, .distance = Distance::dot};
    const auto documents = random_documents(seed, 20'000, 1);
    const auto view = open(folder.path(), config, test::write_documents(folder.path(), kSegment, config, documents));
    REQUIRE(view);
    for (Row row = 0; row < documents.size(); ++row) REQUIRE((*view)->find(documents[row].id) == row);
    for (std::size_t i = 0; i < documents.size(); ++i) REQUIRE_FALSE((*view)->find("other-" + std::to_string(i)));
  }
}
