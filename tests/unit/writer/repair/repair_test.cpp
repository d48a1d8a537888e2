// What a repair promises beyond keeping what is whole: it says what is lost, changes nothing that is damaged, and goes on.
#include <fmt/format.h>

#include <atomic>

#include "shared/format/delete_set.hpp"
#include "shared/format/manifest.hpp"
#include "tests/unit/writer/repair/damaged_collection.hpp"

using namespace ndb;
using test::Copy;
using test::Documents;

namespace {

format::Manifest newest(const Copy& copy) {
  auto& fs = fs::posix_file_system();
  return test::must(format::read_manifest(fs, copy.collection(), test::must(format::read_current(fs, copy.collection())).version));
}

std::filesystem::path path_of(const Copy& copy, SegmentId id, const std::string& name) {
  return format::segment_folder(copy.collection(), id) / name;
}

std::filesystem::path log_of(const Copy& copy) {
  for (const auto& wal : newest(copy).wals)
    if (const auto path = format::wal_path(copy.collection(), wal.name); std::filesystem::file_size(path) > format::kWalFileHeaderBytes)
      return path;
  FAIL("no log");
  return {};
}

/// Where each frame with operations begins, and behind the last.
std::vector<std::uint64_t> frames_of(base::ByteSpan log) {
  std::vector<std::uint64_t> offsets;
  format::WalFrameReader reader(log.subspan(format::kWalFileHeaderBytes), format::kWalFileHeaderBytes);
  for (std::uint64_t at = reader.offset(); const auto frame = reader.next(); at = reader.offset())
    if (frame->header.op_count > 0) offsets.push_back(at);
  return offsets;
}

Documents read(const Copy& copy) {
  bool whole = false;
  auto documents = test::read_all(copy.data(), whole);
  CHECK(whole);
  return documents;
}

bool same(const Document& a, const Document& b) { return a.vector == b.vector && a.payload == b.payload; }

}  // namespace

TEST_CASE("a damaged block costs the documents in it, by name, and no other") {
  const Copy copy;
  const auto segment = newest(copy).segments.front();
  // 160 bytes a row: the second block of vectors holds rows 25 to 51 in part or whole; rows of the first 120 were replaced or deleted since.
  test::flip_bit(path_of(copy, segment.id, "vectors"), 4096 * 9 + 5);
  const auto report = test::must(copy.repair());
  CAPTURE(report.damage, report.lost);
  CHECK(report.lost_documents > 20);
  CHECK(report.lost_documents < 30);
  CHECK(report.lost_ids.size() == report.lost_documents);
  CHECK(test::contains(report.damage.at(0), "4096 bytes at offset 36864 are damaged"));
  const auto after = read(copy);
  CHECK(after.size() == test::sample().documents.size() - report.lost_documents);
  for (const auto& [id, document] : after) CHECK(same(document, test::sample().documents.at(id)));
  for (const auto& id : report.lost_ids) CHECK_FALSE(after.contains(id));
  const auto text = test::bytes_of_file(report.evidence / "lost-ids.txt");
  for (const auto& id : report.lost_ids) CHECK(test::contains(std::string(base::as_text(text)), id + "\n"));
}

