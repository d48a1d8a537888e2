#include "shared/format/delete_set.hpp"

#include <roaring/roaring.h>

#include <memory>

namespace ndb::format {
namespace {

constexpr std::uint32_t kBitmapSection = 1;

struct FreeBitmap {
  void operator()(roaring_bitmap_t* bitmap) const noexcept { roaring_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<roaring_bitmap_t, FreeBitmap>;

Result<std::vector<Row>> read_rows(fs::FileSystem& fs, const fs::Path& path, SegmentId segment, const FileRef* expected,
                                   Row row_count) {
  NDB_TRY_ASSIGN(const auto file, SectionFile::open(fs, path, FileKind::deleted, segment, expected));
  NDB_TRY(file->verify());  // small, and every bit of it matters
  NDB_TRY_ASSIGN(const auto section, file->section(kBitmapSection));
  const Bitmap bitmap(roaring_bitmap_portable_deserialize_safe(reinterpret_cast<const char*>(section.bytes.data()),
                                                               section.bytes.size()));
  if (!bitmap) return fail(ErrorCode::corruption, path.string() + ": not a Roaring bitmap");
  std::vector<Row> rows(roaring_bitmap_get_cardinality(bitmap.get()));
  roaring_bitmap_to_uint32_array(bitmap.get(), rows.data());
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i] >= row_count || (i > 0 && rows[i] <= rows[i - 1]))
      return fail(ErrorCode::corruption, path.string() + ": rows out of range or out of order");
  return rows;
}

}  // namespace

Result<FileRef> write_delete_set(fs::FileSystem& fs, const fs::Path& path, SegmentId segment,
                                 std::span<const Row> rows) {
  const Bitmap bitmap(roaring_bitmap_of_ptr(rows.size(), rows.data()));
  if (!bitmap) return fail(ErrorCode::internal, "out of memory for a delete set");
  roaring_bitmap_run_optimize(bitmap.get());
  std::vector<char> bytes(roaring_bitmap_portable_size_in_bytes(bitmap.get()));
  roaring_bitmap_portable_serialize(bitmap.get(), bytes.data());
  NDB_TRY_ASSIGN(auto writer, SectionFileWriter::create(fs, path, FileKind::deleted, segment));
  NDB_TRY(writer.begin_section(kBitmapSection, 1));
  NDB_TRY(writer.append(std::as_bytes(std::span(bytes))));
  return writer.finish();
}

Result<std::vector<Row>> read_delete_set(fs::FileSystem& fs, const fs::Path& path, SegmentId segment,
                                         const FileRef& expected, Row row_count) {
  return read_rows(fs, path, segment, &expected, row_count);
}

Result<std::vector<Row>> read_any_delete_set(fs::FileSystem& fs, const fs::Path& path, SegmentId segment, Row row_count) {
  return read_rows(fs, path, segment, nullptr, row_count);
}

}  // namespace ndb::format
