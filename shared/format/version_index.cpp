#include "shared/format/version_index.hpp"

#include <algorithm>
#include <set>

#include "shared/base/result.hpp"

namespace ndb::format {
namespace {

void extend(VersionIndex::Span& span, ManifestVersion version) {
  span.first = span.first == ManifestVersion{} ? version : std::min(span.first, version);
  span.last = std::max(span.last, version);
}

bool may_be_skipped(ErrorCode code) { return code == ErrorCode::not_found || code == ErrorCode::corruption; }

}  // namespace

Status VersionIndex::refresh(fs::FileSystem& fs, const fs::Path& collection, Unreadable unreadable) {
  NDB_TRY_ASSIGN(const auto names, fs.list(manifest_folder(collection)));
  std::set<ManifestVersion> there;
  for (const auto& name : names)
    if (const auto version = parse_manifest_name(name)) there.insert(*version);
  std::erase_if(versions_, [&](const auto& entry) { return !there.contains(entry.first); });
  for (const auto version : there) {
    if (versions_.contains(version)) continue;
    const auto manifest = read_manifest(fs, collection, version);
    if (manifest) add(*manifest);
    else if (unreadable == Unreadable::fail || !may_be_skipped(manifest.error().code)) return std::unexpected(manifest.error());
  }
  if (!there.empty()) forget_before(*there.begin());
  return {};
}

void VersionIndex::add(const Manifest& manifest) {
  versions_[manifest.version] = {manifest.epoch, manifest.created_unix_ms, manifest.flushed_seq};
  for (const auto& wal : manifest.wals) extend(wals_[wal.name], manifest.version);
  for (const auto& segment : manifest.segments) {
    auto& files = segments_[segment.id];
    const auto put = [&](const FileRef& file) {
      auto& span = files[file.name];
      extend(span, manifest.version);
      span.bytes = file.bytes;
    };
    for (const auto* file : {&segment.vectors, &segment.ids, &segment.payloads}) put(*file);
    for (const auto* file : {&segment.delete_set, &segment.hnsw, &segment.attributes})
      if (*file) put(**file);
  }
}

void VersionIndex::forget_before(ManifestVersion first) {
  if (first == oldest_) return;
  oldest_ = first;
  const auto old = [&](const auto& entry) { return entry.second.last < first; };
  versions_.erase(versions_.begin(), versions_.lower_bound(first));
  std::erase_if(wals_, old);
  for (auto& [id, files] : segments_) std::erase_if(files, old);
  std::erase_if(segments_, [](const auto& entry) { return entry.second.empty(); });
}

bool VersionIndex::needs(ManifestVersion first, SegmentId segment, std::string_view file) const {
  const auto files = segments_.find(segment);
  if (files == segments_.end()) return false;
  const auto span = files->second.find(file);
  return span != files->second.end() && span->second.last >= first;
}

bool VersionIndex::needs(ManifestVersion first, WalName wal) const {
  const auto span = wals_.find(wal);
  return span != wals_.end() && span->second.last >= first;
}

std::uint64_t VersionIndex::bytes_before(ManifestVersion newest) const {
  std::uint64_t bytes = 0;
  for (const auto& [id, files] : segments_)
    for (const auto& [name, span] : files)
      if (span.last < newest) bytes += span.bytes;
  return bytes;
}

}  // namespace ndb::format
