// Delete sets: as a file, and as bytes of a bitmap inside a file whose checksums are right.
#include "shared/format/delete_set.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/memory_file_system.hpp"

using namespace ndb;

namespace {

constexpr SegmentId kSegment{1};
constexpr Row kRows = 5'000;

void look(fuzz::MemoryFileSystem& fs, const fs::Path& path) {
  const auto rows = format::read_any_delete_set(fs, path, kSegment, kRows);
  if (!rows) return;
  for (std::size_t i = 0; i < rows->size(); ++i)
    fuzz::must((*rows)[i] < kRows && (i == 0 || (*rows)[i - 1] < (*rows)[i]), "rows out of range or order");
  const auto again = format::write_delete_set(fs, "again", kSegment, *rows);
  fuzz::must(again && format::read_delete_set(fs, "again", kSegment, *again, kRows) == rows, "other rows when written and read again");
}

}  // namespace

NDB_FUZZ_TARGET(delete_set, data, size) {
  const base::ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  {
    fuzz::MemoryFileSystem fs;
    fs.put("raw", bytes);
    look(fs, "raw");
  }
  fuzz::MemoryFileSystem fs;
  auto writer = format::SectionFileWriter::create(fs, "bitmap", format::FileKind::deleted, kSegment);
  fuzz::must(writer->begin_section(1, 1) && writer->append(bytes) && writer->finish(), "writing");
  look(fs, "bitmap");
  return 0;
}
