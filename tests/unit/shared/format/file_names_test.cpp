#include "shared/format/file_names.hpp"

#include "tests/support/catch.hpp"

using namespace ndb;
using namespace ndb::format;

namespace {
constexpr std::uint64_t kLargest = ~std::uint64_t{0};
}

TEST_CASE("numbers in names have 20 digits, so that names sort as numbers") {
  CHECK(padded(0) == "00000000000000000000");
  CHECK(padded(7) == "00000000000000000007");
  CHECK(padded(kLargest) == "18446744073709551615");
  CHECK(padded(9) < padded(10));
}

TEST_CASE("a number is parsed from digits only") {
  CHECK(parse_number("0") == 0U);
  CHECK(parse_number(padded(kLargest)) == kLargest);
  for (const char* bad : {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "18446744073709551616", "abc", "1a"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_number(bad));
  }
}

TEST_CASE("manifest and WAL names are read back as they were made") {
  for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, kLargest}) {
    CHECK(parse_manifest_name(manifest_path("c", ManifestVersion{n}).filename().string()) == ManifestVersion{n});
    const WalName name{Epoch{n}, kLargest - n};
    CHECK(parse_wal_name(wal_path("c", name).filename().string()) == name);
  }
}

TEST_CASE("foreign names are no manifest and no WAL file") {
  const auto manifest = manifest_path("c", ManifestVersion{3}).filename().string();
  const auto wal = wal_path("c", {Epoch{3}, 4}).filename().string();
  for (const auto& bad : {std::string(), std::string("3.manifest"), manifest + ".tmp-12-0", "x" + manifest.substr(1), "0" + manifest,
                          manifest.substr(1), wal, std::string("99999999999999999999.manifest")}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_manifest_name(bad));
  }
  for (const auto& bad : {std::string(), std::string("3-4.wal"), wal + "~", manifest, wal.substr(1), "-" + wal.substr(1)}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_wal_name(bad));
  }
}

TEST_CASE("WAL names order by epoch, then by number") {
  CHECK(WalName{Epoch{1}, 9} < WalName{Epoch{2}, 0});
  CHECK(WalName{Epoch{2}, 0} < WalName{Epoch{2}, 1});
}

TEST_CASE("segment ids of different epochs never meet") {
  CHECK(make_segment_id(Epoch{1}, 0xFFFFFFFF) < make_segment_id(Epoch{2}, 0));
  CHECK(make_segment_id(Epoch{5}, 3).value >> 32 == 5);
  CHECK(hnsw_file_name(Epoch{2}, 1) == "hnsw-2-1");
  CHECK(deleted_file_name(Epoch{2}, 1) == "deleted-2-1");
}
