// Every part of every file, damaged once: `verify` names it, whatever is read is right, and a repair keeps all that is whole.
#include "tests/unit/writer/repair/damaged_collection.hpp"

#include <fmt/format.h>

#include "shared/format/section_file.hpp"

using namespace ndb;
using test::Copy;
using test::Documents;

namespace {

using Bytes = std::vector<std::byte>;

template <class T>
T number_at(const Bytes& bytes, std::uint64_t offset) {
  return base::load<T>(bytes.data() + offset);
}

/// A piece of a file that its format tells apart from its neighbours.
struct Part {
  std::string name;
  std::uint64_t offset, bytes;
};

// docs/formats.md, "Section file".
std::vector<Part> parts_of_section_file(const Bytes& bytes) {
  std::vector<Part> parts = {{"header: magic", 0, 8},          {"header: version", 8, 4},         {"header: kind", 12, 4},
                             {"header: length", 16, 8},        {"header: segment", 24, 8},        {"header: place of the table", 32, 8},
                             {"header: entries in the table", 40, 4}, {"header: checksum of the table", 44, 4},
                             {"header: number of sections", 48, 4},   {"header: unused", 3000, 90},      {"header: checksum", 4092, 4}};
  const auto sections = number_at<std::uint32_t>(bytes, 48);
  for (std::uint32_t i = 0; i < sections; ++i) {
    const std::uint64_t record = 56 + 32ULL * i;
    const auto name = "section " + std::to_string(number_at<std::uint32_t>(bytes, record));
    const auto offset = number_at<std::uint64_t>(bytes, record + 8), length = number_at<std::uint64_t>(bytes, record + 16);
    parts.push_back({name + ": record", record, 24});
    if (length > 0) parts.push_back({name, offset, length});
    parts.push_back({name + ": padding", offset + length, 64});
  }
  parts.push_back({"table", number_at<std::uint64_t>(bytes, 32), 4ULL * number_at<std::uint32_t>(bytes, 40)});
  return parts;
}

std::vector<Part> parts_of_log(const Bytes& bytes) {
  std::vector<Part> parts = {{"header: magic", 0, 8}, {"header: version", 8, 4}, {"header: epoch", 16, 8}, {"header: index", 24, 8},
                             {"header: collection", 32, 8}, {"header: checksum", 60, 4}};
  format::WalFrameReader reader(base::ByteSpan(bytes).subspan(format::kWalFileHeaderBytes), format::kWalFileHeaderBytes);
  for (std::uint64_t at = format::kWalFileHeaderBytes; const auto frame = reader.next(); at = reader.offset()) {
    const std::string name = "frame of operation " + std::to_string(frame->header.first_seq.value);
    parts.insert(parts.end(), {{name + ": magic", at, 4}, {name + ": checksums", at + 4, 12}, {name + ": epoch", at + 16, 8},
                               {name + ": operation", at + 24, 8}, {name + ": sync mark", at + 32, 8}, {name + ": count", at + 40, 4}});
    if (!frame->body.empty()) parts.push_back({name + ": body", at + format::kWalFrameHeaderBytes, frame->body.size()});
  }
  return parts;
}

std::vector<Part> parts_of_manifest(const Bytes& bytes) {
  const auto length = number_at<std::uint32_t>(bytes, 12);
  return {{"magic", 0, 8}, {"version", 8, 4}, {"length", 12, 4}, {"buffer", 16, length}, {"checksum", 16ULL + length, 4}};
}

std::vector<Part> parts_of_lines(const Bytes& bytes) {
  std::vector<Part> parts;
  for (std::uint64_t at = 0; at < bytes.size();) {
    std::uint64_t end = at;
    while (end < bytes.size() && bytes[end] != std::byte{'\n'}) ++end;
    parts.push_back({"line at " + std::to_string(at), at, std::min<std::uint64_t>(end + 1, bytes.size()) - at});
    at = end + 1;
  }
  return parts;
}

bool is_log(const std::filesystem::path& path) { return path.string().starts_with("wal"); }

std::vector<Part> parts_of(const std::filesystem::path& path) {
  const auto bytes = test::bytes_of_file(test::sample().collection() / path);
  if (is_log(path)) return parts_of_log(bytes);
  if (path.string().starts_with("segments")) return parts_of_section_file(bytes);
  if (path.string().starts_with("manifest")) return parts_of_manifest(bytes);
  return parts_of_lines(bytes);
}

/// Offsets to damage: the first and the last byte of every part, and between them as many as `inside`.
std::set<std::uint64_t> places(const Part& part, std::uint64_t inside) {
  std::set<std::uint64_t> offsets = {part.offset, part.offset + part.bytes - 1};
  for (std::uint64_t i = 1; i <= inside; ++i) offsets.insert(part.offset + part.bytes * i / (inside + 1));
  return offsets;
}

constexpr std::size_t kFull = 11;  // one in so many places; no divisor of how many there are in a file, so all kinds of places get their turn

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

// Nothing tells a log that was cut off exactly between two frames from one that was not written further (unless a manifest seals it).
bool is_a_shorter_log(const std::filesystem::path& path, std::uint64_t left) {
  if (!is_log(path)) return false;
  const auto parts = parts_of(path);
  return std::ranges::any_of(parts, [&](const Part& part) { return part.offset == left && part.name.ends_with(": magic") && left > 0; });
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

TEST_CASE("there is a file of every kind, and parts of all of them") {
  std::map<std::string, std::set<std::string>> seen;
  for (const auto& path : test::needed_files()) {
    auto kind = path.string().starts_with("segments") ? path.filename().string() : path.begin()->string();
    kind = kind.substr(0, kind.find('-'));
    for (const auto& part : parts_of(path)) seen[kind].insert(part.name.starts_with("section") ? part.name : part.name.substr(0, part.name.find(" at ")));
  }
  for (const std::string kind : {"CURRENT", "EPOCH", "BOUNDARY", "manifest", "wal", "vectors", "ids", "payloads", "attributes", "hnsw", "deleted"})
    CHECK(seen.contains(kind));
  CHECK(seen.size() == 11);
  for (const std::string section : {"section 1", "section 2"}) CHECK(seen["vectors"].contains(section));
  for (const std::string section : {"section 1", "section 2", "section 3"}) {
    CHECK(seen["ids"].contains(section));
    CHECK(seen["payloads"].contains(section));
  }
  for (const std::string section : {"section 1", "section 2", "section 3", "section 4"}) CHECK(seen["attributes"].contains(section));
  for (const std::string kind : {"hnsw", "deleted"}) CHECK(seen[kind].contains("section 1"));
}

TEST_CASE("a flipped bit in any part of any file is named by verify, never returned, and repaired around") {
  std::size_t tried = 0, parts = 0;
  for (const auto& path : test::needed_files())
    for (const auto& part : parts_of(path)) {
      ++parts;
      for (const auto offset : places(part, part.bytes > 64 ? 3 : 0)) {
        CAPTURE(path, part.name, offset);
        try_damage(path, tried % kFull == 0, [&](const auto& file) { test::flip_bit(file, offset, static_cast<unsigned>(offset % 8)); });
        ++tried;
      }
    }
  CHECK(tried > 300);
  fmt::print("{} flipped bits in {} parts of {} files: each was named\n", tried, parts, test::needed_files().size());
}

TEST_CASE("a file that is cut off anywhere is named by verify, never returned, and repaired around") {
  std::size_t tried = 0;
  for (const auto& path : test::needed_files()) {
    const auto bytes = std::filesystem::file_size(test::sample().collection() / path);
    std::set<std::uint64_t> lengths = {0, 50, bytes / 2, bytes - 1};
    for (const auto& part : parts_of(path)) lengths.insert(part.bytes > 64 ? part.offset + part.bytes / 2 : part.offset);
    for (const auto left : lengths) {
      if (left >= bytes || is_a_shorter_log(path, left)) continue;
      CAPTURE(path, left);
      try_damage(path, tried % kFull == 0, [&](const auto& file) { std::filesystem::resize_file(file, left); });
      ++tried;
    }
  }
  fmt::print("{} files cut off: each was named\n", tried);
}
