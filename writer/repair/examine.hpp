// What is whole and what is damaged of a collection that nobody writes to. Changes nothing.
// Threads: plain functions and values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/segment/salvage.hpp"
#include "shared/segment/segment_view.hpp"
#include "writer/repair/wal_salvage.hpp"

namespace ndb::writer {

/// The manifest to go on from: the newest that is whole.
struct BaseManifest {
  format::Manifest manifest;
  ManifestVersion newest;               ///< the highest version that a name speaks of, damaged or not
  ManifestVersion oldest;               ///< the lowest
  std::vector<fs::Path> damaged;        ///< manifests that are not whole
  std::vector<std::string> damage;
};
/// corruption if no manifest is whole: without one nothing says what the other files are.
[[nodiscard]] Result<BaseManifest> find_base_manifest(fs::FileSystem& fs, const fs::Path& collection);

struct ExaminedSegment {
  format::ManifestSegment segment;
  std::shared_ptr<const segment::SegmentView> view;  ///< if vectors, ids and payloads are whole
  std::optional<segment::Salvage> salvage;           ///< otherwise
  bool graph_damaged = false;
  bool attributes_damaged = false;
  bool deletes_lost = false;
  std::vector<Row> deleted;                          ///< as far as is known, ascending
  std::vector<std::string> damage;

  [[nodiscard]] bool whole() const noexcept { return view != nullptr && !graph_damaged && !attributes_damaged && !deletes_lost; }
  [[nodiscard]] std::optional<std::string_view> id(Row row) const;
};
[[nodiscard]] ExaminedSegment examine_segment(fs::FileSystem& fs, const fs::Path& collection, const CollectionConfig& config,
                                              const format::ManifestSegment& segment);

/// Finds out, for segments whose delete set is lost, which rows other segments have newer versions of. Returns a sentence for each
/// segment in which deleted rows are left that nothing tells from live ones.
[[nodiscard]] std::vector<std::string> resolve_lost_deletes(std::vector<ExaminedSegment>& segments);

/// The log behind the manifest; if that is not the newest, every file that is there.
[[nodiscard]] Result<std::vector<SalvagedWal>> examine_log(fs::FileSystem& fs, const fs::Path& collection, const BaseManifest& base);

}  // namespace ndb::writer
