#include "writer/wal_feed.hpp"

#include <algorithm>

#include "shared/format/wal.hpp"

namespace ndb::writer {
namespace {

// Files that a follower may still have to go on to; who is farther behind asks for the newest manifest first.
constexpr std::size_t kMostFiles = 256;

Error closed_error() { return {ErrorCode::unavailable, "this process does not write to the collection any more", {}}; }

}  // namespace

void WalFeed::committed(format::WalName file, std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  if (files_.empty() || files_.back() != file) files_.push_back(file);
  if (files_.size() > kMostFiles) files_.pop_front();
  known_.file = file;
  known_.bytes = bytes;
  if (!waiting_.empty()) changed_.notify_one();
}

void WalFeed::published(ManifestVersion version) {
  const std::scoped_lock lock(mutex_);
  known_.manifest = std::max(known_.manifest, version);
  if (!waiting_.empty()) changed_.notify_one();
}

// With the mutex held.
bool WalFeed::has_more(const WalPlace& place) const {
  if (place.manifest < known_.manifest || place.file < known_.file) return true;
  return place.file == known_.file && place.offset < known_.bytes;
}

void WalFeed::when_more(const WalPlace& place, Clock::time_point deadline, Answer answer) {
  {
    std::unique_lock lock(mutex_);
    if (closed_) {
      lock.unlock();
      return answer(std::unexpected(closed_error()));
    }
    if (!has_more(place) && deadline > Clock::now()) {
      if (waiting_.size() >= kMostWaiting) {
        lock.unlock();
        return answer(fail(ErrorCode::overloaded, "too many readers wait for this collection"));
      }
      waiting_.push_back({place, deadline, std::move(answer)});
      if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
      changed_.notify_one();  // the deadline may be the earliest
      return;
    }
  }
  answer(read(place));
}

std::optional<format::WalName> WalFeed::file_after(format::WalName file) {
  const std::scoped_lock lock(mutex_);
  const auto next = std::ranges::upper_bound(files_, file);
  if (next == files_.end()) return std::nullopt;
  return *next;
}

// Of a file that is not the newest all bytes are committed; behind the seal of a replaced writer's they are not, but there the manifest that
// a follower has tells it where to stop. What is not committed to yet has its header at most.
Result<WalChunk> WalFeed::read(const WalPlace& place) {
  Known known;
  {
    const std::scoped_lock lock(mutex_);
    known = known_;
  }
  WalChunk chunk{.bytes = {}, .next = std::nullopt, .manifest = known.manifest};
  NDB_TRY_ASSIGN(const auto file, fs_.open_read(format::wal_path(collection_, place.file)));
  NDB_TRY_ASSIGN(std::uint64_t end, file->size());
  if (place.file == known.file) end = std::min(end, known.bytes);
  if (place.file > known.file) end = std::min<std::uint64_t>(end, format::kWalFileHeaderBytes);
  if (place.offset < end) {
    chunk.bytes.resize(std::min<std::uint64_t>(end - place.offset, kMostBytes));
    NDB_TRY_ASSIGN(const auto got, file->read_at(place.offset, chunk.bytes));
    chunk.bytes.resize(got);
  } else if (place.file < known.file) {
    chunk.next = file_after(place.file);
  }
  return chunk;
}

// With the mutex held.
std::vector<WalFeed::Waiting> WalFeed::take_ready() {
  std::vector<Waiting> ready;
  const auto now = Clock::now();
  for (auto& one : waiting_)
    if (closed_ || has_more(one.place) || one.deadline <= now) ready.push_back(std::move(one));
  std::erase_if(waiting_, [](const Waiting& one) { return !one.answer; });
  return ready;
}

void WalFeed::run() {
  std::unique_lock lock(mutex_);
  while (!closed_ || !waiting_.empty()) {
    auto ready = take_ready();
    if (ready.empty()) {
      const auto first = std::ranges::min_element(waiting_, {}, &Waiting::deadline);
      if (first == waiting_.end()) changed_.wait(lock);
      else changed_.wait_until(lock, Clock::time_point(first->deadline));
      continue;
    }
    const bool closed = closed_;
    lock.unlock();
    for (auto& one : ready) closed ? one.answer(std::unexpected(closed_error())) : one.answer(read(one.place));
    lock.lock();
  }
}

void WalFeed::close() {
  std::thread ending;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    ending = std::move(thread_);
    changed_.notify_one();
  }
  if (ending.joinable()) ending.join();
}

}  // namespace ndb::writer
