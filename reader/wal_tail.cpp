#include "reader/wal_tail.hpp"

#include <limits>

namespace ndb::reader {
namespace {

constexpr std::size_t kReadBytes = 1U << 20;

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

std::uint64_t WalTail::bytes_read(format::WalName name) const {
  if (file_ != nullptr && name == name_) return offset_;
  const auto left = left_.find(name);
  return left == left_.end() ? 0 : left->second;
}

Result<bool> WalTail::advance(live::LiveState& state, bool reopen) {
  const auto snapshot = state.snapshot();
  std::erase_if(left_, [&](const auto& entry) {
    return std::ranges::none_of(snapshot->memtables, [&](const auto& m) { return m->wal() == entry.first; });
  });
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
      if (frame->header.epoch != name_.epoch) {
        stuck_ = true;
        return any;
      }
      NDB_TRY(apply(state, *frame, gap));
      if (gap) break;
      offset_ = reader.offset();
      any = true;
    }
    stuck_ = !gap && reader.stopped() == format::WalFrameReader::Stop::damaged;
    const bool sealed = end != std::numeric_limits<std::uint64_t>::max();
    if (sealed && stuck_)
      return fail(ErrorCode::corruption, format::wal_path(collection_, name_).string() + ": damaged at offset " +
                                             std::to_string(offset_) + ", before its seal");
    if (sealed && got < buffer_.size() && offset_ < end)
      return fail(ErrorCode::unavailable, format::wal_path(collection_, name_).string() + ": ends before its seal at offset " +
                                              std::to_string(end) + ": truncated, or this host sees an old length; try again");
    const bool cut_by_seal = sealed && buffer_.size() < want && reader.stopped() == format::WalFrameReader::Stop::incomplete;
    if (cut_by_seal)
      return fail(ErrorCode::corruption, format::wal_path(collection_, name_).string() + ": its seal is inside a frame");
    if (gap || got < buffer_.size() || got == 0 || stuck_) return any;
    // More bytes than one read: go on behind the last whole frame, with a larger buffer for a larger frame.
    want = std::max<std::size_t>(kReadBytes, reader.wanted_bytes());
  }
}

// Whether the file begins with the operation that continues the state; `header_only` if nothing was written to it.
Result<WalTail::Start> WalTail::look_at(const live::LiveState& state, fs::File& file, format::WalName name) const {
  std::vector<std::byte> bytes(format::kWalFileHeaderBytes + format::kWalFrameHeaderBytes);
  NDB_TRY_ASSIGN(const auto got, file.read_at(0, bytes));
  if (got < format::kWalFileHeaderBytes) return Start::header_only;
  NDB_TRY(format::check_wal_file_header(base::ByteSpan(bytes).first(got), name, state.snapshot()->manifest->collection_uid,
                                        format::wal_path(collection_, name)));
  if (got < bytes.size()) return Start::header_only;
  const auto first_seq = format::peek_first_seq(base::ByteSpan(bytes).subspan(format::kWalFileHeaderBytes));
  return first_seq && *first_seq == state.applied_seq().next() ? Start::continues : Start::something_else;
}

// On to the file of the manifest that holds the operation that continues this one. Files between may have stayed empty. Behind
// a sealed file that was read to its end the first file that is still open is the one to wait at.
Result<bool> WalTail::move_on(live::LiveState& state) {
  const auto snapshot = state.snapshot();
  const auto& wals = snapshot->manifest->wals;
  auto here = find_wal(*snapshot->manifest, name_);
  if (here == wals.end()) return false;
  const bool finished = here->seal && offset_ >= here->seal->bytes;
  for (auto next = std::next(here); next != wals.end(); ++next) {
    NDB_TRY_ASSIGN(auto file, fs_.open_read(format::wal_path(collection_, next->name)));
    NDB_TRY_ASSIGN(const auto start, look_at(state, *file, next->name));
    if (start == Start::something_else) return false;
    if (start == Start::header_only && !finished) continue;
    state.start_memtable(next->name);
    left_[name_] = offset_;
    file_ = std::move(file);
    name_ = next->name;
    offset_ = format::kWalFileHeaderBytes;
    return true;
  }
  return false;
}

}  // namespace ndb::reader
