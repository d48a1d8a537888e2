#include "cli/backup/restore.hpp"

#include <fmt/format.h>

#include <random>

#include "cli/backup/backup.hpp"
#include "cli/verify/verifier.hpp"
#include "shared/base/crc32c.hpp"
#include "shared/base/result.hpp"
#include "shared/format/manifest.hpp"
#include "shared/format/pointer_files.hpp"
#include "shared/format/wal.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::cli {
namespace {

using std::filesystem::path;

constexpr std::uint64_t kMaxLogFileBytes = 8ULL << 30;

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

/// "a; b; and 3 more"
std::string summed_up(const std::vector<std::string>& problems) {
  constexpr std::size_t shown = 3;
  std::string text;
  for (std::size_t i = 0; i < problems.size() && i < shown; ++i) text += (i == 0 ? "" : "; ") + problems[i];
  if (problems.size() > shown) text += fmt::format("; and {} more", problems.size() - shown);
  return text;
}

class Restore {
 public:
  Restore(path source, path staged, std::string name, const PlaceOptions& place, const BytesDone& progress)
      : source_(std::move(source)), staged_(std::move(staged)), name_(std::move(name)), place_(place), progress_(progress) {}

  Status fill(const BackupCollection& list) {
    if (const auto odd = find_odd_files(source_); !odd.empty()) return fail(ErrorCode::corruption, "this is not as a backup leaves it: " + summed_up(odd));
    if (const auto problems = check_backup_files(source_, list); !problems.empty())
      return fail(ErrorCode::corruption, "the backup is damaged: " + summed_up(problems));
    total_ = list.bytes() * 2;  // put there, then checked
    NDB_TRY_ASSIGN(auto manifest, format::read_manifest(fs_, source_, ManifestVersion{list.manifest_version}));
    for (const auto& folder : {format::epoch_claims_folder(staged_), format::manifest_folder(staged_), format::wal_folder(staged_), format::segments_folder(staged_)})
      NDB_TRY(fs_.make_directory(folder));
    manifest.collection_uid = random_number();
    manifest.name = name_;
    for (auto& wal : manifest.wals) NDB_TRY(copy_wal(wal, manifest.collection_uid));
    for (const auto& segment : manifest.segments) NDB_TRY(place_segment(segment));
    NDB_TRY(fs::create_file_exclusively(fs_, format::manifest_path(staged_, manifest.version), format::encode_manifest(manifest)));
    NDB_TRY_ASSIGN(const auto epoch, format::read_epoch(fs_, source_));
    NDB_TRY(format::write_epoch(fs_, staged_, {epoch.epoch, "nobody"}));
    NDB_TRY(format::write_boundary(fs_, staged_, {manifest.version}));
    for (const auto& folder : {format::segments_folder(staged_), format::wal_folder(staged_)}) NDB_TRY(fs_.sync_directory(folder));
    return format::write_current(fs_, staged_, {manifest.version, manifest.collection_uid});
  }

  Result<Restored> check(const BackupCollection& list) {
    const std::uint64_t before = done_;
    const auto report = verify_collection(fs_, staged_, [&](std::uint64_t bytes, std::uint64_t /*all*/) {
      done_ = before + bytes;
      progress_(std::min(done_, total_), total_);
    });
    if (!report.problems.empty()) return fail(ErrorCode::corruption, "the backup is damaged: " + summed_up(report.problems));
    if (report.seq != list.seq) return fail(ErrorCode::corruption, fmt::format("the backup ends at seq {}, not at {}", report.seq, list.seq));
    return Restored{.rows = report.rows, .seq = report.seq, .bytes = report.bytes};
  }

 private:
  void placed(std::uint64_t bytes) {
    done_ += bytes;
    progress_(std::min(done_, total_), total_);
  }

  /// The same batches under the new collection's header; the seal follows the bytes.
  Status copy_wal(format::ManifestWal& wal, std::uint64_t uid) {
    NDB_TRY_ASSIGN(const auto old, fs::read_file(fs_, format::wal_path(source_, wal.name), kMaxLogFileBytes));
    if (old.size() < format::kWalFileHeaderBytes) return fail(ErrorCode::corruption, format::wal_path(source_, wal.name).string() + ": is too short");
    std::vector<std::byte> bytes;
    format::append_wal_file_header(bytes, wal.name, uid);
    base::append_bytes(bytes, base::ByteSpan(old).subspan(format::kWalFileHeaderBytes));
    if (wal.seal) wal.seal = format::WalSeal{bytes.size(), base::crc32c(bytes)};
    NDB_TRY_ASSIGN(const auto file, fs_.create_exclusive(format::wal_path(staged_, wal.name)));
    NDB_TRY(file->append(bytes));
    placed(bytes.size());
    return file->sync();
  }

  /// The files that the manifest names; what else lies there is none of its business.
  Status place_segment(const format::ManifestSegment& segment) {
    const auto from = format::segment_folder(source_, segment.id), to = format::segment_folder(staged_, segment.id);
    NDB_TRY(fs_.make_directory(to));
    for (const auto& file : files_of(segment)) NDB_TRY(place_file(from / file.name, to / file.name, place_, [this](std::uint64_t bytes) { placed(bytes); }));
    return fs_.sync_directory(to);
  }

  fs::FileSystem& fs_ = fs::posix_file_system();
  const path source_, staged_;
  const std::string name_;
  const PlaceOptions& place_;
  const BytesDone& progress_;
  std::uint64_t done_ = 0, total_ = 0;
};

}  // namespace

Result<Restored> restore_collection(const path& backup, const BackupCollection& collection, const path& data, const std::string& name,
                                    const PlaceOptions& place, const BytesDone& progress) {
  fs::FileSystem& fs = fs::posix_file_system();
  const path target = data / name;
  std::error_code ignored;
  std::filesystem::create_directories(data, ignored);
  const auto taken = [&] {
    return fail(ErrorCode::already_exists, fmt::format("'{}' exists already in {}; restore goes into an empty place only (--as NAME)", name, data.string()), "name");
  };
  NDB_TRY_ASSIGN(const bool exists, fs.exists(target));
  if (exists) return taken();
  const path staged = data / fmt::format(".{}.restoring-{}", name, format::padded(random_number()));
  NDB_TRY(fs.make_directory(staged));
  Restore restore(backup / collection.name, staged, name, place, progress);
  Status status = restore.fill(collection);
  Result<Restored> restored = status ? restore.check(collection) : std::unexpected(status.error());
  // rename(2) refuses a folder that is not empty, so nothing that came meanwhile is replaced.
  if (restored) status = fs.rename(staged, target);
  if (restored && status) status = fs.sync_directory(data);
  if (restored && status) return restored;
  static_cast<void>(fs::remove_tree(fs, staged));
  if (!restored) return restored;
  if (status.error().code == ErrorCode::already_exists) return taken();
  return std::unexpected(status.error());
}

}  // namespace ndb::cli
