#include "cli/verify/verifier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "shared/base/crc32c.hpp"
#include "shared/base/result.hpp"
#include "shared/format/delete_set.hpp"
#include "shared/format/manifest.hpp"
#include "shared/format/pointer_files.hpp"
#include "shared/format/wal.hpp"
#include "shared/payload/payload.hpp"
#include "shared/segment/segment_view.hpp"
#include "writer/repair/examine.hpp"

namespace ndb::cli {
namespace {

using format::Manifest;
using format::ManifestSegment;
using format::ManifestWal;

constexpr int kAttempts = 10;  // each restart means that a writer published a newer manifest meanwhile
constexpr std::uint64_t kMaxWalBytes = 8ULL << 30;

class Verifier {
 public:
  using Progress = std::function<void(std::uint64_t, std::uint64_t)>;
  Verifier(fs::FileSystem& fs, const fs::Path& collection, const Progress& progress) : fs_(fs), collection_(collection), progress_(progress) {
    report_.name = collection.filename().string();
  }

  /// False if a file vanished that the manifest names: there must be a newer manifest.
  bool run(bool last_attempt) {
    last_attempt_ = last_attempt;
    note(format::read_epoch(fs_, collection_));
    note(format::read_boundary(fs_, collection_));
    const auto manifest = newest_manifest();
    if (!manifest) return note(manifest);
    report_.manifest_version = manifest->version.value;
    report_.segments = manifest->segments.size();
    const auto older = older_manifests(manifest->version);
    const bool keeps_old = manifest->config.history.retention.count() > 0;
    const auto old_parts = keeps_old ? parts_of_old_versions(older, *manifest) : std::vector<OldPart>{};
    for (const auto& segment : manifest->segments) total_ += segment.bytes();
    for (const auto& [version, segment] : old_parts) total_ += segment->bytes();
    for (const auto& segment : manifest->segments) {
      if (const auto status = check_segment(*manifest, segment); !status && !locate(*manifest, segment, status.error())) return false;
      report_.rows += segment.rows;
      report_.graphs += segment.hnsw ? 1 : 0;
    }
    for (const auto& part : old_parts) check_old(part);
    Seq expected = manifest->flushed_seq.next();
    for (const auto& wal : manifest->wals)
      if (const auto status = check_wal(*manifest, wal, expected); !status && !locate(*manifest, wal, status.error())) return false;
    report_.seq = expected.value - 1;
    return true;
  }
  [[nodiscard]] VerifyReport take() { return std::move(report_); }

 private:
  /// Files a failure away; false if it means that we must start again.
  template <class T>
  bool note(const Result<T>& result) {
    if (result) return true;
    if (result.error().code == ErrorCode::not_found && !last_attempt_) return false;
    report_.problems.push_back(result.error().message);
    return true;
  }

  Result<Manifest> newest_manifest() {
    ManifestVersion newest{0};
    const auto current = format::read_current(fs_, collection_);
    if (current) newest = current->version;
    else report_.problems.push_back(current.error().message);
    NDB_TRY_ASSIGN(const auto names, fs_.list(format::manifest_folder(collection_)));
    for (const auto& name : names)  // CURRENT is a hint: a crash may leave it behind
      if (const auto version = format::parse_manifest_name(name)) newest = std::max(newest, *version);
    if (current && newest > current->version)
      report_.notes.push_back(fmt::format("{}: manifest {} is newer than {}, which CURRENT names; the next writer, or --repair, mends that",
                                          collection_.string(), newest.value, current->version.value));
    if (newest.value == 0) return fail(ErrorCode::corruption, collection_.string() + ": there is no manifest");
    return format::read_manifest(fs_, collection_, newest);
  }

