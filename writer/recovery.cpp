#include "writer/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "shared/base/crash_point.hpp"
#include "shared/base/crc32c.hpp"
#include "shared/base/log.hpp"
#include "writer/fencing.hpp"
#include "writer/publish.hpp"

namespace ndb::writer {
namespace {

using format::Manifest;
using format::ManifestWal;
using format::WalFrameReader;

constexpr std::uint64_t kMaxWalFileBytes = 1ULL << 36;

// After so long every host sees what another one did: a hundred times what NFS takes. Costs a take-over between hosts that much.
constexpr std::chrono::milliseconds kSettle{1'000};

// One old WAL file in memory: how much of it counts.
struct OldWal {
  ManifestWal entry;
  std::vector<std::byte> bytes{};
  std::uint64_t valid_bytes = 0;
  std::uint64_t synced_bytes = 0;  // by its marks
  std::uint64_t frames_with_operations = 0;
  bool gap = false;  // a frame behind valid_bytes that comes later than the next one expected
};

class Scan {
 public:
  Scan(fs::FileSystem& fs, const fs::Path& collection, const Manifest& manifest, const base::Clock& clock)
      : fs_(fs), collection_(collection), manifest_(manifest), clock_(clock), expected_(manifest.flushed_seq.next()) {}

  Result<std::vector<OldWal>> all() {
    std::vector<OldWal> files;
    for (const auto& entry : manifest_.wals) {
      NDB_TRY_ASSIGN(auto file, read(entry));
      NDB_TRY(scan(file));
      if (file.gap) NDB_TRY(operations_are_missing(files.empty() ? file : files.back()));
      files.push_back(std::move(file));
    }
    return files;
  }

 private:
  Result<OldWal> read(const ManifestWal& entry) {
    OldWal file{.entry = entry};
    const auto path = format::wal_path(collection_, entry.name);
    NDB_TRY_ASSIGN(file.bytes, fs::read_file(fs_, path, kMaxWalFileBytes));
    if (entry.seal && file.bytes.size() < entry.seal->bytes) {  // sealed elsewhere just now, and this host sees its old length?
      clock_.sleep(kSettle);
      NDB_TRY_ASSIGN(file.bytes, fs::read_file(fs_, path, kMaxWalFileBytes));
    }
    if (entry.seal) {
      if (file.bytes.size() < entry.seal->bytes) return corrupt(file, file.bytes.size(), "is shorter than its seal");
      file.bytes.resize(entry.seal->bytes);
      if (base::crc32c(file.bytes) != entry.seal->checksum) return corrupt(file, 0, "does not match its seal");
    }
    NDB_TRY(format::check_wal_file_header(file.bytes, entry.name, manifest_.collection_uid, path));
    return file;
  }

  Status scan(OldWal& file) {
    WalFrameReader reader(base::ByteSpan(file.bytes).subspan(format::kWalFileHeaderBytes), format::kWalFileHeaderBytes);
    file.valid_bytes = format::kWalFileHeaderBytes;
    std::uint64_t synced_bytes = 0;
    bool in_order = true;
    while (const auto frame = reader.next()) {
      const auto& header = frame->header;
      in_order = header.epoch == file.entry.name.epoch && (header.op_count == 0 || header.first_seq == expected_);
      if (!in_order) {
        file.gap = header.epoch == file.entry.name.epoch && header.first_seq > expected_;
        break;
      }
      synced_bytes = std::max(synced_bytes, header.synced_bytes);
      file.valid_bytes = reader.offset();
      if (header.op_count == 0) continue;
      ++file.frames_with_operations;
      expected_ = Seq{header.first_seq.value + header.op_count};
    }
    file.synced_bytes = std::clamp(synced_bytes, std::uint64_t{format::kWalFileHeaderBytes}, file.valid_bytes);
    if (in_order && reader.stopped() == WalFrameReader::Stop::end) return {};
    const auto behind = base::ByteSpan(file.bytes).subspan(file.valid_bytes);
    synced_bytes = std::max(synced_bytes, format::largest_sync_mark(behind, file.entry.name.epoch));
    if (file.valid_bytes < synced_bytes)
      return corrupt(file, file.valid_bytes, "is damaged before its last synced byte; `ndb verify --repair` salvages what it can");
    base::log_warn(fmt::format("{}: dropped a torn tail of {} bytes at offset {}, never acknowledged as durable",
                               format::wal_path(collection_, file.entry.name).string(), behind.size(), file.valid_bytes));
    return {};
  }

  // Under `sync` a file is durable before the next one is used, so a gap between them cannot come from a power loss.
  Status operations_are_missing(const OldWal& before) {
    if (manifest_.config.durability != Durability::sync) return {};
    return corrupt(before, before.valid_bytes, "is damaged: later operations are there, those in between are missing");
  }

  [[nodiscard]] std::unexpected<Error> corrupt(const OldWal& file, std::uint64_t offset, const char* what) const {
    return fail(ErrorCode::corruption, fmt::format("{}: {} (offset {})",
                                                   format::wal_path(collection_, file.entry.name).string(), what, offset));
  }

  fs::FileSystem& fs_;
  const fs::Path& collection_;
  const Manifest& manifest_;
  const base::Clock& clock_;
  Seq expected_;
};

Status replay(live::LiveState& state, const std::vector<OldWal>& files, std::uint32_t dim) {
  for (const auto& file : files) {
    if (file.frames_with_operations == 0) continue;
    if (state.snapshot()->memtables.back()->wal() != file.entry.name) state.start_memtable(file.entry.name);
    WalFrameReader reader(base::ByteSpan(file.bytes).first(file.valid_bytes).subspan(format::kWalFileHeaderBytes), 0);
    while (const auto frame = reader.next()) {
      NDB_TRY_ASSIGN(const auto ops, format::parse_wal_body(*frame, dim));
      if (!ops.empty()) state.apply(frame->header.first_seq, ops);
    }
  }
  return {};
}

Manifest successor(const Manifest& old, Epoch epoch, const std::vector<OldWal>& files, const base::Clock& clock) {
  Manifest manifest = old;
  manifest.version = old.version.next();
  manifest.epoch = epoch;
  manifest.created_unix_ms = base::unix_ms(clock);
  manifest.wals.clear();
  for (const auto& file : files) {
    if (file.frames_with_operations == 0) continue;
    const auto counted = base::ByteSpan(file.bytes).first(file.valid_bytes);
    manifest.wals.push_back({file.entry.name, format::WalSeal{file.valid_bytes, base::crc32c(counted)}});
  }
  manifest.wals.push_back({.name = {epoch, 0}});
  manifest.wals.push_back({.name = {epoch, 1}});
  return manifest;
}

// What may be only in the page cache must be durable before it is sealed and built upon. A sync alone is not enough: if the process
// before this one met a failing sync, the kernel may keep what it could not write as clean, and never write it. So the bytes that no
// mark vouches for are written again, as they are, and then synced. What a seal names was durable when it was sealed.
Status make_durable(fs::FileSystem& fs, const fs::Path& collection, const std::vector<OldWal>& files) {
  for (const auto& file : files) {
    if (file.frames_with_operations == 0 || file.entry.seal) continue;
    NDB_TRY_ASSIGN(const auto opened, fs.open_read(format::wal_path(collection, file.entry.name)));
    const auto counted = base::ByteSpan(file.bytes).first(file.valid_bytes);
    if (file.synced_bytes < counted.size()) NDB_TRY(opened->write_at(file.synced_bytes, counted.subspan(file.synced_bytes)));
    NDB_TRY(opened->sync());
  }
  return {};
}

// A writer on another host may see the old EPOCH for a moment longer, and acknowledge once more. What it logged before that must
// be seen by the scan, so the scan waits until EPOCH is seen everywhere. Epochs between that writer's and ours never wrote.
class Settle {
 public:
  Settle(fs::FileSystem& fs, const fs::Path& collection, const std::string& holder, const base::Clock& clock)
      : fs_(fs), collection_(collection), holder_(holder), clock_(clock), claimed_at_(clock.now()) {}

  Status after(Epoch old) const {
    if (old == Epoch{0}) return {};  // nobody ever wrote
    NDB_TRY_ASSIGN(const auto before, holder_of(fs_, collection_, old));
    if (same_kernel(before, holder_)) return {};
    const auto gone = std::chrono::floor<std::chrono::milliseconds>(clock_.now() - claimed_at_);
    if (gone < kSettle) clock_.sleep(kSettle - gone);
    return {};
  }

 private:
  fs::FileSystem& fs_;
  const fs::Path& collection_;
  const std::string& holder_;
  const base::Clock& clock_;
  const std::chrono::steady_clock::time_point claimed_at_;  // EPOCH is published
};

// The manifest that seals what the old log holds, with its state and the files that come next, ready to be published. What cannot be
// opened must not become the newest version. not_found: a file that `old` names is missing.
Status prepare(fs::FileSystem& fs, const fs::Path& collection, const Manifest& old, const base::Clock& clock, TakenOver& taken) {
  NDB_TRY_ASSIGN(const auto files, Scan(fs, collection, old, clock).all());
  NDB_TRY(make_durable(fs, collection, files));
  if (taken.active == nullptr) {
    NDB_TRY_ASSIGN(taken.active, WalFile::create(fs, collection, {taken.epoch, 0}, old.collection_uid));
    NDB_TRY_ASSIGN(taken.next, WalFile::create(fs, collection, {taken.epoch, 1}, old.collection_uid));
  }
  taken.manifest = std::make_shared<const Manifest>(successor(old, taken.epoch, files, clock));
  base::crash_point("old-log-read");
  NDB_TRY_ASSIGN(taken.state, live::LiveState::open(fs, collection, taken.manifest));
  NDB_TRY(replay(*taken.state, files, taken.manifest->config.dim));
  if (taken.state->snapshot()->memtables.back()->wal() != taken.active->name())
    taken.state->start_memtable(taken.active->name());
  return {};
}

}  // namespace

Result<TakenOver> take_over(fs::FileSystem& fs, const fs::Path& collection, const std::string& holder,
                            const base::Clock& clock) {
  TakenOver taken;
  // The collection's own name: whoever created it may have died, or failed, before it was durable.
  NDB_TRY(fs.sync_directory(collection.parent_path()));
  NDB_TRY_ASSIGN(taken.epoch, claim_epoch(fs, collection, holder));
  const Settle settle(fs, collection, holder, clock);
  NDB_TRY_ASSIGN(auto old, newest_manifest(fs, collection));
  for (;;) {
    if (old.epoch >= taken.epoch)
      return fail(ErrorCode::fenced, fmt::format("epoch {} published already: another writer took over", old.epoch.value));
    NDB_TRY(settle.after(old.epoch));
    const auto prepared = prepare(fs, collection, old, clock, taken);
    if (!prepared && prepared.error().code != ErrorCode::not_found) return std::unexpected(prepared.error());
    if (prepared) {
      const auto published = publish_manifest(fs, collection, *taken.manifest);
      if (published) {
        base::crash_point("taken-over");
        return taken;
      }
      if (published.error().code != ErrorCode::already_exists) return std::unexpected(published.error());
    }
    // The old writer was quicker, or a later one was while this stalled, and files were collected: look again.
    const auto version = old.version;
    NDB_TRY_ASSIGN(old, newest_manifest(fs, collection));
    if (!prepared && old.version == version)
      return fail(ErrorCode::corruption, "a file that the newest manifest names is missing: " + prepared.error().message);
  }
}

}  // namespace ndb::writer
