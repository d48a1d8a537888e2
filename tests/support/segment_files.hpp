// Writes segments for tests. Plain functions.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ndb/document.hpp"
#include "shared/segment/segment_writer.hpp"
#include "tests/support/catch.hpp"

namespace ndb::test {

/// The documents as segment `id` of <collection>; payloads are taken as the stored bytes.
[[nodiscard]] inline format::ManifestSegment write_documents(const fs::Path& collection, SegmentId id, const CollectionConfig& config,
                                                             const std::vector<Document>& documents,
                                                             fs::FileSystem& fs = fs::posix_file_system()) {
  std::filesystem::create_directories(format::segments_folder(collection));
  const auto source = [&](Row row) -> Result<segment::SegmentRow> {
    return segment::SegmentRow{documents[row].id, documents[row].vector, base::as_bytes(documents[row].payload)};
  };
  auto segment = segment::write_segment(fs, collection, id, config, static_cast<Row>(documents.size()), source);
  if (!segment) FAIL(segment.error().message);
  return *segment;
}

}  // namespace ndb::test
