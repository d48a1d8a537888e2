#include "writer/segments/collector.hpp"

#include <algorithm>

#include "shared/base/crash_point.hpp"
#include "shared/format/pointer_files.hpp"
#include "writer/fencing.hpp"

namespace ndb::writer {
namespace {

std::set<std::string> file_names(const format::ManifestSegment& segment) {
  std::set<std::string> names = {segment.vectors.name, segment.ids.name, segment.payloads.name};
  if (segment.delete_set) names.insert(segment.delete_set->name);
  if (segment.hnsw) names.insert(segment.hnsw->name);
  if (segment.attributes) names.insert(segment.attributes->name);
  return names;
}

// The epoch in "hnsw-<epoch>-<n>" and "deleted-<epoch>-<n>"; 0 for the files that come with the segment.
Epoch epoch_of_file(std::string_view name) {
  const auto dash = name.find('-');
  if (dash == std::string_view::npos) return Epoch{0};
  const auto digits = name.substr(dash + 1, name.find('-', dash + 1) - dash - 1);
  return Epoch{format::parse_number(digits).value_or(0)};
}

}  // namespace

Status Collector::learn_manifests() {
  NDB_TRY_ASSIGN(const auto names, context_.fs.list(format::manifest_folder(context_.collection)));
  std::set<ManifestVersion> there;
  for (const auto& name : names)
    if (const auto version = format::parse_manifest_name(name)) there.insert(*version);
  std::erase_if(known_, [&](const auto& entry) { return !there.contains(entry.first); });
  std::erase_if(replaced_, [&](const auto& entry) { return !there.contains(entry.first); });
  for (const auto version : there) {
    if (known_.contains(version)) continue;
    NDB_TRY_ASSIGN(const auto manifest, format::read_manifest(context_.fs, context_.collection, version));
    Known& known = known_[version];
    known.epoch = manifest.epoch;
    known.created_unix_ms = manifest.created_unix_ms;
    for (const auto& wal : manifest.wals) known.wals.insert(wal.name);
    for (const auto& segment : manifest.segments) known.files.emplace(segment.id, file_names(segment));
  }
  return note_replaced();
}

// publisher.current() is in CURRENT, so everything older was replaced there by now.
Status Collector::note_replaced() {
  const auto current = context_.publisher.current()->version;
  for (const auto& [version, known] : known_) {
    if (version < current) replaced_.try_emplace(version, clock_.now());
    NDB_TRY(same_clock(known.epoch));
  }
  return {};
}

Result<bool> Collector::same_clock(Epoch epoch) {
  const auto known = same_clock_.find(epoch);
  if (known != same_clock_.end()) return known->second;
  NDB_TRY_ASSIGN(const auto mine, holder_of(context_.fs, context_.collection, context_.log.epoch()));
  NDB_TRY_ASSIGN(const auto theirs, holder_of(context_.fs, context_.collection, epoch));
  return same_clock_.emplace(epoch, same_kernel(mine, theirs)).first->second;
}

// Whether the manifest was replaced in CURRENT longer than the grace time ago.
bool Collector::rested(Entry entry) const {
  const auto replaced = replaced_.find(entry->first);
  if (replaced == replaced_.end()) return false;
  if (clock_.now() - replaced->second >= options_.gc_grace) return true;
  // Of two manifests in a row by one writer, the second was stamped after the first had come into CURRENT.
  const auto now = base::unix_ms(clock_);
  for (auto first = std::next(entry); first != known_.end() && std::next(first) != known_.end(); ++first) {
    const auto& second = *std::next(first);
    if (second.second.epoch != first->second.epoch || second.second.epoch == context_.log.epoch()) continue;
    return same_clock_.at(second.second.epoch) &&
           second.second.created_unix_ms + static_cast<std::uint64_t>(options_.gc_grace.count()) <= now;
  }
  return false;
}

ManifestVersion Collector::first_kept(std::optional<ManifestVersion> min_pinned) const {
  const auto current = context_.publisher.current()->version;
  for (auto entry = known_.begin(); entry != known_.end(); ++entry) {
    const bool newest_few = entry->first.value + options_.kept_manifests > current.value;
    const bool pinned = min_pinned && entry->first >= *min_pinned;
    if (newest_few || pinned || !rested(entry)) return entry->first;
  }
  return current;
}

Status Collector::obsolete_wals(std::vector<fs::Path>& out) const {
  const auto current = context_.publisher.current();
  const auto newest = current->wals.back().name;
  NDB_TRY_ASSIGN(const auto names, context_.fs.list(format::wal_folder(context_.collection)));
  for (const auto& name : names) {
    const auto wal = format::parse_wal_name(name);
    if (!wal || *wal >= newest) continue;  // newer: created for the next manifest
    if (std::ranges::none_of(known_, [&](const auto& entry) { return entry.second.wals.contains(*wal); }))
      out.push_back(format::wal_path(context_.collection, *wal));
  }
  return {};
}

Status Collector::obsolete_segments(std::vector<fs::Path>& out) const {
  NDB_TRY_ASSIGN(const auto folders, context_.fs.list(format::segments_folder(context_.collection)));
  for (const auto& folder : folders) {
    const auto id = format::parse_number(folder);
    // What a later writer is making is not ours to judge, should this one have been replaced without knowing yet.
    if (!id || *id >> 32 > context_.log.epoch().value || context_.pending.contains(SegmentId{*id})) continue;
    std::set<std::string> needed;
    for (const auto& [version, known] : known_)
      if (const auto segment = known.files.find(SegmentId{*id}); segment != known.files.end())
        needed.insert(segment->second.begin(), segment->second.end());
    const fs::Path path = format::segment_folder(context_.collection, SegmentId{*id});
    NDB_TRY_ASSIGN(const auto files, context_.fs.list(path));
    for (const auto& file : files)
      if (!needed.contains(file) && epoch_of_file(file) <= context_.log.epoch()) out.push_back(path / file);
    if (needed.empty()) out.push_back(path);
  }
  return {};
}

Result<std::vector<fs::Path>> Collector::obsolete(ManifestVersion first) {
  std::vector<fs::Path> paths;
  // On a full volume even the boundary may not fit; then what needs none is deleted all the same.
  if (known_.begin()->first < first && format::write_boundary(context_.fs, context_.collection, {first})) {
    base::crash_point("boundary-moved");
    for (auto entry = known_.begin(); entry != known_.end() && entry->first < first; entry = known_.erase(entry))
      paths.push_back(format::manifest_path(context_.collection, entry->first));
  }
  NDB_TRY(obsolete_wals(paths));
  NDB_TRY(obsolete_segments(paths));
  NDB_TRY_ASSIGN(const auto leftovers, leftovers_.find(context_.log.epoch()));
  paths.insert(paths.end(), leftovers.begin(), leftovers.end());
  return paths;
}

bool Collector::waits_for_manifests(std::optional<ManifestVersion> min_pinned) const {
  const auto current = known_.find(context_.publisher.current()->version);
  if (current == known_.end()) return false;
  const auto names_more = [&](const Known& old) {
    const auto in_use = [&](const auto& segment) {
      const auto now = current->second.files.find(segment.first);
      return now != current->second.files.end() && std::ranges::includes(now->second, segment.second);
    };
    return !std::ranges::includes(current->second.wals, old.wals) || !std::ranges::all_of(old.files, in_use);
  };
  for (auto entry = known_.begin(); entry != current; ++entry) {
    if ((min_pinned && entry->first >= *min_pinned) || !rested(entry)) return false;  // and so nothing newer goes either
    if (names_more(entry->second)) return true;
  }
  return false;
}

Status Collector::delete_all(const std::vector<fs::Path>& paths) {
  for (const auto& path : paths) {
    const bool folder = path.parent_path() == format::segments_folder(context_.collection);
    const auto status = folder ? context_.fs.remove_directory(path) : context_.fs.remove(path);
    if (!status && status.error().code != ErrorCode::not_found) return status;
    base::crash_point("file-collected");
  }
  return {};
}

Status Collector::collect(std::optional<ManifestVersion> min_pinned) {
  auto paths = context_.publisher.while_still([&]() -> Result<std::vector<fs::Path>> {
    NDB_TRY(check_epoch(context_.fs, context_.collection, context_.log.epoch()));
    NDB_TRY(learn_manifests());
    if (known_.empty()) return std::vector<fs::Path>{};
    return obsolete(first_kept(min_pinned));
  });
  if (!paths) return std::unexpected(paths.error());
  return delete_all(*paths);
}

}  // namespace ndb::writer
