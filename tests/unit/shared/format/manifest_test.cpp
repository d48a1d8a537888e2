#include "shared/format/manifest.hpp"

#include <boost/json.hpp>

#include "shared/base/crc32c.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

using namespace ndb;
using namespace ndb::format;

namespace {

const fs::Path kManifestPath = "c/manifest/7";

Manifest sample_manifest() {
  Manifest manifest;
  manifest.version = ManifestVersion{7};
  manifest.epoch = Epoch{2};
  manifest.collection_uid = 0xFEDCBA9876543210ULL;
  manifest.name = "docs";
  manifest.created_unix_ms = 1'700'000'000'123;
  manifest.config = {.dim = 65'536, .distance = Distance::euclidean, .durability = Durability::sync, .hnsw = {8, 100, 33},
                     .attributes = {.only = {"a", "b.c"}, .never = {"b.c.\"d\""}},
                     .history = {.retention = std::chrono::hours(24), .interval = std::chrono::seconds(5)}};
  manifest.index_enabled = false;
  manifest.flushed_seq = Seq{1ULL << 60};
  manifest.segments.push_back({.id = make_segment_id(Epoch{1}, 4), .rows = 10, .deleted = 3,
                               .vectors = {"vectors", 100, 1}, .ids = {"ids", 200, 2}, .payloads = {"payloads", 300, 3},
                               .delete_set = FileRef{"deleted-1-0", 400, 4}, .hnsw = FileRef{"hnsw-1-1", 500, 5}, .attributes = FileRef{"attributes", 600, 6}});
  manifest.segments.push_back({.id = make_segment_id(Epoch{2}, 0), .rows = 1, .vectors = {"vectors", 1, ~0U},
                               .ids = {"ids", ~0ULL, 2}, .payloads = {"payloads", 3, 3}});
  manifest.wals.push_back({{Epoch{1}, 5}, WalSeal{64, 0xABCDEF01}});
  manifest.wals.push_back({{Epoch{2}, 0}, {}});
  manifest.wals.push_back({{Epoch{2}, 1}, {}});
  return manifest;
}

void require_refused(const Manifest& manifest) {
  const auto decoded = decode_manifest(encode_manifest(manifest), kManifestPath);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == ErrorCode::corruption);
  CHECK(test::contains(decoded.error().message, kManifestPath.string()));
}

}  // namespace

TEST_CASE("a manifest comes back as it was, every field") {
  const auto decoded = decode_manifest(encode_manifest(sample_manifest()), kManifestPath);
  REQUIRE(decoded);
  CHECK(*decoded == sample_manifest());
  CHECK(decoded->segments[0].bytes() == 2100);
}

TEST_CASE("a manifest without segments and WAL files comes back as it was") {
  Manifest manifest = sample_manifest();
  manifest.segments.clear();
  manifest.wals.clear();
  const auto decoded = decode_manifest(encode_manifest(manifest), kManifestPath);
  REQUIRE(decoded);
  CHECK(*decoded == manifest);
}

TEST_CASE("no bit of a manifest can change unnoticed, and none makes the reader fall over") {
  const auto whole = encode_manifest(sample_manifest());
  for (std::size_t offset = 0; offset < whole.size(); ++offset)
    for (unsigned bit = 0; bit < 8; ++bit) {
      CAPTURE(offset, bit);
      auto bytes = whole;
      bytes[offset] ^= static_cast<std::byte>(1U << bit);
      const auto decoded = decode_manifest(bytes, kManifestPath);
      REQUIRE_FALSE(decoded);
      REQUIRE(decoded.error().code == ErrorCode::corruption);
    }
}

TEST_CASE("a manifest that is cut off, or has more behind it, is corruption") {
  auto whole = encode_manifest(sample_manifest());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    const auto decoded = decode_manifest(base::ByteSpan(whole).first(length), kManifestPath);
    REQUIRE_FALSE(decoded);
    REQUIRE(decoded.error().code == ErrorCode::corruption);
    REQUIRE(test::contains(decoded.error().message, kManifestPath.string()));
  }
  whole.push_back(std::byte{0});
  CHECK_FALSE(decode_manifest(whole, kManifestPath));
}

