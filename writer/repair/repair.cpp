#include "writer/repair/repair.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "ipc/lock/writer_lock.hpp"
#include "shared/format/delete_set.hpp"
#include "shared/format/pointer_files.hpp"
#include "writer/fencing.hpp"
#include "writer/publish.hpp"
#include "writer/repair/evidence.hpp"
#include "writer/repair/examine.hpp"
#include "writer/wal_file.hpp"

namespace ndb::writer {
namespace {

using format::Manifest;
using format::ManifestSegment;

void add(std::vector<std::string>& to, const std::vector<std::string>& more) { to.insert(to.end(), more.begin(), more.end()); }

class Repair {
 public:
  Repair(fs::FileSystem& fs, const fs::Path& collection) : fs_(fs), collection_(collection) {}

  Result<RepairReport> run() {
    NDB_TRY(examine());
    if (report_.damage.empty()) {
      NDB_TRY(mend_hint());
      return std::move(report_);
    }
    NDB_TRY_ASSIGN(auto evidence, Evidence::create(fs_, collection_));
    report_.evidence = evidence.folder();
    NDB_TRY(set_aside(evidence));
    NDB_TRY(mend_pointers());
    NDB_TRY_ASSIGN(epoch_, claim_epoch(fs_, collection_, fmt::format("{} (repair)", ::getpid())));
    NDB_TRY_ASSIGN(auto manifest, salvage_segments());
    NDB_TRY_ASSIGN(const auto state, live::LiveState::open(fs_, collection_, std::make_shared<const Manifest>(manifest)));
    const auto applied = apply_salvaged(*state, log_);
    add(report_.lost, applied.holes);
    NDB_TRY(flush(*state, manifest));
    // Numbers that may have been acknowledged are not given again.
    manifest.flushed_seq.value += applied.lost_at_end;
    NDB_TRY(write_report(evidence));
    NDB_TRY(publish_manifest(fs_, collection_, manifest));
    for (const auto& path : base_.damaged) NDB_TRY(fs_.remove(path));  // set aside; their names stay below the new version
    report_.published = manifest.version;
    return std::move(report_);
  }

 private:
  // --- looking ---

  Status examine() {
    NDB_TRY_ASSIGN(base_, find_base_manifest(fs_, collection_));
    add(report_.damage, base_.damage);
    examine_pointers();
    if (base_.manifest.version != base_.newest)
      report_.lost.push_back(fmt::format("the state is that of manifest {} and of the log behind it: manifest {} is damaged or gone",
                                         base_.manifest.version.value, base_.newest.value));
    for (const auto& segment : base_.manifest.segments) {
      segments_.push_back(examine_segment(fs_, collection_, base_.manifest.config, segment));
      add(report_.damage, segments_.back().damage);
    }
    add(report_.lost, resolve_lost_deletes(segments_));
    NDB_TRY_ASSIGN(log_, examine_log(fs_, collection_, base_));
    for (const auto& wal : log_) add(report_.damage, wal.damage);
    return {};
  }

  void examine_pointers() {
    const auto note = [this](const auto& file, const fs::Path& path) {
      if (file) return;
      report_.damage.push_back(file.error().message);
      damaged_pointers_.push_back(path);
    };
    const auto current = format::read_current(fs_, collection_);
    note(current, format::current_file_path(collection_));
    if (current && current->version > base_.newest) {
      report_.damage.push_back(fmt::format("{}: manifest {}, which CURRENT names, is not there",
                                           format::manifest_path(collection_, current->version).string(), current->version.value));
      base_.newest = current->version;
    }
    note(format::read_epoch(fs_, collection_), format::epoch_path(collection_));
    const auto boundary = format::read_boundary(fs_, collection_);
    note(boundary, format::boundary_path(collection_));
    if (boundary) base_.newest = std::max(base_.newest, boundary->first_kept);
  }

  // --- keeping what is damaged ---

  Status set_aside(Evidence& evidence) const {
    for (const auto& path : base_.damaged) NDB_TRY(evidence.keep(path));
    for (const auto& path : damaged_pointers_) NDB_TRY(evidence.keep(path));
    for (const auto& examined : segments_)
      if (!examined.whole()) NDB_TRY(evidence.keep_folder(format::segment_folder(collection_, examined.segment.id)));
    for (const auto& wal : log_)
      if (!wal.damage.empty()) NDB_TRY(evidence.keep(format::wal_path(collection_, wal.name)));
    return {};
  }

  Status write_report(Evidence& evidence) const {
    std::string text = "What was damaged:\n";
    for (const auto& line : report_.damage) text += "  " + line + '\n';
    text += report_.lost.empty() ? "Nothing is lost.\n" : "What is lost:\n";
    for (const auto& line : report_.lost) text += "  " + line + '\n';
    NDB_TRY(evidence.write("report.txt", text));
    return report_.lost_ids.empty() ? Status{} : evidence.write("lost-ids.txt", fmt::format("{}\n", fmt::join(report_.lost_ids, "\n")));
  }

  // --- building anew ---

  // A crash, or a repair that was interrupted, may leave CURRENT behind; readers go by it.
  Status mend_hint() const {
    NDB_TRY_ASSIGN(const auto current, format::read_current(fs_, collection_));
    if (current.version == base_.manifest.version) return {};
    return format::write_current(fs_, collection_, {base_.manifest.version, base_.manifest.collection_uid});
  }

