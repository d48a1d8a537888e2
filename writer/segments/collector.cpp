#include "writer/segments/collector.hpp"

#include <algorithm>

#include "shared/base/crash_point.hpp"
#include "shared/format/pointer_files.hpp"
#include "writer/fencing.hpp"

namespace ndb::writer {
namespace {

// The epoch in "hnsw-<epoch>-<n>" and "deleted-<epoch>-<n>"; 0 for the files that come with the segment.
Epoch epoch_of_file(std::string_view name) {
  const auto dash = name.find('-');
  if (dash == std::string_view::npos) return Epoch{0};
  const auto digits = name.substr(dash + 1, name.find('-', dash + 1) - dash - 1);
  return Epoch{format::parse_number(digits).value_or(0)};
}

}  // namespace

// publisher.current() is in CURRENT, so everything older was replaced there by now.
Status Collector::learn_manifests() {
  NDB_TRY(index_.refresh(context_.fs, context_.collection, format::VersionIndex::Unreadable::fail));
  std::erase_if(replaced_, [&](const auto& entry) { return !index_.versions().contains(entry.first); });
  const auto current = context_.publisher.current()->version;
  for (const auto& [version, known] : index_.versions()) {
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
  const auto end = index_.versions().end();
  for (auto first = std::next(entry); first != end && std::next(first) != end; ++first) {
    const auto& second = *std::next(first);
    if (second.second.epoch != first->second.epoch || second.second.epoch == context_.log.epoch()) continue;
    return same_clock_.at(second.second.epoch) &&
           second.second.created_unix_ms + static_cast<std::uint64_t>(options_.gc_grace.count()) <= now;
  }
  return false;
}

// Whether the manifest was in force within the retention time of old versions, by the stamp of the one after it. Nobody's safety hangs on
// it, so clocks that differ may.
bool Collector::retained(Entry entry) const {
  const auto retention = context_.publisher.current()->config.history.retention;
  const auto next = std::next(entry);
  if (retention.count() == 0 || next == index_.versions().end()) return false;
  return next->second.created_unix_ms + static_cast<std::uint64_t>(std::chrono::milliseconds(retention).count()) > base::unix_ms(clock_);
}

Collector::Kept Collector::first_kept(std::optional<ManifestVersion> min_pinned) const {
  const auto current = context_.publisher.current()->version;
  Kept kept{current, current};
  const auto in_use = [&](Entry entry) {
    const bool newest_few = entry->first.value + options_.kept_manifests > current.value;
    return newest_few || (min_pinned && entry->first >= *min_pinned) || !rested(entry);
  };
  for (auto entry = index_.versions().begin(); entry != index_.versions().end() && entry->first < current; ++entry) {
    const bool used = in_use(entry);
    if (used || retained(entry)) kept.version = std::min(kept.version, entry->first);
    if (!used) continue;
    kept.log = entry->first;
    break;
  }
  return kept;
}

Status Collector::obsolete_wals(ManifestVersion first, std::vector<fs::Path>& out) const {
  const auto current = context_.publisher.current();
  const auto newest = current->wals.back().name;
  NDB_TRY_ASSIGN(const auto names, context_.fs.list(format::wal_folder(context_.collection)));
  for (const auto& name : names) {
    const auto wal = format::parse_wal_name(name);
    if (!wal || *wal >= newest) continue;  // newer: created for the next manifest
    if (!index_.needs(first, *wal)) out.push_back(format::wal_path(context_.collection, *wal));
  }
  return {};
}

Status Collector::obsolete_segments(ManifestVersion first, std::vector<fs::Path>& out) const {
  NDB_TRY_ASSIGN(const auto folders, context_.fs.list(format::segments_folder(context_.collection)));
  for (const auto& folder : folders) {
    const auto id = format::parse_number(folder);
    // What a later writer is making is not ours to judge, should this one have been replaced without knowing yet.
    if (!id || *id >> 32 > context_.log.epoch().value || context_.pending.contains(SegmentId{*id})) continue;
    const fs::Path path = format::segment_folder(context_.collection, SegmentId{*id});
    NDB_TRY_ASSIGN(const auto files, context_.fs.list(path));
    for (const auto& file : files)
      if (!index_.needs(first, SegmentId{*id}, file) && epoch_of_file(file) <= context_.log.epoch()) out.push_back(path / file);
    if (std::ranges::none_of(files, [&](const auto& file) { return index_.needs(first, SegmentId{*id}, file); })) out.push_back(path);
  }
  return {};
}

Result<std::vector<fs::Path>> Collector::obsolete(Kept kept) {
  std::vector<fs::Path> paths;
  // On a full volume even the boundary may not fit; then what needs none is deleted all the same.
  const auto oldest = index_.versions().begin()->first;
  if (oldest < kept.version) {
    if (format::write_boundary(context_.fs, context_.collection, {kept.version})) {
      base::crash_point("boundary-moved");
      for (auto entry = index_.versions().begin(); entry != index_.versions().end() && entry->first < kept.version; ++entry)
        paths.push_back(format::manifest_path(context_.collection, entry->first));
      index_.forget_before(kept.version);
    } else {
      kept = {oldest, oldest};
    }
  }
  NDB_TRY(obsolete_wals(kept.log, paths));
  NDB_TRY(obsolete_segments(kept.version, paths));
  NDB_TRY_ASSIGN(const auto leftovers, leftovers_.find(context_.log.epoch()));
  paths.insert(paths.end(), leftovers.begin(), leftovers.end());
  return paths;
}

bool Collector::waits_for_manifests(std::optional<ManifestVersion> min_pinned) const {
  const auto current = context_.publisher.current()->version;
  std::optional<ManifestVersion> last;  // of those that only their number keeps
  for (auto entry = index_.versions().begin(); entry != index_.versions().end() && entry->first < current; ++entry) {
    if ((min_pinned && entry->first >= *min_pinned) || !rested(entry) || retained(entry)) break;  // and so nothing newer goes either
    last = entry->first;
  }
  if (!last || !index_.versions().contains(current)) return false;
  const auto unused = [&](const auto& entry) { return entry.second.first <= *last && entry.second.last < current; };
  return std::ranges::any_of(index_.wals(), unused) ||
         std::ranges::any_of(index_.segments(), [&](const auto& segment) { return std::ranges::any_of(segment.second, unused); });
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
  // Many versions take a while to read: not while nobody may publish.
  if (index_.versions().empty()) NDB_TRY(index_.refresh(context_.fs, context_.collection, format::VersionIndex::Unreadable::fail));
  auto paths = context_.publisher.while_still([&]() -> Result<std::vector<fs::Path>> {
    NDB_TRY(check_epoch(context_.fs, context_.collection, context_.log.epoch()));
    NDB_TRY(learn_manifests());
    if (index_.versions().empty()) return std::vector<fs::Path>{};
    return obsolete(first_kept(min_pinned));
  });
  if (!paths) return std::unexpected(paths.error());
  return delete_all(*paths);
}

}  // namespace ndb::writer
