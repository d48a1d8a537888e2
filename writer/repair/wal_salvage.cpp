#include "writer/repair/wal_salvage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace ndb::writer {
namespace {

constexpr std::uint64_t kMaxWalFileBytes = 1ULL << 36;
constexpr std::uint64_t kSmallestOperationBytes = 9;            // a removal of a one-byte id
constexpr std::uint64_t kBytesOfAFileThatIsGone = 1ULL << 36;  // nobody knows; this is enough
constexpr std::uint64_t kMemtableBytes = 64ULL << 20;
constexpr Row kMemtableRows = memtable::Memtable::kMaxRows / 2;

std::string range_text(const fs::Path& path, std::uint64_t offset, std::uint64_t bytes) {
  return fmt::format("{}: {} bytes at offset {} are damaged", path.string(), bytes, offset);
}

// All frames of the file, and the ranges between them that are none.
class Scan {
 public:
  Scan(SalvagedWal& file, const fs::Path& path, std::uint32_t dim) : file_(file), path_(path), dim_(dim) {}

  void run(std::uint64_t end, bool sealed) {
    std::uint64_t at = std::min<std::uint64_t>(format::kWalFileHeaderBytes, end);
    while (at < end) {
      at = read_frames(at, end);
      if (at >= end) return;
      const auto next = format::find_wal_frame(base::ByteSpan(file_.bytes).first(end), at + 1, file_.name.epoch);
      const std::uint64_t length = next.value_or(end) - at;
      const bool torn = !next && !sealed && at >= synced_;
      (torn ? file_.torn : file_.damage).push_back(range_text(path_, at, length));
      if (!torn) file_.lost_tail_bytes += length;  // until a frame with operations turns up behind it
      at += length;
    }
  }

 private:
  std::uint64_t read_frames(std::uint64_t at, std::uint64_t end) {
    format::WalFrameReader reader(base::ByteSpan(file_.bytes).subspan(at, end - at), at);
    while (const auto frame = reader.next()) {
      if (frame->header.epoch != file_.name.epoch) return at;
      auto ops = format::parse_wal_body(*frame, dim_);
      if (!ops) return at;
      at = reader.offset();
      synced_ = std::max(synced_, frame->header.synced_bytes);
      if (ops->empty()) continue;
      file_.frames.push_back({frame->header.first_seq, std::move(*ops)});
      file_.lost_tail_bytes = 0;
    }
    return at;
  }

  SalvagedWal& file_;
  const fs::Path& path_;
  std::uint32_t dim_;
  std::uint64_t synced_ = 0;
};

}  // namespace

SalvagedWal salvage_wal(fs::FileSystem& fs, const fs::Path& collection, const format::ManifestWal& entry,
                        std::uint64_t collection_uid, std::uint32_t dim) {
  SalvagedWal file{.name = entry.name, .bytes = {}, .frames = {}, .damage = {}, .torn = {}};
  const fs::Path path = format::wal_path(collection, entry.name);
  auto bytes = fs::read_file(fs, path, kMaxWalFileBytes);
  if (!bytes) {
    file.damage.push_back(fmt::format("{}: cannot be read: {}", path.string(), bytes.error().message));
    file.lost_tail_bytes = kBytesOfAFileThatIsGone;
    return file;
  }
  file.bytes = std::move(*bytes);
  std::uint64_t end = file.bytes.size();
  const std::uint64_t gone = entry.seal && entry.seal->bytes > end ? entry.seal->bytes - end : 0;
  if (gone > 0)
    file.damage.push_back(fmt::format("{}: the last {} bytes, from offset {} on, are gone", path.string(), gone, end));
  if (entry.seal) end = std::min(end, entry.seal->bytes);
  const auto header = format::check_wal_file_header(base::ByteSpan(file.bytes).first(end), entry.name, collection_uid, path);
  if (!header) file.damage.push_back(header.error().message);
  Scan(file, path, dim).run(end, entry.seal.has_value());
  file.lost_tail_bytes += gone;
  if (!entry.seal && end < format::kWalFileHeaderBytes) file.lost_tail_bytes = kBytesOfAFileThatIsGone;
  return file;
}

void drop_overtaken(std::vector<SalvagedWal>& files) {
  std::uint64_t cut = std::numeric_limits<std::uint64_t>::max();  // first operation of any later epoch
  std::uint64_t cut_of_epoch = cut;
  Epoch epoch{};
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    if (file->name.epoch != epoch) cut = std::min(cut, cut_of_epoch);
    epoch = file->name.epoch;
    std::erase_if(file->frames, [&](const SalvagedFrame& frame) { return frame.first_seq.value >= cut; });
    if (!file->frames.empty()) cut_of_epoch = std::min(cut_of_epoch, file->frames.front().first_seq.value);
  }
}

AppliedLog apply_salvaged(live::LiveState& state, const std::vector<SalvagedWal>& files) {
  AppliedLog applied;
  for (const auto& file : files) {
    for (const auto& frame : file.frames) {
      const Seq expected = state.applied_seq().next();
      if (frame.first_seq < expected) continue;  // known already
      if (frame.first_seq > expected)
        applied.holes.push_back(fmt::format("operations {} to {}: the log does not hold them any more", expected.value,
                                            frame.first_seq.value - 1));
      const auto& memtable = *state.snapshot()->memtables.back();
      if (memtable.bytes() > kMemtableBytes || memtable.row_count() > kMemtableRows) state.start_memtable(memtable.wal());
      state.apply(frame.first_seq, frame.ops);
      applied.lost_at_end = 0;
    }
    applied.lost_at_end += file.lost_tail_bytes / kSmallestOperationBytes;
  }
  if (applied.lost_at_end > 0)
    applied.holes.push_back(fmt::format("operations behind number {}: the end of the log is damaged", state.applied_seq().value));
  return applied;
}

}  // namespace ndb::writer
