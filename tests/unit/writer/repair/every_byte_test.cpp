// Every part of every file, damaged once: `verify` names it, whatever is read is right, and a repair keeps all that is whole.
#include "tests/unit/writer/repair/damaged_collection.hpp"

#include "shared/format/section_file.hpp"

using namespace ndb;
using test::Copy;
using test::Documents;

namespace {

/// Offsets to damage: at least one in every part of the file.
std::vector<std::uint64_t> places(const std::filesystem::path& path, std::uint64_t bytes) {
  std::set<std::uint64_t> offsets = {0, 8, 12, bytes / 4, bytes / 2, bytes / 4 * 3, bytes - 1};
  if (path.string().starts_with("segments")) {
    // Header: magic, kind, length, table, the record of the first section, unused, checksum; then the first and the last byte of blocks.
    offsets.insert({20, 24, 32, 40, 48, 56, 64, 3000, 4093});
    for (std::uint64_t block = 4096; block < bytes; block += std::max<std::uint64_t>(4096, bytes / 6 / 4096 * 4096)) offsets.insert({block, block + 4095});
  }
  if (path.string().starts_with("wal"))  // header; header and body of the first frame
    offsets.insert({16, 61, 64, 69, 72, 78, 81, 90, 97, 106, 113, 200});
  if (path.string().starts_with("manifest"))
    for (std::uint64_t at = 16; at < bytes; at += 64) offsets.insert(at);
  std::erase_if(offsets, [&](std::uint64_t offset) { return offset >= bytes; });
  return {offsets.begin(), offsets.end()};
}

constexpr std::size_t kFull = 4;  // one in so many places; no divisor of how many there are in a file, so all kinds of places get their turn

bool is_log(const std::filesystem::path& path) { return path.string().starts_with("wal"); }

void check_what_is_read(const Copy& copy, const std::filesystem::path& path) {
  bool whole = false;
  const Documents read = test::read_all(copy.data(), whole);
  for (const auto& [id, document] : read) {
    const auto expected = test::sample().documents.find(id);
    // Behind damage in the log a reader stops: it knows the documents, and the deletion, of an earlier moment.
    if (is_log(path) && id == "document-849") continue;
    REQUIRE(expected != test::sample().documents.end());
    REQUIRE(document.vector == expected->second.vector);
    REQUIRE(document.payload == expected->second.payload);
  }
  if (whole && !is_log(path)) REQUIRE(read.size() == test::sample().documents.size());
}

void check_repair(const Copy& copy, const std::filesystem::path& path) {
  const auto damaged = test::bytes_of_file(copy.collection() / path);
  const auto report = copy.repair();
  if (!report) FAIL(report.error().message);
  CAPTURE(report->damage, report->lost, report->lost_ids);
  CHECK(report->published.value > 0);
  CHECK(test::names(report->damage, path));
  CHECK(test::bytes_of_file(report->evidence / path) == damaged);
  CHECK(std::filesystem::exists(report->evidence / "report.txt"));
  const auto after = copy.verify();
  CAPTURE(after.problems);
  CHECK(after.problems.empty());
  bool whole = false;
  const Documents read = test::read_all(copy.data(), whole);
  CHECK(whole);
  CHECK(read.size() == report->documents);
  std::set<std::string> lost(report->lost_ids.begin(), report->lost_ids.end());
  std::size_t missing = 0;
  for (const auto& [id, expected] : test::sample().documents) {
    const auto found = read.find(id);
    missing += found == read.end() ? 1U : 0U;
    if (found == read.end()) continue;
    REQUIRE(found->second.vector == expected.vector);
    REQUIRE(found->second.payload == expected.payload);
    REQUIRE_FALSE(lost.contains(id));
  }
  if (!is_log(path)) CHECK(missing == report->lost_documents);
  if (missing > 0) CHECK_FALSE(report->lost.empty());
  CHECK(lost.size() <= report->lost_documents);
}

/// Damages a copy, verifies it, and, as that takes its time, for some places also reads and repairs it.
template <class Damage>
void try_damage(const std::filesystem::path& path, bool in_full, Damage damage) {
  const Copy copy;
  damage(copy.collection() / path);
  const auto report = copy.verify();
  if (report.problems.empty() && is_log(path)) {  // behind the last sync mark: the torn end of a crash, which is said
    REQUIRE(test::names(report.notes, path));
    return;
  }
  CAPTURE(report.problems);
  REQUIRE(test::names(report.problems, path));
  if (!in_full) return;
  check_what_is_read(copy, path);
  check_repair(copy, path);
}

}  // namespace

TEST_CASE("the sample is whole") {
  const Copy copy;
  const auto report = copy.verify();
  CAPTURE(report.problems, report.notes);
  CHECK(report.problems.empty());
  CHECK(report.notes.empty());
  CHECK(report.graphs == 2);
  bool whole = false;
  CHECK(test::read_all(copy.data(), whole).size() == test::sample().documents.size());
  CHECK(whole);
  CHECK(test::needed_files().size() >= 12);
  const auto repaired = copy.repair();
  REQUIRE(repaired);
  CHECK(repaired->published.value == 0);
}

TEST_CASE("a flipped bit in any part of any file is named by verify, never returned, and repaired around") {
  std::size_t tried = 0;
  for (const auto& path : test::needed_files())
    for (const auto offset : places(path, std::filesystem::file_size(test::sample().collection() / path))) {
      CAPTURE(path, offset);
      try_damage(path, tried % kFull == 0, [&](const auto& file) { test::flip_bit(file, offset, static_cast<unsigned>(offset % 8)); });
      ++tried;
    }
  CHECK(tried > 150);
}

TEST_CASE("a file that is cut off anywhere is named by verify, never returned, and repaired around") {
  for (const auto& path : test::needed_files()) {
    const auto bytes = std::filesystem::file_size(test::sample().collection() / path);
    for (const std::uintmax_t left : {std::uintmax_t{0}, std::uintmax_t{50}, bytes / 2, bytes - 1}) {
      if (left >= bytes) continue;
      CAPTURE(path, left);
      try_damage(path, true, [&](const auto& file) { std::filesystem::resize_file(file, left); });
    }
  }
}
