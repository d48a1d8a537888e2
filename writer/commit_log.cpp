#include "writer/commit_log.hpp"

#include <algorithm>

#include "shared/base/crash_point.hpp"
#include "shared/base/crc32c.hpp"
#include "shared/base/log.hpp"
#include "writer/fencing.hpp"

namespace ndb::writer {
namespace {

constexpr std::uint64_t kMaxGroupBytes = 8ULL << 20;
constexpr std::size_t kCopiedBodyBytes = 64U << 10;  // larger bodies are written from where they are

Status check_size(const format::WalBodyBuilder& body) {
  if (body.bytes().size() <= format::kMaxWalBodyBytes) return {};
  return fail(ErrorCode::invalid_argument, "the batch is larger than 1 GiB in the log; split it", "documents");
}

}  // namespace

CommitLog::CommitLog(fs::FileSystem& fs, fs::Path collection, const WriterOptions& options, TakenOver taken,
                     OnCommit on_commit, OnWork on_work)
    : fs_(fs), collection_(std::move(collection)), options_(options), epoch_(taken.epoch),
      config_(taken.manifest->config), state_(std::move(taken.state)), on_commit_(std::move(on_commit)),
      on_work_(std::move(on_work)), active_(std::move(taken.active)), next_(std::move(taken.next)),
      marked_bytes_(active_->bytes()) {}

Result<WriteResult> CommitLog::write(const format::WalBodyBuilder& body) {
  NDB_TRY(check_size(body));
  // A body that could not be read back must never reach the log.
  NDB_TRY(format::parse_wal_body({{.op_count = body.op_count()}, body.bytes()}, config_.dim));
  Ticket ticket;
  ticket.set_body(body);
  return commit_ticket(ticket);
}

Result<WriteResult> CommitLog::write_made(const MakeBody& make) {
  Ticket ticket;
  ticket.make = &make;
  return commit_ticket(ticket);
}

Result<WriteResult> CommitLog::commit_ticket(Ticket& ticket) {
  std::unique_lock queue_lock(queue_mutex_);
  queue_.push_back(&ticket);
  if (led_) {
    ticket.woken.wait(queue_lock, [&] { return ticket.done || ticket.leads; });
    if (ticket.done) return std::move(ticket.result);
  }
  led_ = true;
  const Group group = take_group();  // begins with this ticket
  queue_lock.unlock();
  commit(group);
  queue_lock.lock();
  for (Ticket* other : group) {
    if (other == &ticket) continue;
    other->done = true;
    other->woken.notify_one();
  }
  led_ = !queue_.empty();
  if (led_) {
    queue_.front()->leads = true;
    queue_.front()->woken.notify_one();
  }
  return std::move(ticket.result);
}

CommitLog::Group CommitLog::take_group() {
  Group group;
  std::uint64_t bytes = 0;
  while (!queue_.empty()) {
    const bool made = queue_.front()->make != nullptr;  // looks at the state before it: goes alone
    if (!made) bytes += queue_.front()->body->bytes().size();
    if (!group.empty() && (made || bytes > kMaxGroupBytes || group.front()->make != nullptr)) break;
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

void CommitLog::commit(const Group& group) {
  std::unique_lock commit_lock(commit_mutex_);
  if (const auto status = commit_locked(group, commit_lock); !status)
    for (Ticket* ticket : group) ticket->result = std::unexpected(status.error());
}

Status CommitLog::healthy() const {
  if (const auto why = failure()) return std::unexpected(*why);
  return {};
}

std::unexpected<Error> CommitLog::give_up(Error error) {
  base::log_error("the collection turns read-only", error);
  if (error.code != ErrorCode::fenced && error.code != ErrorCode::no_space && error.code != ErrorCode::unavailable)
    error = {ErrorCode::read_only, "the collection is read-only after a failed write: " + error.message, {}};
  set_failure(error);
  return std::unexpected(std::move(error));  // not failure(): while closing that says only that it is closed
}

// With commit_mutex_ held, so that nobody who waits on progressed_ misses it.
void CommitLog::set_failure(Error error) {
  {
    const std::scoped_lock lock(failure_mutex_);
    if (!failure_) failure_ = std::move(error);
  }
  progressed_.notify_all();
  on_work_();  // whoever waits for a flush must hear of it, too
}

void CommitLog::set_flush_error(std::optional<Error> error) {
  const std::scoped_lock lock(failure_mutex_);
  flush_error_ = std::move(error);
}

Status CommitLog::commit_locked(const Group& group, std::unique_lock<std::mutex>& commit_lock) {
  NDB_TRY(healthy());
  NDB_TRY(make_room(commit_lock));
  // An id that cannot be looked up would come back twice once its block is read again: refuse rather than guess.
  NDB_TRY(state_->snapshot()->damage());
  if (group.front()->make != nullptr) {
    NDB_TRY_ASSIGN(group.front()->made, (*group.front()->make)());
    group.front()->set_body(group.front()->made);
    if (group.front()->made.op_count() == 0) {
      group.front()->result = WriteResult{.seq = state_->applied_seq(), .durability = config_.durability};
      return {};
    }
    NDB_TRY(check_size(group.front()->made));
  }
  const Seq first_seq = state_->applied_seq().next();
  auto logged = append_frames(group, first_seq);
  base::crash_point("log-written");
  if (logged && config_.durability == Durability::sync) {
    logged = active_->sync();
    sync_failed_ = !logged;
    if (logged) active_->note_synced(active_->bytes());
  }
  base::crash_point("log-durable");
  if (logged) logged = check_epoch(fs_, collection_, epoch_);
  if (!logged) return give_up(logged.error());
  base::crash_point("before-acknowledging");

  Seq seq = first_seq;
  for (Ticket* ticket : group) {
    const format::WalFrame frame{{.epoch = epoch_, .first_seq = seq, .op_count = ticket->body->op_count()},
                                 ticket->body->bytes()};
    auto ops = format::parse_wal_body(frame, config_.dim);
    if (!ops) return give_up(ops.error());
    const auto applied = state_->apply(seq, *ops);
    seq = Seq{seq.value + ops->size()};
    ticket->result = WriteResult{.seq = Seq{seq.value - 1}, .inserted = applied.inserted, .replaced = applied.replaced,
                                 .deleted = applied.deleted, .durability = config_.durability};
  }
  on_commit_(Seq{seq.value - 1}, active_->name(), active_->bytes());
  return {};
}

Status CommitLog::append_frames(const Group& group, Seq first_seq) {
  buffer_.clear();
  for (const Ticket* ticket : group) {
    const auto body = ticket->body->bytes();
    format::append_wal_frame_header(buffer_, {.epoch = epoch_, .first_seq = first_seq,
                                              .synced_bytes = active_->synced_bytes(),
                                              .op_count = ticket->body->op_count(),
                                              .body_bytes = static_cast<std::uint32_t>(body.size()),
                                              .body_checksum = ticket->checksum});
    first_seq = Seq{first_seq.value + ticket->body->op_count()};
    if (body.size() <= kCopiedBodyBytes) {
      base::append_bytes(buffer_, body);
      continue;
    }
    NDB_TRY(active_->append(buffer_));
    base::crash_point("log-half-written");
    NDB_TRY(active_->append(body));
    buffer_.clear();
  }
  marked_bytes_ = active_->synced_bytes();
  return buffer_.empty() ? Status{} : active_->append(buffer_);
}

// Makes sure that the newest memtable takes another group; waits for the flusher if too much is frozen.
Status CommitLog::make_room(std::unique_lock<std::mutex>& commit_lock) {
  const auto full = [&] {
    const auto& newest = *state_->snapshot()->memtables.back();
    return newest.used_bytes() >= options_.memtable_bytes || newest.row_count() >= memtable::Memtable::kMaxRows / 2;
  };
  if (!full()) return {};
  const auto room = [&] {
    return failure() || flush_error() || state_->snapshot()->memtables.size() <= options_.max_frozen_memtables;
  };
  const bool in_time = progressed_.wait_for(commit_lock, options_.backpressure_timeout, room);
  NDB_TRY(healthy());
  if (state_->snapshot()->memtables.size() > options_.max_frozen_memtables) {
    if (const auto why = flush_error()) return std::unexpected(*why);
    if (!in_time) return fail(ErrorCode::overloaded, "flushing is behind: too many documents are waiting in memory");
  }
  return full() ? rotate(commit_lock) : Status{};  // another may have rotated while this waited
}

Status CommitLog::rotate(std::unique_lock<std::mutex>& commit_lock) {
  if (next_ == nullptr) {
    const auto full = state_->snapshot()->memtables.back();
    const auto rotated = [&] { return state_->snapshot()->memtables.back() != full; };  // by somebody else meanwhile
    on_work_();
    if (!progressed_.wait_for(commit_lock, options_.backpressure_timeout, [&] { return failure() || next_ != nullptr || rotated(); }))
      return fail(ErrorCode::overloaded, "the next WAL file is not ready");
    if (rotated()) return {};
  }
  NDB_TRY(healthy());
  unsynced_.push_back(std::move(active_));
  active_ = std::move(next_);
  next_ = nullptr;
  marked_bytes_ = active_->bytes();
  state_->start_memtable(active_->name());
  base::crash_point("log-rotated");
  progressed_.notify_all();
  on_work_();
  return {};
}

Result<Seq> CommitLog::freeze() {
  std::unique_lock commit_lock(commit_mutex_);
  NDB_TRY(healthy());
  const Seq through = state_->applied_seq();  // what others write while rotate() waits stays where it is
  while (state_->snapshot()->memtables.back()->after() < through) NDB_TRY(rotate(commit_lock));
  return through;
}

Status CommitLog::append_sync_mark() {
  if (active_->synced_bytes() <= marked_bytes_) return {};
  buffer_.clear();
  format::append_wal_frame_header(buffer_, {.epoch = epoch_, .first_seq = state_->applied_seq().next(),
                                            .synced_bytes = active_->synced_bytes(), .op_count = 0, .body_bytes = 0,
                                            .body_checksum = base::crc32c({})});
  marked_bytes_ = active_->synced_bytes();
  return active_->append(buffer_);
}

Status CommitLog::sync() {
  const std::scoped_lock one_at_a_time(sync_mutex_);
  std::vector<std::shared_ptr<WalFile>> rotated;
  std::shared_ptr<WalFile> active;
  std::uint64_t active_bytes = 0;
  {
    const std::scoped_lock commit_lock(commit_mutex_);
    if (sync_failed_) return std::unexpected(*failure());  // a second fdatasync may lie about what the first one lost
    rotated = unsynced_;
    active_bytes = active_->bytes();
    // A file whose only unsynced bytes are a sync mark needs no sync.
    if (active_bytes > active_->synced_bytes() + format::kWalFrameHeaderBytes || active_->synced_bytes() > marked_bytes_)
      active = active_;
  }
  auto files = rotated;
  if (active != nullptr) files.push_back(active);
  for (const auto& file : files)
    if (const auto status = file->sync(); !status) {
      const std::scoped_lock commit_lock(commit_mutex_);
      sync_failed_ = true;
      return give_up(status.error());
    }
  base::crash_point("before-sync-mark");
  const std::scoped_lock commit_lock(commit_mutex_);
  // What was rotated away meanwhile may have grown after it was synced: it stays for the next round.
  std::erase_if(unsynced_, [&](const auto& file) { return std::ranges::find(rotated, file) != rotated.end(); });
  if (active == nullptr) return {};
  active->note_synced(active_bytes);
  const auto why = failure();  // after close() nothing more is written, so the mark may follow
  if (active == active_ && active->bytes() == active_bytes && (!why || why->code == ErrorCode::unavailable))
    if (const auto status = append_sync_mark(); !status) return give_up(status.error());
  return {};
}

Status CommitLog::close() {
  // In this order: nothing is acknowledged between the last sync and the end.
  fail_with({ErrorCode::unavailable, "the collection was closed", {}});
  return sync();
}

std::optional<Error> CommitLog::failure() const {
  const std::scoped_lock lock(failure_mutex_);
  return failure_;
}

void CommitLog::fail_with(Error error) {
  const std::scoped_lock commit_lock(commit_mutex_);
  set_failure(std::move(error));
}

void CommitLog::install(live::Prepared prepared, std::shared_ptr<WalFile> next) {
  const std::scoped_lock commit_lock(commit_mutex_);
  state_->install(std::move(prepared));
  if (next != nullptr) next_ = std::move(next);
  std::erase_if(unsynced_, [&](const auto& file) {  // flushed to segments, so their logs do not matter any more
    return std::ranges::none_of(state_->snapshot()->memtables, [&](const auto& m) { return m->wal() == file->name(); });
  });
  progressed_.notify_all();
}

bool CommitLog::needs_next() const {
  const std::scoped_lock commit_lock(commit_mutex_);
  return next_ == nullptr;
}

std::uint64_t CommitLog::wal_bytes() const {
  const std::scoped_lock commit_lock(commit_mutex_);
  std::uint64_t bytes = active_->bytes();
  for (const auto& file : unsynced_) bytes += file->bytes();
  return bytes;
}

}  // namespace ndb::writer
