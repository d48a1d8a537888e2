#include "cli/backup/backup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "cli/backup/version_pin.hpp"
#include "cli/backup/wal_tail_copy.hpp"
#include "shared/base/crc32c.hpp"
#include "shared/base/result.hpp"
#include "shared/format/pointer_files.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::cli {
namespace {

using std::filesystem::path;

constexpr int kAttempts = 20;  // each one more means that a writer published meanwhile, or that a volume shows old lengths
constexpr std::chrono::milliseconds kPause{50};
constexpr std::uint64_t kMaxSmallBytes = 64ULL << 20;

class Backup {
 public:
  Backup(path source, path target, const BackupOptions& options, PlacedBytes& placed)
      : source_(std::move(source)), target_(std::move(target)), options_(options), placed_(placed), pin_(source_) {}

  Result<BackupCollection> run() {
    for (int attempt = 1;; ++attempt) {
      const auto done = once();
      const bool again = !done && (done.error().code == ErrorCode::not_found || done.error().code == ErrorCode::unavailable);
      if (done) return list_;
      std::error_code ignored;
      std::filesystem::remove_all(target_, ignored);
      if (!again || attempt == kAttempts) return std::unexpected(done.error());
      std::this_thread::sleep_for(kPause);
    }
  }

 private:
  Status once() {
    list_ = {};
    list_.name = target_.filename().string();
    NDB_TRY_ASSIGN(const auto current, format::read_newest(fs_, source_));
    pin_.pin(current.version);
    NDB_TRY_ASSIGN(const auto manifest, format::read_manifest(fs_, source_, current.version));
    // The log first: it is what changes. Segments are pinned, and never change.
    NDB_TRY_ASSIGN(const auto log, copy_log(fs_, source_, manifest));
    list_.uid = fmt::format("{:016x}", manifest.collection_uid);
    list_.manifest_version = manifest.version.value;
    list_.seq = log.seq.value;
    total_ = done_ = 0;
    for (const auto& segment : manifest.segments) total_ += segment.bytes();
    NDB_TRY(make_folders());
    for (const auto& file : log.files) NDB_TRY(write_new(format::wal_path(path(), file.entry.name), file.bytes));
    for (const auto& segment : manifest.segments) NDB_TRY(place_segment(segment));
    return finish(manifest);
  }

  Status make_folders() {
    for (const auto& folder : {target_, format::epoch_claims_folder(target_), format::manifest_folder(target_), format::wal_folder(target_),
                               format::segments_folder(target_)})
      NDB_TRY(fs_.make_directory(folder));
    return {};
  }

  Status write_new(const path& relative, base::ByteSpan bytes) {
    NDB_TRY_ASSIGN(const auto file, fs_.create_exclusive(target_ / relative));
    NDB_TRY(file->append(bytes));
    NDB_TRY(file->sync());
    note(relative, bytes);
    return {};
  }
  void note(const path& relative, base::ByteSpan bytes) {
    list_.files.push_back({.path = relative.string(), .bytes = bytes.size(), .checksum = base::crc32c(bytes), .checked = true});
  }
  Status copy_small(const path& relative) {
    NDB_TRY_ASSIGN(const auto bytes, fs::read_file(fs_, source_ / relative, kMaxSmallBytes));
    return write_new(relative, bytes);
  }

  Status place_segment(const format::ManifestSegment& segment) {
    list_.rows += segment.rows - segment.deleted;
    const path folder = format::segment_folder(path(), segment.id);
    NDB_TRY(fs_.make_directory(target_ / folder));
    for (const auto& file : files_of(segment)) {
      NDB_TRY(place(folder / file.name, file.bytes));
      list_.files.push_back({.path = (folder / file.name).string(), .bytes = file.bytes});
    }
    return fs_.sync_directory(target_ / folder);
  }

  // Under one uid a name stands for one content for ever, so the earlier backup's file is this file.
  Status place(const path& relative, std::uint64_t bytes) {
    const auto copied = [&](std::uint64_t more) {
      done_ += more;
      options_.progress(done_, total_);
    };
    if (reusable(relative, bytes)) {
      std::error_code error;
      std::filesystem::create_hard_link(options_.against / list_.name / relative, target_ / relative, error);
      if (!error) return placed_.reused += bytes, copied(bytes), Status{};
    }
    NDB_TRY_ASSIGN(const auto how, place_file(source_ / relative, target_ / relative, options_.place, copied));
    placed_.add(how, bytes);
    return {};
  }
  bool reusable(const path& relative, std::uint64_t bytes) {
    if (options_.against.empty()) return false;
    if (!earlier_) {
      earlier_.emplace();
      if (const auto list = read_backup_list(options_.against)) {
        const auto found = std::ranges::find(list->collections, list_.name, &BackupCollection::name);
        if (found != list->collections.end() && found->uid == list_.uid) *earlier_ = *found;
      }
      std::ranges::sort(earlier_->files, {}, &BackupFile::path);
    }
    const auto file = std::ranges::lower_bound(earlier_->files, relative.string(), {}, &BackupFile::path);
    return file != earlier_->files.end() && file->path == relative.string() && file->bytes == bytes;
  }

  Status finish(const format::Manifest& manifest) {
    NDB_TRY(copy_small(format::manifest_path(path(), manifest.version)));
    NDB_TRY(copy_small(format::epoch_path(path())));
    NDB_TRY(format::write_boundary(fs_, target_, {manifest.version}));  // no older one is here
    for (const auto& folder : {format::segments_folder(target_), format::wal_folder(target_), format::manifest_folder(target_)})
      NDB_TRY(fs_.sync_directory(folder));
    NDB_TRY(format::write_current(fs_, target_, {manifest.version, manifest.collection_uid}));
    for (const auto& written : {format::boundary_path(path()), format::current_file_path(path())}) {
      NDB_TRY_ASSIGN(const auto bytes, fs::read_file(fs_, target_ / written, kMaxSmallBytes));
      note(written, bytes);
    }
    return {};
  }

  fs::FileSystem& fs_ = fs::posix_file_system();
  const path source_, target_;
  const BackupOptions& options_;
  PlacedBytes& placed_;
  VersionPin pin_;
  BackupCollection list_;
  std::optional<BackupCollection> earlier_;  // read when it is first needed
  std::uint64_t done_ = 0, total_ = 0;
};

}  // namespace

std::vector<format::FileRef> files_of(const format::ManifestSegment& segment) {
  std::vector<format::FileRef> files = {segment.vectors, segment.ids, segment.payloads};
  for (const auto& more : {segment.attributes, segment.hnsw, segment.delete_set})
    if (more) files.push_back(*more);
  return files;
}

Result<BackupCollection> backup_collection(const path& data, const std::string& name, const path& target, const BackupOptions& options, PlacedBytes& placed) {
  return Backup(data / name, target / name, options, placed).run();
}

}  // namespace ndb::cli