TEST_CASE("bytes changed by somebody who also corrects the checksum are refused or decode to values in range") {
  const auto whole = encode_manifest(sample_manifest());
  std::size_t refused = 0;
  for (std::size_t offset = 0; offset + 4 < whole.size(); ++offset)
    for (const unsigned change : {0x01U, 0x80U, 0xFFU}) {
      CAPTURE(offset, change);
      auto bytes = whole;
      bytes[offset] ^= static_cast<std::byte>(change);
      const auto body = base::ByteSpan(bytes).first(bytes.size() - 4);
      base::store(bytes.data() + body.size(), base::crc32c(body));
      const auto decoded = decode_manifest(bytes, kManifestPath);
      if (!decoded) {
        ++refused;
        REQUIRE(decoded.error().code == ErrorCode::corruption);
        continue;
      }
      REQUIRE(validate(decoded->config));
      REQUIRE(validate_collection_name(decoded->name));
      for (const auto& segment : decoded->segments) {
        REQUIRE(segment.rows > 0);
        REQUIRE(segment.deleted <= segment.rows);
        REQUIRE_FALSE(test::contains(segment.vectors.name, "/"));
        REQUIRE_FALSE(test::contains(segment.vectors.name, "."));
      }
      REQUIRE_FALSE(manifest_to_json(*decoded).empty());
    }
  CHECK(refused > whole.size() / 4);
}

TEST_CASE("a manifest of a future format is refused by its number, before anything of it is believed") {
  auto bytes = encode_manifest(sample_manifest());
  for (const std::uint32_t version : {0U, 2U, 77U}) {
    base::store(bytes.data() + 8, version);
    const auto decoded = decode_manifest(bytes, kManifestPath);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == ErrorCode::corruption);
    CHECK(test::contains(decoded.error().message, "version " + std::to_string(version)));
  }
}

TEST_CASE("impossible values are refused though the checksum is right") {
  Manifest manifest = sample_manifest();
  SECTION("a name that is none") { manifest.name = "../docs"; }
  SECTION("no name") { manifest.name.clear(); }
  SECTION("dimension 0") { manifest.config.dim = 0; }
  SECTION("a dimension beyond the limit") { manifest.config.dim = Limits::kMaxDim + 1; }
  SECTION("an unknown distance") { manifest.config.distance = static_cast<Distance>(3); }
  SECTION("an unknown durability") { manifest.config.durability = static_cast<Durability>(2); }
  SECTION("an impossible graph") { manifest.config.hnsw.m = 1; }
  SECTION("a segment without rows") { manifest.segments[0].rows = 0; }
  SECTION("more deleted rows than rows") { manifest.segments[1].deleted = 2; }
  SECTION("a file name with a slash") { manifest.segments[0].ids.name = "a/b"; }
  SECTION("a file name that leads out") { manifest.segments[0].vectors.name = ".."; }
  SECTION("an empty file name") { manifest.segments[0].payloads.name.clear(); }
  SECTION("an absolute delete set") { manifest.segments[0].delete_set->name = "/etc/passwd"; }
  SECTION("an endless file name") { manifest.segments[0].hnsw->name = std::string(5000, 'a'); }
  SECTION("WAL files out of order") { std::swap(manifest.wals[0], manifest.wals[1]); }
  SECTION("a WAL file twice") { manifest.wals[1] = manifest.wals[0]; }
  require_refused(manifest);
}

TEST_CASE("a manifest under another version's name is corruption") {
  const test::TempFolder folder;
  auto& fs = fs::posix_file_system();
  REQUIRE(fs.make_directory(manifest_folder(folder.path())));
  test::put_file(manifest_path(folder.path(), ManifestVersion{7}), encode_manifest(sample_manifest()));
  test::put_file(manifest_path(folder.path(), ManifestVersion{8}), encode_manifest(sample_manifest()));
  CHECK(*read_manifest(fs, folder.path(), ManifestVersion{7}) == sample_manifest());
  CHECK(read_manifest(fs, folder.path(), ManifestVersion{8}).error().code == ErrorCode::corruption);
  CHECK(read_manifest(fs, folder.path(), ManifestVersion{9}).error().code == ErrorCode::not_found);
}

TEST_CASE("a manifest as JSON is JSON and says what it holds") {
  const auto json = boost::json::parse(manifest_to_json(sample_manifest())).as_object();
  CHECK(json.at("version").to_number<std::uint64_t>() == 7);
  CHECK(json.at("distance").as_string() == "euclidean");
  CHECK(json.at("hnsw").at("ef_construct").to_number<int>() == 100);
  REQUIRE(json.at("segments").as_array().size() == 2);
  CHECK(json.at("segments").at(0).at("delete_set").at("name").as_string() == "deleted-1-0");
  CHECK_FALSE(json.at("segments").at(1).as_object().contains("hnsw"));
  REQUIRE(json.at("wals").as_array().size() == 3);
  CHECK(json.at("wals").at(0).at("sealed_checksum").as_string() == "abcdef01");
  CHECK_FALSE(json.at("wals").at(1).as_object().contains("sealed_bytes"));
}
