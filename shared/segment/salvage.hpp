// What can still be read of a segment whose files are damaged: the rows whose id, vector and payload all lie in blocks with the right
// checksum. Works with a damaged header (it is rebuilt) and a damaged checksum table (its other entries still count); a file that
// is missing or cut off cannot be told from damage, and makes all rows unreadable.
//
// Threads: immutable after open(); any number.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ndb/collection_config.hpp"
#include "shared/format/manifest.hpp"
#include "shared/segment/segment_writer.hpp"

namespace ndb::segment {

class Salvage {
 public:
  /// Opens what can be opened of the segment.
  [[nodiscard]] static Salvage open(fs::FileSystem& fs, const fs::Path& collection, const CollectionConfig& config,
                                    const format::ManifestSegment& segment);

  /// One sentence for each file or part of a file that is damaged, with its offset and length.
  [[nodiscard]] const std::vector<std::string>& damage() const noexcept { return damage_; }
  [[nodiscard]] Row rows() const noexcept { return rows_; }
  /// Row < rows(), whole; nullopt if any byte of it is damaged. Valid as long as this object.
  [[nodiscard]] std::optional<SegmentRow> row(Row row) const;
  /// The id alone, if that much is whole.
  [[nodiscard]] std::optional<std::string_view> id(Row row) const;

 private:
  /// A section of a file, of which only undamaged parts are read.
  struct Section {
    format::SectionFile::Section section;
    [[nodiscard]] std::optional<base::ByteSpan> read(std::uint64_t offset, std::uint64_t bytes) const;
    template <class T>
    [[nodiscard]] std::optional<T> at(std::size_t i) const;
  };
  using File = std::shared_ptr<const format::SectionFile>;

  File open_file(fs::FileSystem& fs, const fs::Path& path, const format::FileRef& expected, format::FileKind kind,
                 SegmentId segment, const std::vector<format::SectionShapes>& candidates);
  [[nodiscard]] Section section_of(const File& file, std::uint32_t id, std::uint64_t bytes, bool exactly);
  void open_vectors(fs::FileSystem& fs, const fs::Path& folder, const format::ManifestSegment& segment);
  void open_ids(fs::FileSystem& fs, const fs::Path& folder, const format::ManifestSegment& segment);
  void open_payloads(fs::FileSystem& fs, const fs::Path& folder, const format::ManifestSegment& segment);

  CollectionConfig config_;
  Row rows_ = 0;
  std::vector<std::string> damage_;
  std::vector<File> files_;
  Section vectors_, id_offsets_, id_bytes_, payload_offsets_, payload_sizes_, payload_bytes_;
};

}  // namespace ndb::segment