TEST_CASE("a header, a checksum table or bytes that carry nothing cost no document") {
  for (const std::string name : {"vectors", "ids", "payloads"}) {
    const auto bytes = std::filesystem::file_size(path_of(Copy(), newest(Copy()).segments.front().id, name));
    for (const std::uint64_t offset : {std::uint64_t{3}, std::uint64_t{60}, std::uint64_t{4094}, bytes - 1}) {
      CAPTURE(name, offset);
      const Copy copy;
      const auto path = path_of(copy, newest(copy).segments.front().id, name);
      auto content = test::bytes_of_file(path);
      for (std::uint64_t at = offset; at < std::min<std::uint64_t>(offset + 2'000, offset < 4096 ? 4096 : bytes); ++at) content[at] = std::byte{0xEE};
      test::put_file(path, content);
      REQUIRE_FALSE(copy.verify().problems.empty());
      const auto report = test::must(copy.repair());
      CAPTURE(report.lost);
      CHECK(report.lost.empty());
      CHECK(read(copy).size() == test::sample().documents.size());
    }
  }
}

TEST_CASE("a damaged graph is dropped, costs nothing, and is built again by the next writer") {
  const Copy copy;
  const auto segment = newest(copy).segments.front();
  test::flip_bit(path_of(copy, segment.id, segment.hnsw->name), 9000);
  const auto report = test::must(copy.repair());
  CHECK(report.lost.empty());
  CHECK(newest(copy).segments.front().id == segment.id);  // the data files stay as they are
  CHECK_FALSE(newest(copy).segments.front().hnsw);
  CHECK(read(copy).size() == test::sample().documents.size());
  auto db = test::must(Database::open(copy.data(), test::options()));
  auto docs = test::must(db.get_collection("docs"));
  test::must(docs.acquire_write_lock());
  while (!docs.has_index()) CHECK(docs.search(Search(test::make_document(1, 1).vector)));
}

TEST_CASE("damage in the middle of the log costs the operations there, by number, and none behind") {
  const Copy copy;
  const auto log = log_of(copy);
  auto bytes = test::bytes_of_file(log);
  const auto frames = frames_of(bytes);
  REQUIRE(frames.size() == 6);  // five batches of ten, one removal
  for (std::uint64_t at = frames[1] + 100; at < frames[2] + 20; ++at) bytes[at] = std::byte{0x55};  // the second and the third batch
  test::put_file(log, bytes);
  CHECK_FALSE(copy.verify().problems.empty());
  auto db = test::must(Database::open(copy.data(), test::options()));
  CHECK(test::must(db.get_collection("docs")).acquire_write_lock().error().code == ErrorCode::corruption);
  test::must(db.close());
  const auto report = test::must(copy.repair());
  CAPTURE(report.damage, report.lost);
  REQUIRE(report.lost.size() == 1);
  CHECK(test::contains(report.damage.at(0), fmt::format("{}: {} bytes at offset {} are damaged", log.string(), frames[3] - frames[1], frames[1])));
  const auto after = read(copy);
  CHECK(after.size() == test::sample().documents.size() - 20);
  for (int id = 800; id < 850; ++id) CHECK(after.contains(test::make_document(id, 1).id) == ((id < 810 || id >= 830) && id != 849));
}

TEST_CASE("numbers of operations that may have been lost at the end of the log are not given again") {
  const Copy copy;
  const auto log = log_of(copy);
  auto bytes = test::bytes_of_file(log);
  const auto frames = frames_of(bytes);
  bytes[frames[4] + 60] ^= std::byte{1};
  bytes[frames[5] + 50] ^= std::byte{1};
  const auto last = [&] {
    const Copy whole;
    auto db = test::must(Database::open(whole.data(), test::options(true)));
    return test::must(test::must(db.get_collection("docs")).stats()).seq;
  }();
  test::put_file(log, bytes);
  const auto report = test::must(copy.repair());
  CAPTURE(report.lost);
  CHECK_FALSE(report.lost.empty());
  auto db = test::must(Database::open(copy.data(), test::options()));
  auto docs = test::must(db.get_collection("docs"));
  CHECK(test::must(docs.insert(test::make_document(1, 3))).seq > last);
  CHECK(same(test::must(docs.get(test::make_document(1, 3).id)), test::make_document(1, 3)));
}

TEST_CASE("a lost delete set brings no replaced document back, and says how many deleted ones nothing tells from others") {
  const Copy copy;
  const auto segment = newest(copy).segments.front();
  REQUIRE(segment.deleted == 60);
  std::filesystem::resize_file(path_of(copy, segment.id, segment.delete_set->name), 10);
  const auto report = test::must(copy.repair());
  CAPTURE(report.lost);
  REQUIRE(report.lost.size() == 1);
  CHECK(test::contains(report.lost.front(), "20 deleted documents may be there again"));
  const auto after = read(copy);
  CHECK(after.size() == test::sample().documents.size() + 20);
  for (const auto& [id, document] : test::sample().documents) CHECK(same(after.at(id), document));
}

TEST_CASE("an older delete set of the same segment is used before documents come back") {
  const Copy copy;
  auto& fs = fs::posix_file_system();
  const auto segment = newest(copy).segments.front();
  const auto path = path_of(copy, segment.id, segment.delete_set->name);
  const auto rows = test::must(format::read_delete_set(fs, path, segment.id, *segment.delete_set, segment.rows));
  test::must(format::write_delete_set(fs, path_of(copy, segment.id, "deleted-1-999"), segment.id, std::span(rows).first(50)));
  test::flip_bit(path, 4100);
  const auto report = test::must(copy.repair());
  REQUIRE(report.lost.size() == 1);
  CHECK(test::contains(report.lost.front(), " 10 deleted documents may be there again"));
  CHECK(read(copy).size() == test::sample().documents.size() + 10);
}

TEST_CASE("damage in many files at once is repaired at once") {
  const Copy copy;
  const auto manifest = newest(copy);
  const auto& first = manifest.segments.front();
  const auto& second = manifest.segments.back();
  test::flip_bit(log_of(copy), 30);
  test::flip_bit(path_of(copy, first.id, "ids"), 4096 + 3);
  test::flip_bit(path_of(copy, first.id, "payloads"), 4096 * 4);
  test::flip_bit(path_of(copy, first.id, first.delete_set->name), 4099);
  std::filesystem::remove(path_of(copy, second.id, "vectors"));
  test::flip_bit(format::epoch_path(copy.collection()), 20);
  test::flip_bit(format::current_file_path(copy.collection()), 20);
  test::flip_bit(format::boundary_path(copy.collection()), 20);
  const auto before = copy.verify();
  CAPTURE(before.problems);
  for (const std::string name : {"EPOCH", "CURRENT", "BOUNDARY", "ids", "payloads", "deleted-", "vectors", ".wal"})
    CHECK(test::names(before.problems, name));
  const auto report = test::must(copy.repair());
  CHECK(report.lost_documents >= 140);
  CHECK(copy.verify().problems.empty());
  const auto after = read(copy);
  CHECK(after.size() == report.documents);
  for (const auto& [id, document] : after)
    if (const auto expected = test::sample().documents.find(id); expected != test::sample().documents.end() && document.payload.find("\"version\":2") != std::string::npos)
      CHECK(same(document, expected->second));
  for (int id = 800; id < 849; ++id) CHECK(after.contains(test::make_document(id, 1).id));
}

TEST_CASE("without its newest manifest a collection is repaired from the one before and the log") {
  const Copy copy;
  const auto version = newest(copy).version;
  std::filesystem::remove(format::manifest_path(copy.collection(), version));
  CHECK(test::names(copy.verify().problems, format::manifest_path(copy.collection(), version)));
  const auto report = test::must(copy.repair());
  CHECK(report.published > version);
  CHECK(copy.verify().problems.empty());
  CHECK(read(copy).size() == test::sample().documents.size());
}

TEST_CASE("a collection none of whose manifests is whole is refused and left as it is") {
  const Copy copy;
  for (const auto& entry : std::filesystem::directory_iterator(format::manifest_folder(copy.collection()))) std::filesystem::resize_file(entry.path(), 20);
  const auto report = copy.repair();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ErrorCode::corruption);
  CHECK(std::distance(std::filesystem::directory_iterator(copy.data()), {}) == 1);  // nothing was set aside
}

TEST_CASE("a collection that is written to is not repaired") {
  const Copy copy;
  auto db = test::must(Database::open(copy.data(), test::options()));
  test::must(test::must(db.get_collection("docs")).acquire_write_lock());
  test::flip_bit(format::boundary_path(copy.collection()), 3);
  const auto report = copy.repair();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ErrorCode::collection_locked);
}

