#include "shared/segment/segment_writer.hpp"

#include <bit>
#include <vector>

#include "shared/attributes/attribute_writer.hpp"
#include "shared/format/section_file.hpp"
#include "shared/index/vectors_view.hpp"
#include "shared/segment/id_hash.hpp"
#include "shared/segment/row_layout.hpp"
#include "shared/segment/segment_format.hpp"

namespace ndb::segment {
namespace {

using format::FileKind;
using format::FileRef;
using format::SectionFileWriter;

class Writer {
 public:
  Writer(fs::FileSystem& fs, fs::Path folder, SegmentId id, const CollectionConfig& config, Row rows,
         const RowSource& source, const std::stop_token& stop)
      : fs_(fs), folder_(std::move(folder)), id_(id), config_(config), rows_(rows), source_(source), stop_(stop) {}

  Result<FileRef> vectors() {
    NDB_TRY_ASSIGN(auto file, create(format::kVectorsFile, FileKind::vectors));
    const std::uint32_t stride = row_stride_bytes(config_.dim);
    const std::vector<std::byte> padding(stride - config_.dim * sizeof(float));
    std::vector<float> inverse_norms;
    NDB_TRY(file.begin_section(kVectorsSection, stride));
    for (Row row = 0; row < rows_; ++row) {
      NDB_TRY_ASSIGN(const auto one, next(row));
      NDB_TRY(file.append(std::as_bytes(one.vector)));
      NDB_TRY(file.append(padding));
      if (config_.distance == Distance::cosine) inverse_norms.push_back(index::inverse_norm(one.vector));
    }
    if (config_.distance == Distance::cosine) NDB_TRY(put_array(file, kInverseNormsSection, inverse_norms));
    return file.finish();
  }

  Result<FileRef> ids() {
    NDB_TRY_ASSIGN(auto file, create(format::kIdsFile, FileKind::ids));
    std::vector<std::uint32_t> offsets = {0};
    std::vector<std::uint64_t> table(std::bit_ceil(std::uint64_t{rows_} * 3 / 2 + 1));
    NDB_TRY(file.begin_section(kIdBytesSection, 1));
    for (Row row = 0; row < rows_; ++row) {
      NDB_TRY_ASSIGN(const auto one, next(row));
      NDB_TRY(file.append(base::as_bytes(one.id)));
      offsets.push_back(offsets.back() + static_cast<std::uint32_t>(one.id.size()));
      const std::uint64_t hash = id_hash(one.id);
      std::uint64_t at = hash & (table.size() - 1);
      while (table[at] != 0) at = (at + 1) & (table.size() - 1);
      table[at] = make_slot(hash, row);
    }
    NDB_TRY(put_array(file, kIdOffsetsSection, offsets));
    NDB_TRY(put_array(file, kIdTableSection, table));
    return file.finish();
  }

  Result<std::optional<FileRef>> attributes() {
    const attributes::PayloadSource payloads = [this](Row row) -> Result<base::ByteSpan> {
      NDB_TRY_ASSIGN(const auto one, source_(row));
      return one.payload;
    };
    const attributes::FieldChoice choice{config_.attributes.only, config_.attributes.never};
    return attributes::write_attributes(fs_, folder_ / format::kAttributesFile, id_, rows_, payloads, choice, {}, stop_);
  }

  Result<FileRef> payloads() {
    NDB_TRY_ASSIGN(auto file, create(format::kPayloadsFile, FileKind::payloads));
    std::vector<std::uint64_t> offsets = {0};
    std::vector<std::uint32_t> sizes;
    NDB_TRY(file.begin_section(kPayloadBytesSection, 1));
    for (Row row = 0; row < rows_; ++row) {
      NDB_TRY_ASSIGN(const auto one, next(row));
      const std::size_t padded = base::round_up(one.payload.size(), 8);
      NDB_TRY(file.append(one.payload));
      NDB_TRY(file.append(std::vector<std::byte>(padded - one.payload.size())));
      offsets.push_back(offsets.back() + padded);
      sizes.push_back(static_cast<std::uint32_t>(one.payload.size()));
    }
    NDB_TRY(put_array(file, kPayloadOffsetsSection, offsets));
    NDB_TRY(put_array(file, kPayloadSizesSection, sizes));
    return file.finish();
  }

 private:
  Result<SectionFileWriter> create(std::string_view name, FileKind kind) {
    return SectionFileWriter::create(fs_, folder_ / name, kind, id_);
  }

  Result<SegmentRow> next(Row row) const {
    if ((row & 0xFFFU) == 0 && stop_.stop_requested()) return fail(ErrorCode::unavailable, "stopped while writing a segment");
    return source_(row);
  }

  template <class T>
  static Status put_array(SectionFileWriter& file, std::uint32_t section, const std::vector<T>& values) {
    NDB_TRY(file.begin_section(section, sizeof(T)));
    return file.append(std::as_bytes(std::span(values)));
  }

  fs::FileSystem& fs_;
  fs::Path folder_;
  SegmentId id_;
  const CollectionConfig& config_;
  Row rows_;
  const RowSource& source_;
  const std::stop_token& stop_;
};

}  // namespace

Result<format::ManifestSegment> write_segment(fs::FileSystem& fs, const fs::Path& collection, SegmentId id,
                                              const CollectionConfig& config, Row rows, const RowSource& source,
                                              const std::stop_token& stop) {
  if (rows == 0 || rows > kMaxSegmentRows)
    return fail(ErrorCode::internal, "a segment cannot have " + std::to_string(rows) + " rows");
  const fs::Path folder = format::segment_folder(collection, id);
  NDB_TRY(fs.make_directory(folder));
  Writer writer(fs, folder, id, config, rows, source, stop);
  format::ManifestSegment segment{.id = id, .rows = rows};
  NDB_TRY_ASSIGN(segment.vectors, writer.vectors());
  NDB_TRY_ASSIGN(segment.ids, writer.ids());
  NDB_TRY_ASSIGN(segment.payloads, writer.payloads());
  NDB_TRY_ASSIGN(segment.attributes, writer.attributes());
  NDB_TRY(fs.sync_directory(folder));
  NDB_TRY(fs.sync_directory(format::segments_folder(collection)));
  return segment;
}

Result<format::FileRef> write_hnsw(fs::FileSystem& fs, const fs::Path& collection, SegmentId id,
                                   const std::string& file_name, base::ByteSpan graph) {
  const fs::Path folder = format::segment_folder(collection, id);
  NDB_TRY_ASSIGN(auto file, SectionFileWriter::create(fs, folder / file_name, FileKind::hnsw, id));
  NDB_TRY(file.begin_section(kHnswSection, 1));
  NDB_TRY(file.append(graph));
  NDB_TRY_ASSIGN(auto ref, file.finish());
  NDB_TRY(fs.sync_directory(folder));
  return ref;
}

}  // namespace ndb::segment
