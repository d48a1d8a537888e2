// A published segment, mapped and used in place: opening reads headers only, never the data.
//
// Threads: immutable; any number of threads.
// Damage: every access checks the blocks it touches. An accessor whose block is damaged returns something harmless (an empty
// id or payload); the caller asks damage() before it answers anything that it read here.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "ndb/collection_config.hpp"
#include "shared/attributes/attributes_view.hpp"
#include "shared/format/manifest.hpp"
#include "shared/index/hnsw_view.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::segment {

class SegmentView {
 public:
  /// Opens the segment that a manifest names. not_found if a file is missing (a newer manifest dropped it), corruption if one
  /// is damaged. `previous`, if given, is a view of the same segment from another manifest; its files are shared.
  [[nodiscard]] static Result<std::shared_ptr<const SegmentView>> open(fs::FileSystem& fs, const fs::Path& collection,
                                                                       const CollectionConfig& config,
                                                                       const format::ManifestSegment& segment,
                                                                       const SegmentView* previous);

  [[nodiscard]] SegmentId id() const noexcept { return id_; }
  [[nodiscard]] Row rows() const noexcept { return rows_; }
  [[nodiscard]] const index::VectorsView& vectors() const noexcept { return vectors_; }
  /// Starts reading the vectors of rows [begin, end) that will be read one after another, where memory is short.
  void vectors_will_be_read(Row begin, Row end) const noexcept {
    vectors_file_->will_need({vectors_.data + begin * vectors_.stride_bytes, (end - begin) * vectors_.stride_bytes});
  }
  /// nullptr if the segment has no graph.
  [[nodiscard]] const index::HnswView* hnsw() const noexcept { return hnsw_ ? &*hnsw_ : nullptr; }
  /// nullptr if the segment has no index of its payloads.
  [[nodiscard]] const attributes::AttributesView* attributes() const noexcept { return attributes_.get(); }
  [[nodiscard]] std::string_view row_id(Row row) const noexcept;
  /// FlexBuffers; empty if the document has no payload.
  [[nodiscard]] base::ByteSpan payload(Row row) const noexcept;
  /// Starts loading where the id of `row` < rows() stands, and with `with_payload` its payload; prefetch_contents(), called when that has come, what
  /// stands there. Hints: nothing is checked.
  void prefetch_places(Row row, bool with_payload) const noexcept;
  void prefetch_contents(Row row, bool with_payload) const noexcept;
  /// [dim]
  [[nodiscard]] std::span<const float> vector(Row row) const noexcept;
  /// The row of an id, whether deleted or not.
  [[nodiscard]] std::optional<Row> find(std::string_view id) const noexcept;
  [[nodiscard]] Status damage() const;
  /// Reads and checks everything, the graph's links included.
  [[nodiscard]] Status verify() const;
  [[nodiscard]] std::uint64_t mapped_bytes() const noexcept;

 private:
  using FilePtr = std::shared_ptr<const format::SectionFile>;
  SegmentView() = default;
  Status open_vectors(const CollectionConfig& config);
  Status open_ids();
  Status open_payloads();
  Status open_hnsw();

  SegmentId id_;
  Row rows_ = 0;
  FilePtr vectors_file_, ids_file_, payloads_file_, hnsw_file_, attributes_file_;
  index::VectorsView vectors_;
  std::optional<index::HnswView> hnsw_;
  std::unique_ptr<const attributes::AttributesView> attributes_;
  format::SectionFile::Section id_offsets_section_, id_bytes_, id_table_section_;
  std::span<const std::uint32_t> id_offsets_;
  std::span<const std::uint64_t> id_table_;
  format::SectionFile::Section payload_offsets_section_, payload_bytes_, payload_sizes_section_;
  std::span<const std::uint64_t> payload_offsets_;
  std::span<const std::uint32_t> payload_sizes_;
};

}  // namespace ndb::segment