  // Kept for readers that have not moved on, and as old versions. One that is gone meanwhile was collected.
  std::vector<Manifest> older_manifests(ManifestVersion newest) {
    std::vector<Manifest> older;
    for (const auto& name : fs_.list(format::manifest_folder(collection_)).value_or(std::vector<std::string>{})) {
      const auto version = format::parse_manifest_name(name);
      if (!version || *version >= newest) continue;
      auto manifest = format::read_manifest(fs_, collection_, *version);
      if (manifest) older.push_back(std::move(*manifest));
      else if (manifest.error().code != ErrorCode::not_found) report_.problems.push_back(manifest.error().message);
    }
    return older;
  }

  /// What of a segment a version needs: its delete set and graph come and go.
  using Part = std::pair<SegmentId, std::vector<std::string>>;
  static Part part_of(const ManifestSegment& segment) {
    Part part{segment.id, {}};
    for (const auto& file : {segment.delete_set, segment.hnsw, segment.attributes}) part.second.push_back(file ? file->name : "");
    return part;
  }

  /// A segment as an old version needs it.
  using OldPart = std::pair<const Manifest*, const ManifestSegment*>;

  // What the newest version does not need any more, or not with these files; each once.
  std::vector<OldPart> parts_of_old_versions(const std::vector<Manifest>& older, const Manifest& newest) {
    std::set<Part> known;
    for (const auto& segment : newest.segments) known.insert(part_of(segment));
    std::vector<OldPart> parts;
    const auto boundary = format::read_boundary(fs_, collection_);
    for (const auto& manifest : older) {
      if (!boundary || manifest.version < boundary->first_kept) continue;
      ++report_.old_versions;
      for (const auto& segment : manifest.segments)
        if (known.insert(part_of(segment)).second) parts.emplace_back(&manifest, &segment);
    }
    return parts;
  }
  void check_old(const OldPart& part) {
    const auto& [manifest, segment] = part;
    const auto status = check_segment(*manifest, *segment);
    if (status || (status.error().code == ErrorCode::not_found && !is_kept(manifest->version))) return;
    report_.problems.push_back(fmt::format("{} (needed by version {})", status.error().message, manifest->version.value));
  }
  // The writer moves the boundary before it deletes what it keeps no more.
  bool is_kept(ManifestVersion version) {
    const auto boundary = format::read_boundary(fs_, collection_);
    return boundary && version >= boundary->first_kept;
  }

  // Every damaged part of something in which a first one was found. False if it means that we must start again.
  bool locate(const Manifest& manifest, const ManifestSegment& segment, const Error& error) {
    if (error.code == ErrorCode::not_found && !last_attempt_) return false;
    return add(writer::examine_segment(fs_, collection_, manifest.config, segment).damage, error);
  }
  bool locate(const Manifest& manifest, const ManifestWal& wal, const Error& error) {
    if (error.code == ErrorCode::not_found && !last_attempt_) return false;
    return add(writer::salvage_wal(fs_, collection_, wal, manifest.collection_uid, manifest.config.dim).damage, error);
  }
  bool add(const std::vector<std::string>& damage, const Error& error) {
    if (std::ranges::find(damage, error.message) == damage.end()) report_.problems.push_back(error.message);
    report_.problems.insert(report_.problems.end(), damage.begin(), damage.end());
    return true;
  }

  Status check_segment(const Manifest& manifest, const ManifestSegment& segment) {
    NDB_TRY_ASSIGN(const auto view, segment::SegmentView::open(fs_, collection_, manifest.config, segment, nullptr));
    NDB_TRY(view->verify());
    report_.bytes += segment.bytes();
    if (progress_) progress_(std::min(report_.bytes, total_), total_);
    const fs::Path folder = format::segment_folder(collection_, segment.id);
    for (Row row = 0; row < view->rows(); ++row)
      if (!payload::decode(view->payload(row)) || !payload::validate_id(view->row_id(row)))
        return fail(ErrorCode::corruption, fmt::format("{}: row {} has a damaged id or payload", folder.string(), row));
    if (!segment.delete_set) return {};
    NDB_TRY_ASSIGN(const auto deleted, format::read_delete_set(fs_, folder / segment.delete_set->name, segment.id,
                                                               *segment.delete_set, segment.rows));
    if (deleted.size() == segment.deleted) return {};
    return fail(ErrorCode::corruption, fmt::format("{}: {} rows are deleted, the manifest says {}", folder.string(),
                                                   deleted.size(), segment.deleted));
  }