TEST_CASE("a reader that runs meanwhile meets the damage and answers again once it is repaired") {
  const Copy copy;
  const auto db = test::must(Database::open(copy.data(), test::options(true)));
  const auto docs = test::must(db.get_collection("docs"));
  const auto id = test::make_document(300, 1).id;
  const auto segment = newest(copy).segments.front();
  const auto path = path_of(copy, segment.id, "payloads");
  auto bytes = test::bytes_of_file(path);
  for (std::size_t at = 4096; at < 4096 * 6; ++at) bytes[at] ^= std::byte{0x20};
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);  // in place: under the reader's mapping
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  CHECK(docs.get(id).error().code == ErrorCode::corruption);
  CHECK(docs.count(Filter::eq("n", 300)).error().code == ErrorCode::corruption);
  const auto report = test::must(copy.repair());
  Result<std::uint64_t> count = docs.count();
  while (!count || *count != report.documents) count = docs.count();
  CHECK(docs.stats().value().manifest_version == report.published);
}

TEST_CASE("a repair that is interrupted anywhere can be run again") {
  for (int calls = 0;; calls += 2) {
    CAPTURE(calls);
    const Copy copy;
    const auto segment = newest(copy).segments.front();
    test::flip_bit(path_of(copy, segment.id, "vectors"), 4096 * 9);
    test::flip_bit(format::epoch_path(copy.collection()), 5);
    test::flip_bit(log_of(copy), 80);
    test::FaultyFileSystem fs;
    std::atomic<int> left = calls;
    fs.set_rule([&](test::Call call, const fs::Path&) -> std::optional<test::Fault> {
      const bool changes = call != test::Call::open_read && call != test::Call::map && call != test::Call::list &&
                           call != test::Call::exists && call != test::Call::read_at;
      if (!changes || left-- > 0) return std::nullopt;
      return test::io_fault();
    });
    const auto interrupted = writer::repair_collection(fs, copy.collection());
    const bool finished = interrupted.has_value();
    if (!finished) {
      const auto again = test::must(copy.repair());
      CHECK((again.published.value > 0 || copy.verify().problems.empty()));
    }
    const auto after = copy.verify();
    CAPTURE(after.problems);
    REQUIRE(after.problems.empty());
    CHECK(read(copy).size() > 700);
    if (finished) break;
    REQUIRE(calls < 500);
  }
}
