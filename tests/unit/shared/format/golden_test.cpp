// The bytes in tests/golden were written once. Every later nDB must read them and find the same values; as long as the format
// is the newest, its writer must also make the same bytes. `format_golden_test "[.generate]"` writes them anew: for a new format
// version, under a new name.
#include <algorithm>
#include <filesystem>

#include "ndb/document.hpp"
#include "shared/format/delete_set.hpp"
#include "shared/format/pointer_files.hpp"
#include "shared/format/wal.hpp"
#include "shared/payload/payload.hpp"
#include "shared/segment/segment_view.hpp"
#include "shared/segment/segment_writer.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using namespace ndb::format;

namespace {

const fs::Path kGolden = NDB_GOLDEN_DIR;
constexpr SegmentId kSegment{0x1'0000'0002};
const CollectionConfig kConfig{.dim = 5, .distance = Distance::cosine, .durability = Durability::sync, .hnsw = {12, 90, 40}};
constexpr WalName kWal{Epoch{3}, 2};
constexpr std::uint64_t kUid = 0x0123456789ABCDEFULL;
const std::vector<Row> kDeleted = {0, 2, 5};

std::vector<Document> documents() {
  std::vector<Document> documents;
  for (int i = 0; i < 6; ++i) {
    const auto x = static_cast<float>(i);
    documents.push_back({"doc-" + std::to_string(i), {x, 0.5F, -x / 4, 1.0F, 1e-20F},
                         i % 3 == 0 ? "" : R"({"list":[1,2.5,null,"x"],"n":)" + std::to_string(i) + R"(,"source":"wiki"})"});
  }
  documents[3].id = "\xE6\x97\xA5\xE6\x9C\xAC";
  documents[4].id = std::string(512, 'k');
  return documents;
}

std::vector<std::byte> encoded(const Document& document) {
  auto payload = payload::encode(document.payload);
  REQUIRE(payload);
  return *payload;
}

/// Writes the segment and its delete set into <collection>/segments/<id>.
ManifestSegment write_segment_files(const fs::Path& collection) {
  auto& fs = fs::posix_file_system();
  REQUIRE(fs.make_directory(segments_folder(collection)));
  const auto all = documents();
  std::vector<std::vector<std::byte>> payloads;
  for (const auto& document : all) payloads.push_back(encoded(document));
  auto segment = segment::write_segment(fs, collection, kSegment, kConfig, static_cast<Row>(all.size()),
                                        [&](Row row) -> Result<segment::SegmentRow> {
                                          return segment::SegmentRow{all[row].id, all[row].vector, payloads[row]};
                                        });
  REQUIRE(segment);
  const auto deleted = write_delete_set(fs, segment_folder(collection, kSegment) / "deleted-1-0", kSegment, kDeleted);
  REQUIRE(deleted);
  segment->delete_set = *deleted;
  segment->deleted = static_cast<std::uint32_t>(kDeleted.size());
  return *segment;
}

Manifest manifest(ManifestSegment segment) {
  segment.attributes.reset();  // manifests of format 1 had none at first: see manifest_with_attributes()
  Manifest manifest;
  manifest.version = ManifestVersion{11};
  manifest.epoch = Epoch{3};
  manifest.collection_uid = kUid;
  manifest.name = "golden";
  manifest.created_unix_ms = 1'750'000'000'000;
  manifest.config = kConfig;
  manifest.flushed_seq = Seq{9};
  manifest.segments = {segment};
  manifest.segments.front().hnsw = FileRef{"hnsw-2-5", 12'345, 0xDEADBEEF};
  manifest.wals = {{{Epoch{2}, 7}, WalSeal{4711, 0xCAFEF00D}}, {kWal, {}}, {{Epoch{3}, 3}, {}}};
  return manifest;
}

Manifest manifest_with_attributes(const ManifestSegment& segment) {
  Manifest with = manifest(segment);
  with.segments.front().attributes = FileRef{"attributes", 8'192, 0xFEEDF00D};
  with.config.attributes = {.only = {"source", "author.name"}, .never = {"text"}};
  return with;
}

Manifest manifest_with_history(const ManifestSegment& segment) {
  Manifest with = manifest_with_attributes(segment);
  with.config.history = {.retention = std::chrono::hours(48), .interval = std::chrono::seconds(90)};
  return with;
}

std::vector<std::byte> wal() {
  std::vector<std::byte> out;
  append_wal_file_header(out, kWal, kUid);
  const auto frame = [&](const WalBodyBuilder& body, std::uint64_t seq, std::uint64_t synced) {
    append_wal_frame_header(out, {.epoch = kWal.epoch, .first_seq = Seq{seq}, .synced_bytes = synced, .op_count = body.op_count(),
                                  .body_bytes = static_cast<std::uint32_t>(body.bytes().size()), .body_checksum = body.checksum()});
    base::append_bytes(out, body.bytes());
  };
  WalBodyBuilder puts, removal;
  for (const auto& document : documents()) puts.put(document.id, document.vector, encoded(document));
  removal.remove("doc-1");
  frame(puts, 10, 64);
  frame({}, 16, 500);
  frame(removal, 16, 500);
  return out;
}

void write_pointers(const fs::Path& folder) {
  auto& fs = fs::posix_file_system();
  REQUIRE(write_current(fs, folder, {ManifestVersion{11}, kUid}));
  REQUIRE(write_epoch(fs, folder, {Epoch{3}, "4711@golden"}));
  REQUIRE(write_boundary(fs, folder, {ManifestVersion{8}}));
}

/// A collection's folder around the golden segment.
void place_segment(const fs::Path& collection) {
  std::filesystem::create_directories(segment_folder(collection, kSegment));
  for (const auto* name : {"vectors", "ids", "payloads"})
    std::filesystem::copy_file(kGolden / "segment-v1" / name, segment_folder(collection, kSegment) / name);
  std::filesystem::copy_file(kGolden / "deleted-v1", segment_folder(collection, kSegment) / "deleted-1-0");
}

Manifest golden_manifest() {
  const auto decoded = decode_manifest(test::bytes_of_file(kGolden / "manifest-v1"), kGolden / "manifest-v1");
  REQUIRE(decoded);
  return *decoded;
}

}  // namespace

TEST_CASE("write the golden files", "[.generate]") {
  const test::TempFolder folder;
  const auto segment = write_segment_files(folder.path());
  std::filesystem::create_directories(kGolden / "segment-v1");
  std::filesystem::create_directories(kGolden / "pointers-v1");
  for (const auto* name : {"vectors", "ids", "payloads"})
    test::put_file(kGolden / "segment-v1" / name, test::bytes_of_file(segment_folder(folder.path(), kSegment) / name));
  test::put_file(kGolden / "deleted-v1", test::bytes_of_file(segment_folder(folder.path(), kSegment) / "deleted-1-0"));
  test::put_file(kGolden / "manifest-v1", encode_manifest(manifest(segment)));
  test::put_file(kGolden / "manifest-v1-attributes", encode_manifest(manifest_with_attributes(segment)));
  test::put_file(kGolden / "manifest-v1-history", encode_manifest(manifest_with_history(segment)));
  test::put_file(kGolden / "wal-v1", wal());
  write_pointers(kGolden / "pointers-v1");
}

TEST_CASE("a manifest of format 1 is read as it was meant") {
  const auto golden = golden_manifest();
  REQUIRE(golden.segments.size() == 1);
  auto expected = manifest(golden.segments.front());
  CHECK(golden == expected);
  CHECK(golden.segments.front().rows == 6);
  CHECK(golden.segments.front().deleted == 3);
  CHECK(golden.segments.front().delete_set->name == "deleted-1-0");
}

TEST_CASE("a manifest of format 1 that names indexes of payloads is read as it was meant") {
  const auto path = kGolden / "manifest-v1-attributes";
  const auto golden = decode_manifest(test::bytes_of_file(path), path);
  REQUIRE(golden);
  CHECK(*golden == manifest_with_attributes(golden->segments.front()));
  CHECK(encode_manifest(*golden) == test::bytes_of_file(path));
  CHECK(golden->segments.front().attributes->name == "attributes");
  CHECK(golden->config.attributes.never.front() == "text");
}

TEST_CASE("a manifest of format 1 that keeps old versions is read as it was meant") {
  const auto path = kGolden / "manifest-v1-history";
  const auto golden = decode_manifest(test::bytes_of_file(path), path);
  REQUIRE(golden);
  CHECK(*golden == manifest_with_history(golden->segments.front()));
  CHECK(encode_manifest(*golden) == test::bytes_of_file(path));
  CHECK(golden->config.history.retention == std::chrono::hours(48));
  CHECK(golden_manifest().config.history == HistoryConfig{});
}

TEST_CASE("a WAL file of format 1 is read as it was meant") {
  const auto bytes = test::bytes_of_file(kGolden / "wal-v1");
  REQUIRE(check_wal_file_header(bytes, kWal, kUid, kGolden / "wal-v1"));
  WalFrameReader reader(base::ByteSpan(bytes).subspan(kWalFileHeaderBytes), kWalFileHeaderBytes);
  const auto puts = reader.next();
  REQUIRE(puts);
  CHECK(puts->header.first_seq == Seq{10});
  const auto ops = parse_wal_body(*puts, kConfig.dim);
  REQUIRE(ops);
  const auto expected = documents();
  REQUIRE(ops->size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK((*ops)[i].id == expected[i].id);
    CHECK(std::ranges::equal((*ops)[i].vector, std::as_bytes(std::span(expected[i].vector))));
    CHECK(payload::decode((*ops)[i].payload).value() == expected[i].payload);
  }
  const auto mark = reader.next();
  REQUIRE(mark);
  CHECK(mark->header.op_count == 0);
  CHECK(mark->header.synced_bytes == 500);
  const auto removal = reader.next();
  REQUIRE(removal);
  CHECK(parse_wal_body(*removal, kConfig.dim)->front().id == "doc-1");
  CHECK(parse_wal_body(*removal, kConfig.dim)->front().kind == WalOpKind::remove);
  CHECK_FALSE(reader.next());
  CHECK(reader.stopped() == WalFrameReader::Stop::end);
}

TEST_CASE("a segment of format 1 is read as it was meant") {
  const test::TempFolder folder;
  place_segment(folder.path());
  auto described = golden_manifest().segments.front();
  described.hnsw.reset();
  const auto view = segment::SegmentView::open(fs::posix_file_system(), folder.path(), kConfig, described, nullptr);
  REQUIRE(view);
  const auto expected = documents();
  REQUIRE((*view)->rows() == expected.size());
  for (Row row = 0; row < expected.size(); ++row) {
    CHECK((*view)->find(expected[row].id) == row);
    CHECK((*view)->row_id(row) == expected[row].id);
    CHECK(std::ranges::equal((*view)->vector(row), expected[row].vector));
    CHECK(payload::decode((*view)->payload(row)).value() == expected[row].payload);
  }
  CHECK((*view)->verify());
  const auto deleted = read_delete_set(fs::posix_file_system(), kGolden / "deleted-v1", kSegment, *described.delete_set, 6);
  REQUIRE(deleted);
  CHECK(*deleted == kDeleted);
}

TEST_CASE("pointer files of format 1 are read as they were meant") {
  auto& fs = fs::posix_file_system();
  const auto folder = kGolden / "pointers-v1";
  const auto current = read_current(fs, folder);
  REQUIRE(current);
  CHECK(current->version == ManifestVersion{11});
  CHECK(current->collection_uid == kUid);
  const auto epoch = read_epoch(fs, folder);
  REQUIRE(epoch);
  CHECK(epoch->epoch == Epoch{3});
  CHECK(epoch->holder == "4711@golden");
  CHECK(read_boundary(fs, folder)->first_kept == ManifestVersion{8});
}

TEST_CASE("today's writer makes the bytes of format 1") {
  const test::TempFolder folder;
  const auto segment = write_segment_files(folder.path());
  const auto written = segment_folder(folder.path(), kSegment);
  for (const auto* name : {"vectors", "ids", "payloads"}) {
    CAPTURE(name);
    CHECK(test::bytes_of_file(written / name) == test::bytes_of_file(kGolden / "segment-v1" / name));
  }
  CHECK(test::bytes_of_file(written / "deleted-1-0") == test::bytes_of_file(kGolden / "deleted-v1"));
  CHECK(encode_manifest(manifest(segment)) == test::bytes_of_file(kGolden / "manifest-v1"));
  CHECK(wal() == test::bytes_of_file(kGolden / "wal-v1"));
  write_pointers(folder.path());
  for (const auto* name : {"CURRENT", "EPOCH", "BOUNDARY"}) {
    CAPTURE(name);
    CHECK(test::bytes_of_file(folder.path() / name) == test::bytes_of_file(kGolden / "pointers-v1" / name));
  }
}
