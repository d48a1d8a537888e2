#include "writer/repair/examine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "shared/format/delete_set.hpp"
#include "shared/payload/payload.hpp"

namespace ndb::writer {
namespace {

using format::ManifestSegment;
using segment::SegmentView;

// The view, if every byte of the files that the manifest's entry names is as it should be.
Result<std::shared_ptr<const SegmentView>> open_whole(fs::FileSystem& fs, const fs::Path& collection, const CollectionConfig& config,
                                                      const ManifestSegment& segment) {
  NDB_TRY_ASSIGN(auto view, SegmentView::open(fs, collection, config, segment, nullptr));
  NDB_TRY(view->verify());
  for (Row row = 0; row < view->rows(); ++row)
    if (!payload::decode(view->payload(row)) || !payload::validate_id(view->row_id(row)))
      return fail(ErrorCode::corruption, fmt::format("row {} has a damaged id or payload", row));
  return view;
}

// What is wrong with the graph where the index of the payloads, which is damaged too, was met first, and the other way round.
void note_damaged_graph(fs::FileSystem& fs, const fs::Path& collection, const CollectionConfig& config, ManifestSegment segment,
                        std::vector<std::string>& damage) {
  segment.attributes.reset();
  if (const auto view = open_whole(fs, collection, config, segment); !view && view.error().message != damage.back())
    damage.push_back(view.error().message);
}

// Delete sets only grow, so the largest older one that is whole is the nearest to the one that is lost.
std::vector<Row> older_delete_set(fs::FileSystem& fs, const fs::Path& folder, const ManifestSegment& segment) {
  std::vector<Row> best;
  for (const auto& name : fs.list(folder).value_or(std::vector<std::string>{})) {
    if (!name.starts_with("deleted-")) continue;
    auto rows = format::read_any_delete_set(fs, folder / name, segment.id, segment.rows);
    if (rows && rows->size() <= segment.deleted && rows->size() > best.size()) best = std::move(*rows);
  }
  return best;
}

void examine_deletes(fs::FileSystem& fs, const fs::Path& collection, ExaminedSegment& examined) {
  const auto& segment = examined.segment;
  if (!segment.delete_set) return;
  const fs::Path folder = format::segment_folder(collection, segment.id);
  auto rows = format::read_delete_set(fs, folder / segment.delete_set->name, segment.id, *segment.delete_set, segment.rows);
  if (rows) {
    examined.deleted = std::move(*rows);
    return;
  }
  examined.deletes_lost = true;
  examined.damage.push_back(rows.error().message);
  examined.deleted = older_delete_set(fs, folder, segment);
}

// Where ids are in one segment, whatever state it is in.
class IdIndex {
 public:
  explicit IdIndex(const ExaminedSegment& segment) : segment_(segment) {
    if (segment.view != nullptr) return;
    for (Row row = 0; row < segment.segment.rows; ++row)
      if (const auto id = segment.id(row)) rows_.emplace(*id, row);
  }
  [[nodiscard]] std::optional<Row> find(std::string_view id) const {
    if (segment_.view != nullptr) return segment_.view->find(id);
    const auto found = rows_.find(id);
    return found == rows_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] bool deleted(Row row) const { return std::ranges::binary_search(segment_.deleted, row); }

 private:
  const ExaminedSegment& segment_;
  std::unordered_map<std::string_view, Row> rows_;
};

}  // namespace

Result<BaseManifest> find_base_manifest(fs::FileSystem& fs, const fs::Path& collection) {
  NDB_TRY_ASSIGN(const auto names, fs.list(format::manifest_folder(collection)));
  BaseManifest base;
  bool found = false;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const auto version = format::parse_manifest_name(*name);
    if (!version) continue;
    base.newest = std::max(base.newest, *version);
    base.oldest = *version;
    auto manifest = format::read_manifest(fs, collection, *version);
    if (!manifest) {
      base.damaged.push_back(format::manifest_path(collection, *version));
      base.damage.push_back(manifest.error().message);
    } else if (!found) {
      found = true;
      base.manifest = std::move(*manifest);
    }
  }
  if (!found)
    return fail(ErrorCode::corruption, fmt::format("{}: no manifest is whole, so nothing says what the other files are; restore the "
                                                   "folder from a copy", collection.string()));
  return base;
}

