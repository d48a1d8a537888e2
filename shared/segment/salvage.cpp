#include "shared/segment/salvage.hpp"

#include <fmt/format.h>

#include <bit>

#include "shared/payload/payload.hpp"
#include "shared/segment/row_layout.hpp"
#include "shared/segment/segment_format.hpp"

namespace ndb::segment {
namespace {

using format::FileKind;
using format::SectionFile;
using format::SectionShape;
using format::SectionShapes;

// The shapes that a file of `file_bytes` can have if only the length of its first section is unknown: a multiple of `step`.
std::vector<SectionShapes> candidates(SectionShapes shapes, std::uint64_t file_bytes, std::uint64_t step) {
  constexpr std::uint64_t kBlock = format::BlockVerifier::kBlockBytes;
  std::uint64_t& unknown = shapes.front().bytes;
  for (unknown = 0; unknown < file_bytes && format::section_file_bytes(shapes) < file_bytes;) unknown += kBlock;
  std::vector<SectionShapes> all;
  if (format::section_file_bytes(shapes) != file_bytes) return all;
  const std::uint64_t most = unknown;
  for (unknown = most < kBlock ? 0 : most - kBlock + step; unknown <= most; unknown += step) all.push_back(shapes);
  return all;
}

}  // namespace

std::optional<base::ByteSpan> Salvage::Section::read(std::uint64_t offset, std::uint64_t bytes) const {
  if (section.verifier == nullptr || offset > section.bytes.size() || bytes > section.bytes.size() - offset) return std::nullopt;
  if (!section.verifier->ensure(offset, bytes)) return std::nullopt;
  return section.bytes.subspan(offset, bytes);
}

template <class T>
std::optional<T> Salvage::Section::at(std::size_t i) const {
  const auto bytes = read(i * sizeof(T), sizeof(T));
  return bytes ? std::optional(base::load<T>(bytes->data())) : std::nullopt;
}

Salvage Salvage::open(fs::FileSystem& fs, const fs::Path& collection, const CollectionConfig& config,
                      const format::ManifestSegment& segment) {
  Salvage salvage;
  salvage.config_ = config;
  salvage.rows_ = segment.rows;
  const fs::Path folder = format::segment_folder(collection, segment.id);
  salvage.open_vectors(fs, folder, segment);
  salvage.open_ids(fs, folder, segment);
  salvage.open_payloads(fs, folder, segment);
  return salvage;
}

Salvage::File Salvage::open_file(fs::FileSystem& fs, const fs::Path& path, const format::FileRef& expected, FileKind kind,
                                 SegmentId segment, const std::vector<SectionShapes>& shapes) {
  if (const auto whole = SectionFile::open(fs, path, kind, segment, &expected); !whole)
    damage_.push_back(whole.error().message);
  auto file = SectionFile::open_damaged(fs, path, kind, segment, expected, shapes);
  if (!file) {
    if (damage_.empty() || damage_.back() != file.error().message) damage_.push_back(file.error().message);
    return nullptr;
  }
  for (const auto& range : (*file)->damaged_ranges())
    damage_.push_back(fmt::format("{}: {} bytes at offset {} are damaged", path.string(), range.bytes, range.offset));
  files_.push_back(*file);
  return *file;
}

Salvage::Section Salvage::section_of(const File& file, std::uint32_t id, std::uint64_t bytes, bool exactly) {
  if (file == nullptr) return {};
  const auto section = file->section(id);
  if (section && (!exactly || section->bytes.size() == bytes)) return {*section};
  damage_.push_back(fmt::format("{}: section {} does not fit its rows", file->path().string(), id));
  return {};
}

void Salvage::open_vectors(fs::FileSystem& fs, const fs::Path& folder, const format::ManifestSegment& segment) {
  const std::uint32_t stride = row_stride_bytes(config_.dim);
  const std::uint64_t bytes = std::uint64_t{rows_} * stride;
  SectionShapes shapes = {{kVectorsSection, stride, bytes}};
  if (config_.distance == Distance::cosine)
    shapes.push_back({kInverseNormsSection, sizeof(float), std::uint64_t{rows_} * sizeof(float)});
  const auto file = open_file(fs, folder / segment.vectors.name, segment.vectors, FileKind::vectors, segment.id, {shapes});
  vectors_ = section_of(file, kVectorsSection, bytes, true);
}

void Salvage::open_ids(fs::FileSystem& fs, const fs::Path& folder, const format::ManifestSegment& segment) {
  const std::uint64_t offset_bytes = (std::uint64_t{rows_} + 1) * sizeof(std::uint32_t);
  const std::uint64_t table_bytes = std::bit_ceil(std::uint64_t{rows_} * 3 / 2 + 1) * sizeof(std::uint64_t);
  const SectionShapes shapes = {{kIdBytesSection, 1, 0},
                                {kIdOffsetsSection, sizeof(std::uint32_t), offset_bytes},
                                {kIdTableSection, sizeof(std::uint64_t), table_bytes}};
  const auto file = open_file(fs, folder / segment.ids.name, segment.ids, FileKind::ids, segment.id,
                              candidates(shapes, segment.ids.bytes, 1));
  id_bytes_ = section_of(file, kIdBytesSection, 0, false);
  id_offsets_ = section_of(file, kIdOffsetsSection, offset_bytes, true);
}

void Salvage::open_payloads(fs::FileSystem& fs, const fs::Path& folder, const format::ManifestSegment& segment) {
  const std::uint64_t offset_bytes = (std::uint64_t{rows_} + 1) * sizeof(std::uint64_t);
  const std::uint64_t size_bytes = std::uint64_t{rows_} * sizeof(std::uint32_t);
  const SectionShapes shapes = {{kPayloadBytesSection, 1, 0},
                                {kPayloadOffsetsSection, sizeof(std::uint64_t), offset_bytes},
                                {kPayloadSizesSection, sizeof(std::uint32_t), size_bytes}};
  const auto file = open_file(fs, folder / segment.payloads.name, segment.payloads, FileKind::payloads, segment.id,
                              candidates(shapes, segment.payloads.bytes, 8));
  payload_bytes_ = section_of(file, kPayloadBytesSection, 0, false);
  payload_offsets_ = section_of(file, kPayloadOffsetsSection, offset_bytes, true);
  payload_sizes_ = section_of(file, kPayloadSizesSection, size_bytes, true);
}

std::optional<std::string_view> Salvage::id(Row row) const {
  const auto begin = id_offsets_.at<std::uint32_t>(row);
  const auto end = id_offsets_.at<std::uint32_t>(std::size_t{row} + 1);
  if (!begin || !end || *end < *begin) return std::nullopt;
  const auto bytes = id_bytes_.read(*begin, *end - *begin);
  if (!bytes || !payload::validate_id(base::as_text(*bytes))) return std::nullopt;
  return base::as_text(*bytes);
}

std::optional<SegmentRow> Salvage::row(Row row) const {
  const auto own_id = id(row);
  const auto vector = vectors_.read(std::uint64_t{row} * row_stride_bytes(config_.dim), config_.dim * sizeof(float));
  const auto payload_at = payload_offsets_.at<std::uint64_t>(row);
  const auto payload_size = payload_sizes_.at<std::uint32_t>(row);
  if (!own_id || !vector || !payload_at || !payload_size) return std::nullopt;
  const auto payload = payload_bytes_.read(*payload_size == 0 ? 0 : *payload_at, *payload_size);
  if (!payload || !payload::decode(*payload)) return std::nullopt;
  return SegmentRow{*own_id, {reinterpret_cast<const float*>(vector->data()), config_.dim}, *payload};
}

}  // namespace ndb::segment
