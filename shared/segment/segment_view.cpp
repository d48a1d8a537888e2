#include "shared/segment/segment_view.hpp"

#include <bit>

#include "shared/segment/id_hash.hpp"
#include "shared/segment/row_layout.hpp"
#include "shared/segment/segment_format.hpp"

namespace ndb::segment {
namespace {

using format::FileKind;
using format::SectionFile;

std::unexpected<Error> corrupt(const SectionFile& file, const char* what) {
  return fail(ErrorCode::corruption, file.path().string() + ": " + what);
}

// Loads element `i` of an array section after checking its block; 0 where that fails.
template <class T>
T checked(const SectionFile::Section& section, std::span<const T> values, std::size_t i) noexcept {
  return section.verifier->ensure(i * sizeof(T), sizeof(T)) ? values[i] : T{0};
}

// A part of a byte section, or nothing if its bounds are wrong or its bytes are damaged.
base::ByteSpan checked_bytes(const SectionFile::Section& section, std::uint64_t offset, std::uint64_t bytes) noexcept {
  if (offset > section.bytes.size() || bytes > section.bytes.size() - offset) return {};
  if (!section.verifier->ensure(offset, bytes)) return {};
  return section.bytes.subspan(offset, bytes);
}

}  // namespace

Result<std::shared_ptr<const SegmentView>> SegmentView::open(fs::FileSystem& fs, const fs::Path& collection,
                                                             const CollectionConfig& config,
                                                             const format::ManifestSegment& segment,
                                                             const SegmentView* previous) {
  std::shared_ptr<SegmentView> view(new SegmentView);
  view->id_ = segment.id;
  view->rows_ = segment.rows;
  const fs::Path folder = format::segment_folder(collection, segment.id);
  const auto open_file = [&](const format::FileRef& file, FileKind kind, const FilePtr& known) -> Result<FilePtr> {
    if (known != nullptr && known->path().filename() == file.name) return known;
    return SectionFile::open(fs, folder / file.name, kind, segment.id, &file);
  };
  const auto known = [&](FilePtr SegmentView::* member) { return previous != nullptr ? previous->*member : nullptr; };
  NDB_TRY_ASSIGN(view->vectors_file_, open_file(segment.vectors, FileKind::vectors, known(&SegmentView::vectors_file_)));
  if (view->vectors_file_ != known(&SegmentView::vectors_file_)) view->vectors_file_->read_at_random();
  NDB_TRY_ASSIGN(view->ids_file_, open_file(segment.ids, FileKind::ids, known(&SegmentView::ids_file_)));
  NDB_TRY_ASSIGN(view->payloads_file_,
                 open_file(segment.payloads, FileKind::payloads, known(&SegmentView::payloads_file_)));
  NDB_TRY(view->open_vectors(config));
  NDB_TRY(view->open_ids());
  NDB_TRY(view->open_payloads());
  if (segment.hnsw) {
    NDB_TRY_ASSIGN(view->hnsw_file_, open_file(*segment.hnsw, FileKind::hnsw, known(&SegmentView::hnsw_file_)));
    NDB_TRY(view->open_hnsw());
  }
  if (segment.attributes) {
    NDB_TRY_ASSIGN(view->attributes_file_,
                   open_file(*segment.attributes, FileKind::attributes, known(&SegmentView::attributes_file_)));
    NDB_TRY_ASSIGN(view->attributes_, attributes::AttributesView::open(view->attributes_file_, view->rows_));
  }
  return view;
}

Status SegmentView::open_vectors(const CollectionConfig& config) {
  NDB_TRY_ASSIGN(const auto section, vectors_file_->section(kVectorsSection));
  if (section.element_bytes != row_stride_bytes(config.dim) ||
      section.bytes.size() != std::uint64_t{rows_} * section.element_bytes)
    return corrupt(*vectors_file_, "rows or dimension differ from the manifest's");
  vectors_.data = section.bytes.data();
  vectors_.stride_bytes = section.element_bytes;
  vectors_.rows = rows_;
  vectors_.dim = config.dim;
  vectors_.distance = config.distance;
  vectors_.verifier = section.verifier;
  if (config.distance != Distance::cosine) return {};
  NDB_TRY_ASSIGN(const auto norms_section, vectors_file_->section(kInverseNormsSection));
  NDB_TRY_ASSIGN(const auto norms, format::array_of<float>(*vectors_file_, norms_section));
  if (norms.size() != rows_) return corrupt(*vectors_file_, "has the wrong number of norms");
  // One four-byte value a row: checked here as a whole (a thousandth of the data) rather than at each distance.
  if (!norms_section.verifier->ensure(0, norms_section.bytes.size())) return vectors_file_->damage();
  vectors_.inverse_norms = norms.data();
  return {};
}

Status SegmentView::open_ids() {
  NDB_TRY_ASSIGN(id_offsets_section_, ids_file_->section(kIdOffsetsSection));
  NDB_TRY_ASSIGN(id_bytes_, ids_file_->section(kIdBytesSection));
  NDB_TRY_ASSIGN(id_table_section_, ids_file_->section(kIdTableSection));
  NDB_TRY_ASSIGN(id_offsets_, format::array_of<std::uint32_t>(*ids_file_, id_offsets_section_));
  NDB_TRY_ASSIGN(id_table_, format::array_of<std::uint64_t>(*ids_file_, id_table_section_));
  if (id_offsets_.size() != std::size_t{rows_} + 1 || !std::has_single_bit(id_table_.size()) || id_table_.size() <= rows_)
    return corrupt(*ids_file_, "its tables do not fit its rows");
  return {};
}

Status SegmentView::open_payloads() {
  NDB_TRY_ASSIGN(payload_offsets_section_, payloads_file_->section(kPayloadOffsetsSection));
  NDB_TRY_ASSIGN(payload_sizes_section_, payloads_file_->section(kPayloadSizesSection));
  NDB_TRY_ASSIGN(payload_bytes_, payloads_file_->section(kPayloadBytesSection));
  NDB_TRY_ASSIGN(payload_offsets_, format::array_of<std::uint64_t>(*payloads_file_, payload_offsets_section_));
  NDB_TRY_ASSIGN(payload_sizes_, format::array_of<std::uint32_t>(*payloads_file_, payload_sizes_section_));
  if (payload_offsets_.size() != std::size_t{rows_} + 1 || payload_sizes_.size() != rows_)
    return corrupt(*payloads_file_, "its tables do not fit its rows");
  return {};
}

Status SegmentView::open_hnsw() {
  NDB_TRY_ASSIGN(const auto section, hnsw_file_->section(kHnswSection));
  auto opened = index::HnswView::open(section.bytes, section.verifier);
  if (!opened) return corrupt(*hnsw_file_, opened.error().message.c_str());
  if (opened->rows() != rows_) return corrupt(*hnsw_file_, "has another number of rows than the segment");
  hnsw_ = std::move(*opened);
  return {};
}

std::string_view SegmentView::row_id(Row row) const noexcept {
  const std::uint32_t begin = checked(id_offsets_section_, id_offsets_, row);
  const std::uint32_t end = checked(id_offsets_section_, id_offsets_, std::size_t{row} + 1);
  return end < begin ? std::string_view{} : base::as_text(checked_bytes(id_bytes_, begin, end - begin));
}

base::ByteSpan SegmentView::payload(Row row) const noexcept {
  const std::uint32_t bytes = checked(payload_sizes_section_, payload_sizes_, row);
  if (bytes == 0) return {};
  return checked_bytes(payload_bytes_, checked(payload_offsets_section_, payload_offsets_, row), bytes);
}

void SegmentView::prefetch_places(Row row, bool with_payload) const noexcept {
  simd::prefetch(&id_offsets_[row], sizeof(id_offsets_[row]));
  if (!with_payload) return;
  simd::prefetch(&payload_offsets_[row], sizeof(payload_offsets_[row]));
  simd::prefetch(&payload_sizes_[row], sizeof(payload_sizes_[row]));
}

void SegmentView::prefetch_contents(Row row, bool with_payload) const noexcept {
  const auto begin_of = [](const auto& section, std::uint64_t at) { return section.bytes.data() + std::min<std::uint64_t>(at, section.bytes.size()); };
  simd::prefetch(begin_of(id_bytes_, id_offsets_[row]), 1);
  if (with_payload) simd::prefetch(begin_of(payload_bytes_, payload_offsets_[row]), 1);
}

std::span<const float> SegmentView::vector(Row row) const noexcept {
  const std::size_t offset = std::size_t{row} * vectors_.stride_bytes;
  static_cast<void>(vectors_.verifier->ensure(offset, vectors_.dim * sizeof(float)));
  return {reinterpret_cast<const float*>(vectors_.data + offset), vectors_.dim};
}

std::optional<Row> SegmentView::find(std::string_view id) const noexcept {
  const std::uint64_t hash = id_hash(id);
  const std::uint64_t mask = id_table_.size() - 1;
  // The table is less than full, so an undamaged probe ends; the bound is for damaged ones.
  for (std::uint64_t probe = 0; probe <= mask; ++probe) {
    const std::uint64_t slot = checked(id_table_section_, id_table_, (hash + probe) & mask);
    if (slot == 0) return std::nullopt;
    if (slot_may_be(slot, hash) && slot_row(slot) < rows_ && row_id(slot_row(slot)) == id) return slot_row(slot);
  }
  return std::nullopt;
}

Status SegmentView::damage() const {
  for (const auto* file : {&vectors_file_, &ids_file_, &payloads_file_, &hnsw_file_, &attributes_file_})
    if (*file != nullptr) NDB_TRY((*file)->damage());
  return attributes_ != nullptr ? attributes_->damage() : Status{};
}

Status SegmentView::verify() const {
  for (const auto* file : {&vectors_file_, &ids_file_, &payloads_file_, &hnsw_file_, &attributes_file_})
    if (*file != nullptr) NDB_TRY((*file)->verify());
  for (Row row = 0; row < rows_; ++row)
    if (find(row_id(row)) != row) return corrupt(*ids_file_, "an id is not found under its own name");
  if (attributes_ != nullptr) NDB_TRY(attributes_->verify());
  if (!hnsw_) return {};
  const auto graph = hnsw_->verify();
  if (!graph) return corrupt(*hnsw_file_, graph.error().message.c_str());
  return {};
}

std::uint64_t SegmentView::mapped_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const auto* file : {&vectors_file_, &ids_file_, &payloads_file_, &hnsw_file_, &attributes_file_})
    if (*file != nullptr) bytes += (*file)->bytes();
  return bytes;
}

}  // namespace ndb::segment