  /// `expected`: the sequence number that comes next; moved on.
  Status check_wal(const Manifest& manifest, const ManifestWal& wal, Seq& expected) {
    const fs::Path path = format::wal_path(collection_, wal.name);
    NDB_TRY_ASSIGN(auto bytes, fs::read_file(fs_, path, kMaxWalBytes));
    ++report_.wal_files;
    report_.bytes += bytes.size();
    if (wal.seal) {
      if (bytes.size() < wal.seal->bytes) return damaged(path, bytes.size(), "is shorter than its seal");
      bytes.resize(wal.seal->bytes);
      if (base::crc32c(bytes) != wal.seal->checksum) return damaged(path, 0, "does not match its seal");
    }
    NDB_TRY(format::check_wal_file_header(bytes, wal.name, manifest.collection_uid, path));
    return check_frames(manifest, wal, path, bytes, expected);
  }

  Status check_frames(const Manifest& manifest, const ManifestWal& wal, const fs::Path& path, base::ByteSpan bytes, Seq& expected) {
    format::WalFrameReader reader(bytes.subspan(format::kWalFileHeaderBytes), format::kWalFileHeaderBytes);
    std::uint64_t valid = format::kWalFileHeaderBytes, synced = 0;
    bool in_order = true;
    while (const auto frame = reader.next()) {
      in_order = frame->header.epoch == wal.name.epoch && (frame->header.op_count == 0 || frame->header.first_seq == expected);
      if (!in_order) break;
      synced = std::max(synced, frame->header.synced_bytes);
      NDB_TRY(format::parse_wal_body(*frame, manifest.config.dim));
      valid = reader.offset();
      expected = Seq{expected.value + frame->header.op_count};
      report_.wal_batches += frame->header.op_count > 0 ? 1 : 0;
    }
    if (in_order && reader.stopped() == format::WalFrameReader::Stop::end) return {};
    const base::ByteSpan behind = bytes.subspan(valid);
    synced = std::max(synced, format::largest_sync_mark(behind, wal.name.epoch));
    if (valid < synced || wal.seal) return damaged(path, valid, "is damaged before its last synced byte");
    report_.notes.push_back(fmt::format("{}: {} bytes at offset {} are no whole batch: being written right now, or the torn end "
                                        "of a crash, which the next writer drops", path.string(), behind.size(), valid));
    return {};
  }

  static std::unexpected<Error> damaged(const fs::Path& path, std::uint64_t offset, const char* what) {
    return fail(ErrorCode::corruption, fmt::format("{}: {} (offset {})", path.string(), what, offset));
  }

  fs::FileSystem& fs_;
  const fs::Path& collection_;
  const Progress& progress_;
  std::uint64_t total_ = 0;  // bytes of segments
  bool last_attempt_ = false;
  VerifyReport report_;
};

}  // namespace

VerifyReport verify_collection(fs::FileSystem& fs, const fs::Path& collection, const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  for (int attempt = 1;; ++attempt) {
    Verifier verifier(fs, collection, progress);
    if (verifier.run(attempt == kAttempts)) return verifier.take();
  }
}

Result<std::vector<std::string>> find_collections(fs::FileSystem& fs, const fs::Path& folder) {
  NDB_TRY_ASSIGN(const auto names, fs.list(folder));
  std::vector<std::string> found;
  for (const auto& name : names) {
    if (!validate_collection_name(name)) continue;
    NDB_TRY_ASSIGN(const bool is_collection, fs.exists(format::manifest_folder(folder / name)));
    if (is_collection) found.push_back(name);
  }
  return found;
}

}  // namespace ndb::cli
