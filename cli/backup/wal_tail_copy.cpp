#include "cli/backup/wal_tail_copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "shared/base/crc32c.hpp"
#include "shared/format/wal.hpp"

namespace ndb::cli {
namespace {

constexpr std::uint64_t kMaxWalBytes = 8ULL << 30;

Result<WalCopy> read_file(fs::FileSystem& fs, const fs::Path& collection, const format::Manifest& manifest, const format::ManifestWal& entry) {
  const auto path = format::wal_path(collection, entry.name);
  WalCopy copy{.entry = entry, .bytes = {}};
  NDB_TRY_ASSIGN(copy.bytes, fs::read_file(fs, path, kMaxWalBytes));
  if (entry.seal) {
    if (copy.bytes.size() < entry.seal->bytes) return fail(ErrorCode::corruption, path.string() + ": is shorter than its seal");
    copy.bytes.resize(entry.seal->bytes);
    if (base::crc32c(copy.bytes) != entry.seal->checksum) return fail(ErrorCode::corruption, path.string() + ": does not match its seal");
  }
  NDB_TRY(format::check_wal_file_header(copy.bytes, entry.name, manifest.collection_uid, path));
  return copy;
}

/// Cuts off what is no whole batch: it is being written right now, or the torn end of a crash. `expected` moves on.
Status trim(const fs::Path& collection, WalCopy& copy, Seq& expected) {
  format::WalFrameReader reader(base::ByteSpan(copy.bytes).subspan(format::kWalFileHeaderBytes), format::kWalFileHeaderBytes);
  std::uint64_t valid = format::kWalFileHeaderBytes, synced = 0;
  while (const auto frame = reader.next()) {
    const auto& header = frame->header;
    if (header.epoch != copy.entry.name.epoch) break;
    if (header.op_count > 0 && header.first_seq > expected) return fail(ErrorCode::unavailable, "the log was seen with a gap");
    if (header.op_count > 0 && header.first_seq < expected) break;
    synced = std::max(synced, header.synced_bytes);
    valid = reader.offset();
    expected = Seq{expected.value + header.op_count};
  }
  const auto behind = base::ByteSpan(copy.bytes).subspan(valid);
  if (valid < std::max(synced, format::largest_sync_mark(behind, copy.entry.name.epoch)) || (copy.entry.seal && !behind.empty()))
    return fail(ErrorCode::corruption, fmt::format("{}: is damaged at offset {}", format::wal_path(collection, copy.entry.name).string(), valid));
  copy.bytes.resize(valid);
  return {};
}

}  // namespace

// The newest file is read first: when an older one is read after it, whatever came before the newest one's batches is there.
Result<LogCopy> copy_log(fs::FileSystem& fs, const fs::Path& collection, const format::Manifest& manifest) {
  LogCopy log;
  for (const auto& entry : std::views::reverse(manifest.wals)) {
    NDB_TRY_ASSIGN(auto copy, read_file(fs, collection, manifest, entry));
    log.files.push_back(std::move(copy));
  }
  std::ranges::reverse(log.files);
  Seq expected = manifest.flushed_seq.next();
  for (auto& copy : log.files) NDB_TRY(trim(collection, copy, expected));
  log.seq = Seq{expected.value - 1};
  return log;
}

}  // namespace ndb::cli