  // What a writer asks before it may do anything: the highest epoch and the lowest manifest that ever were, as far as names tell.
  Status mend_pointers() {
    for (const auto& path : damaged_pointers_) {
      if (path == format::epoch_path(collection_)) NDB_TRY(format::write_epoch(fs_, collection_, {base_.manifest.epoch, "repair"}));
      if (path == format::boundary_path(collection_)) NDB_TRY(format::write_boundary(fs_, collection_, {base_.oldest}));
    }
    return {};
  }

  // The base manifest with segments that are whole, and a log that is empty.
  Result<Manifest> salvage_segments() {
    Manifest manifest = base_.manifest;
    manifest.version = base_.newest.next();
    manifest.epoch = epoch_;
    manifest.created_unix_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
    manifest.wals.clear();
    for (std::uint64_t index = 0; index < 2; ++index) {
      NDB_TRY(WalFile::create(fs_, collection_, {epoch_, index}, manifest.collection_uid));
      manifest.wals.push_back({.name = {epoch_, index}});
    }
    manifest.segments.clear();
    for (const auto& examined : segments_) {
      NDB_TRY_ASSIGN(const auto segment, examined.salvage ? rewrite(examined) : keep(examined));
      if (segment) manifest.segments.push_back(*segment);
    }
    return manifest;
  }

  Result<std::optional<ManifestSegment>> keep(const ExaminedSegment& examined) {
    ManifestSegment segment = examined.segment;
    if (examined.graph_damaged) segment.hnsw.reset();
    if (examined.attributes_damaged) segment.attributes.reset();
    if (examined.deletes_lost) NDB_TRY(put_deletes(segment, examined.deleted));
    if (segment.deleted == segment.rows) return std::nullopt;
    return segment;
  }

  Result<std::optional<ManifestSegment>> rewrite(const ExaminedSegment& examined) {
    const auto& salvage = *examined.salvage;
    std::vector<Row> rows;
    std::uint64_t lost = 0;
    for (Row row = 0; row < salvage.rows(); ++row) {
      if (std::ranges::binary_search(examined.deleted, row)) continue;
      if (salvage.row(row)) {
        rows.push_back(row);
        continue;
      }
      ++lost;
      if (const auto id = salvage.id(row)) report_.lost_ids.emplace_back(*id);
    }
    report_.lost_documents += lost;
    if (lost > 0)
      report_.lost.push_back(fmt::format("segment {}: {} of {} documents", examined.segment.id.value, lost, lost + rows.size()));
    if (rows.empty()) return std::nullopt;
    return write_rows(static_cast<Row>(rows.size()), [&](Row i) -> Result<segment::SegmentRow> { return *salvage.row(rows[i]); });
  }

  Result<ManifestSegment> write_rows(Row rows, const segment::RowSource& source) {
    return segment::write_segment(fs_, collection_, format::make_segment_id(epoch_, segment_number_++), base_.manifest.config, rows, source);
  }

  Status put_deletes(ManifestSegment& segment, const std::vector<Row>& rows) {
    segment.delete_set.reset();
    segment.deleted = static_cast<std::uint32_t>(rows.size());
    if (rows.empty()) return {};
    const fs::Path folder = format::segment_folder(collection_, segment.id);
    NDB_TRY_ASSIGN(segment.delete_set,
                   format::write_delete_set(fs_, folder / format::deleted_file_name(epoch_, delete_set_number_++), segment.id, rows));
    return fs_.sync_directory(folder);
  }

  // What the log added becomes segments, too, and what it deleted delete sets: the new version needs no old log.
  Status flush(const live::LiveState& state, Manifest& manifest) {
    const auto snapshot = state.snapshot();
    NDB_TRY(snapshot->damage());
    manifest.flushed_seq = snapshot->visible_seq();
    manifest.segments.clear();
    for (std::size_t i = 0; i < snapshot->segments.size(); ++i) {
      ManifestSegment segment = snapshot->manifest->segments[i];
      const auto rows = snapshot->segments[i].tombstones->rows_deleted_up_to(manifest.flushed_seq);
      if (rows.size() == segment.rows) continue;
      if (rows.size() != segment.deleted) NDB_TRY(put_deletes(segment, rows));
      manifest.segments.push_back(std::move(segment));
    }
    for (const auto& memtable : snapshot->memtables) {
      std::vector<Row> rows;
      for (Row row = 0; row < memtable->row_count(); ++row)
        if (memtable->visible(row, manifest.flushed_seq)) rows.push_back(row);
      if (rows.empty()) continue;
      NDB_TRY_ASSIGN(auto written, write_rows(static_cast<Row>(rows.size()), [&](Row i) -> Result<segment::SegmentRow> {
        return segment::SegmentRow{memtable->row_id(rows[i]), memtable->vector(rows[i]), memtable->payload(rows[i])};
      }));
      manifest.segments.push_back(std::move(written));
    }
    report_.documents = snapshot->documents();
    return {};
  }

  fs::FileSystem& fs_;
  const fs::Path& collection_;
  RepairReport report_;
  BaseManifest base_;
  std::vector<fs::Path> damaged_pointers_;
  std::vector<ExaminedSegment> segments_;
  std::vector<SalvagedWal> log_;
  Epoch epoch_;
  std::uint32_t segment_number_ = 0;
  std::uint64_t delete_set_number_ = 0;
};

}  // namespace

Result<RepairReport> repair_collection(fs::FileSystem& fs, const fs::Path& collection) {
  NDB_TRY_ASSIGN(const auto lock, ipc::WriterLock::acquire(format::lock_path(collection)));
  return Repair(fs, collection).run();
}

}  // namespace ndb::writer
