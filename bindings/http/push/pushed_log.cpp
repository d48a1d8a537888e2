#include "bindings/http/push/pushed_log.hpp"

#include <algorithm>

namespace ndb::http {
namespace {

constexpr std::uint64_t kKeptBefore = 1U << 20;  // of what was read already: moving the rest to the front costs as much

}  // namespace

void PushedLog::add(format::WalName file, std::uint64_t offset, base::ByteSpan bytes) {
  const std::scoped_lock lock(mutex_);
  Piece& piece = pieces_[file];
  const std::uint64_t end = piece.begin + piece.bytes.size();
  if (piece.bytes.empty() || offset > end || offset < piece.begin) {
    size_ -= piece.bytes.size();
    piece = {.begin = offset, .bytes = {}};
  } else {
    const auto known = std::min<std::uint64_t>(end - offset, bytes.size());
    bytes = bytes.subspan(known);
  }
  piece.bytes.insert(piece.bytes.end(), bytes.begin(), bytes.end());
  size_ += bytes.size();
  make_room(file);
}

// With the mutex held. Older files first, then this one: whoever reads so far behind reads from elsewhere.
void PushedLog::make_room(format::WalName newest) {
  while (size_ > kMostBytes) {
    const auto oldest = pieces_.begin();
    size_ -= oldest->second.bytes.size();
    if (oldest->first == newest) {
      oldest->second = {.begin = oldest->second.begin + oldest->second.bytes.size(), .bytes = {}};
      return;
    }
    pieces_.erase(oldest);
  }
}

std::size_t PushedLog::read(format::WalName file, std::uint64_t offset, std::span<std::byte> into) {
  const std::scoped_lock lock(mutex_);
  const auto found = pieces_.find(file);
  if (found == pieces_.end()) return 0;
  for (auto before = pieces_.begin(); before != found; before = pieces_.erase(before)) size_ -= before->second.bytes.size();
  Piece& piece = found->second;
  if (offset < piece.begin || offset - piece.begin >= piece.bytes.size()) return 0;
  const std::uint64_t at = offset - piece.begin;
  const auto count = std::min<std::size_t>(into.size(), piece.bytes.size() - at);
  std::copy_n(piece.bytes.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
  if (at > kKeptBefore) {
    piece.bytes.erase(piece.bytes.begin(), piece.bytes.begin() + static_cast<std::ptrdiff_t>(at));
    piece.begin = offset;
    size_ -= at;
  }
  return count;
}

bool PushedLog::is_current(format::WalName file) const {
  const std::scoped_lock lock(mutex_);
  return current_ == file;
}

void PushedLog::set_current(std::optional<format::WalName> file) {
  const std::scoped_lock lock(mutex_);
  current_ = file;
}

}  // namespace ndb::http
