#include "reader/wal_tail.hpp"

#include <algorithm>
#include <limits>

namespace ndb::reader {
namespace {

constexpr std::size_t kReadBytes = 1U << 20;

auto find_wal(const format::Manifest& manifest, format::WalName name) {
  return std::ranges::find(manifest.wals, name, &format::ManifestWal::name);
}

}  // namespace

Result<std::unique_ptr<fs::File>> WalTail::open(const format::Manifest& manifest, format::WalName name) {
  const fs::Path path = format::wal_path(collection_, name);
  NDB_TRY_ASSIGN(auto file, fs_.open_read(path));
  std::vector<std::byte> header(format::kWalFileHeaderBytes);
  NDB_TRY_ASSIGN(const auto got, file->read_at(0, header));
  header.resize(got);
  NDB_TRY(format::check_wal_file_header(header, name, manifest.collection_uid, path));
  return file;
}

std::uint64_t WalTail::end_of(const format::Manifest& manifest) const {
  const auto wal = find_wal(manifest, name_);
  return wal != manifest.wals.end() && wal->seal ? wal->seal->bytes : std::numeric_limits<std::uint64_t>::max();
}

Result<bool> WalTail::advance(live::LiveState& state, bool reopen) {
  const auto snapshot = state.snapshot();
  const auto newest = snapshot->memtables.back()->wal();
  if (file_ == nullptr || name_ != newest) {
    NDB_TRY_ASSIGN(file_, open(*snapshot->manifest, newest));
    name_ = newest;
    offset_ = format::kWalFileHeaderBytes;
  } else if (reopen) {
    NDB_TRY_ASSIGN(file_, open(*snapshot->manifest, name_));
  }
  bool any = false;
  for (;;) {
    NDB_TRY_ASSIGN(const bool applied, drain(state));
    NDB_TRY_ASSIGN(const bool moved, move_on(state));
    any = any || applied || moved;
    if (!moved) return any;
  }
}

Status WalTail::apply(live::LiveState& state, const format::WalFrame& frame, bool& gap) {
  const auto snapshot = state.snapshot();
  if (frame.header.op_count == 0) return {};
  const Seq expected = state.applied_seq().next();
  if (frame.header.first_seq < expected) return {};  // known already: the state began in the middle of this file
  gap = frame.header.first_seq > expected;
  if (gap) return {};
  NDB_TRY_ASSIGN(const auto ops, format::parse_wal_body(frame, snapshot->manifest->config.dim));
  state.apply(frame.header.first_seq, ops);
  return {};
}

Result<bool> WalTail::drain(live::LiveState& state) {
  const std::uint64_t end = end_of(*state.snapshot()->manifest);
  bool any = false;
  std::size_t want = kReadBytes;
  for (;;) {
    const std::uint64_t left = end > offset_ ? end - offset_ : 0;
    buffer_.resize(std::min<std::uint64_t>(want, left));
    NDB_TRY_ASSIGN(const auto got, file_->read_at(offset_, buffer_));
    format::WalFrameReader reader(base::ByteSpan(buffer_).first(got), offset_);
    bool gap = false;
    while (const auto frame = reader.next()) {
      if (frame->header.epoch != name_.epoch) break;
      NDB_TRY(apply(state, *frame, gap));
      if (gap) break;
      offset_ = reader.offset();
      any = true;
    }
    stuck_ = !gap && reader.stopped() == format::WalFrameReader::Stop::damaged;
    const bool sealed = end != std::numeric_limits<std::uint64_t>::max();
    if (sealed && (stuck_ || (got < buffer_.size() && offset_ < end)))
      return fail(ErrorCode::corruption, format::wal_path(collection_, name_).string() + ": damaged at offset " +
                                             std::to_string(offset_) + ", before its seal");
    if (gap || got < buffer_.size() || got == 0 || stuck_) return any;
    // More bytes than one read: go on behind the last whole frame, with a larger buffer for a larger frame.
    want = std::max<std::size_t>(kReadBytes, reader.wanted_bytes());
  }
}

// On to the next file of the manifest once it holds the operation that continues this one.
Result<bool> WalTail::move_on(live::LiveState& state) {
  const auto snapshot = state.snapshot();
  const auto& wals = snapshot->manifest->wals;
  const auto here = find_wal(*snapshot->manifest, name_);
  if (here == wals.end() || std::next(here) == wals.end()) return false;
  const auto next = std::next(here);
  const fs::Path path = format::wal_path(collection_, next->name);
  NDB_TRY_ASSIGN(auto file, fs_.open_read(path));
  std::vector<std::byte> bytes(format::kWalFileHeaderBytes + format::kWalFrameHeaderBytes);
  NDB_TRY_ASSIGN(const auto got, file->read_at(0, bytes));
  if (got < bytes.size()) {
    // Nothing in it yet. A sealed file will get nothing more, though, so a file behind it can only continue after it.
    if (!here->seal || offset_ < here->seal->bytes) return false;
  }
  if (got < format::kWalFileHeaderBytes) return false;
  NDB_TRY(format::check_wal_file_header(base::ByteSpan(bytes).first(got), next->name, snapshot->manifest->collection_uid, path));
  if (got == bytes.size()) {
    const auto first_seq = format::peek_first_seq(base::ByteSpan(bytes).subspan(format::kWalFileHeaderBytes));
    if (!first_seq || *first_seq != state.applied_seq().next()) return false;
  }
  state.start_memtable(next->name);
  file_ = std::move(file);
  name_ = next->name;
  offset_ = format::kWalFileHeaderBytes;
  return true;
}

}  // namespace ndb::reader