std::optional<std::string_view> ExaminedSegment::id(Row row) const {
  return view != nullptr ? std::optional(view->row_id(row)) : salvage->id(row);
}

ExaminedSegment examine_segment(fs::FileSystem& fs, const fs::Path& collection, const CollectionConfig& config,
                                const ManifestSegment& segment) {
  ExaminedSegment examined{.segment = segment, .view = {}, .salvage = {}, .deleted = {}, .damage = {}};
  examine_deletes(fs, collection, examined);
  auto whole = open_whole(fs, collection, config, segment);
  // A graph and an index of payloads follow from the rest: without the damaged one, or both, the segment is whole.
  constexpr std::array<std::pair<bool, bool>, 3> kWithout = {{{true, false}, {false, true}, {true, true}}};
  for (const auto& [graph, attributes] : kWithout) {
    if (whole || (graph && !segment.hnsw) || (attributes && !segment.attributes)) continue;
    ManifestSegment less = segment;
    if (graph) less.hnsw.reset();
    if (attributes) less.attributes.reset();
    auto rest = open_whole(fs, collection, config, less);
    if (!rest) continue;
    examined.graph_damaged = graph;
    examined.attributes_damaged = attributes;
    examined.damage.push_back(whole.error().message);
    if (graph && attributes) note_damaged_graph(fs, collection, config, segment, examined.damage);
    whole = std::move(rest);
  }
  if (whole) {
    examined.view = std::move(*whole);
    return examined;
  }
  examined.salvage = segment::Salvage::open(fs, collection, config, segment);
  const auto& damage = examined.salvage->damage();
  examined.damage.insert(examined.damage.end(), damage.begin(), damage.end());
  if (damage.empty()) examined.damage.push_back(whole.error().message);
  return examined;
}

std::vector<std::string> resolve_lost_deletes(std::vector<ExaminedSegment>& segments) {
  std::vector<std::string> unsure;
  std::vector<IdIndex> indexes;
  if (std::ranges::none_of(segments, &ExaminedSegment::deletes_lost)) return unsure;
  for (const auto& segment : segments) indexes.emplace_back(segment);
  for (std::size_t own = 0; own < segments.size(); ++own) {
    auto& segment = segments[own];
    if (!segment.deletes_lost) continue;
    const auto replaced = [&](std::string_view id) {
      for (std::size_t other = 0; other < segments.size(); ++other) {
        const auto row = other == own ? std::nullopt : indexes[other].find(id);
        // Segments stand in the order of their data; and of two that are known to hold a document, one is the newer.
        if (row && (other > own || (!segments[other].deletes_lost && !indexes[other].deleted(*row)))) return true;
      }
      return false;
    };
    std::vector<Row> dead;
    for (Row row = 0; row < segment.segment.rows; ++row)
      if (const auto id = segment.id(row); indexes[own].deleted(row) || (id && replaced(*id))) dead.push_back(row);
    if (dead.size() < segment.segment.deleted)
      unsure.push_back(fmt::format("segment {}: {} deleted documents may be there again: its delete set is damaged and nothing else "
                                   "tells them from others", segment.segment.id.value, segment.segment.deleted - dead.size()));
    segment.deleted = std::move(dead);
  }
  return unsure;
}

Result<std::vector<SalvagedWal>> examine_log(fs::FileSystem& fs, const fs::Path& collection, const BaseManifest& base) {
  auto entries = base.manifest.wals;
  if (base.manifest.version != base.newest) {
    NDB_TRY_ASSIGN(const auto names, fs.list(format::wal_folder(collection)));
    for (const auto& name : names)
      if (const auto wal = format::parse_wal_name(name); wal && std::ranges::find(entries, *wal, &format::ManifestWal::name) == entries.end())
        entries.push_back({.name = *wal});
    std::ranges::sort(entries, {}, &format::ManifestWal::name);
  }
  std::vector<SalvagedWal> files;
  for (const auto& entry : entries)
    files.push_back(salvage_wal(fs, collection, entry, base.manifest.collection_uid, base.manifest.config.dim));
  drop_overtaken(files);
  return files;
}

}  // namespace ndb::writer
