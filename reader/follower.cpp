#include "reader/follower.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "ipc/shm/collection_block.hpp"
#include "shared/base/log.hpp"

namespace ndb::reader {
namespace {

constexpr int kOpenAttempts = 50;
constexpr std::chrono::seconds kReconnectAfter{1};
constexpr std::chrono::seconds kMendAfter{1};
constexpr std::chrono::milliseconds kHurry{2};
constexpr std::size_t kLoadStep = 1U << 20;       // of a new graph, between two looks at the log: a fraction of a millisecond
constexpr std::chrono::seconds kLoadAtMost{2};    // the rest is loaded by searches, as they come to it
constexpr int kIdleWakes = 1'000;  // in a row, after which shared memory is not believed for a while: each costs a look at the log

// A file that a manifest names is gone, so a newer manifest is there.
bool overtaken(const Status& status) { return !status && status.error().code == ErrorCode::not_found; }

// Of a folder that the system knows; on a simulated volume there is none.
std::optional<std::uint64_t> device_of(const fs::Path& folder) noexcept {
  struct stat status {};
  if (::stat(folder.empty() ? "." : folder.c_str(), &status) != 0) return std::nullopt;
  return status.st_dev;
}

}  // namespace

Follower::Follower(fs::FileSystem& fs, fs::Path collection, const FollowerOptions& options, const base::Clock& clock)
    : fs_(fs), collection_(std::move(collection)), options_(options), clock_(clock),
      device_(device_of(collection_.parent_path())), confirmed_(clock.now()), tail_(std::in_place, fs, collection_) {}

Result<std::unique_ptr<Follower>> Follower::open(fs::FileSystem& fs, const fs::Path& collection,
                                                 const FollowerOptions& options, const base::Clock& clock) {
  std::unique_ptr<Follower> follower(new Follower(fs, collection, options, clock));
  follower->connect();
  auto status = follower->refresh(true);
  for (int attempt = 1; attempt < kOpenAttempts && overtaken(status); ++attempt) {
    NDB_TRY(format::read_current(fs, collection));  // not_found means that there is no collection
    status = follower->refresh(true);
  }
  if (!status) return std::unexpected(follower->explain(status.error()));
  if (options.own_thread)
    follower->thread_ = std::jthread([raw = follower.get()](const std::stop_token& stop) { raw->loop(stop); });
  return follower;
}

Follower::~Follower() {
  thread_.request_stop();
  poke();
  if (thread_.joinable()) thread_.join();
  if (state_ != nullptr) state_->interrupt();
}

std::shared_ptr<live::LiveState> Follower::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

Follower::Position Follower::position() const {
  const std::scoped_lock lock(mutex_);
  return position_;
}

std::chrono::milliseconds Follower::since_confirmed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - confirmed_.load(std::memory_order_relaxed));
}

Status Follower::health() const {
  // One failed look is no reason to refuse: the snapshot is whole, only perhaps not the newest. Being gone, or blind for long, is.
  const std::scoped_lock lock(mutex_);
  if (problem_ && problem_->code == ErrorCode::not_found) return std::unexpected(*problem_);
  if (since_confirmed() <= options_.fence_after) return {};
  if (problem_) return std::unexpected(*problem_);
  return fail(ErrorCode::unavailable, "the volume could not be read for too long; answers might miss files that are gone");
}

bool Follower::is_woken() const {
  const std::scoped_lock lock(slot_mutex_);
  return slot_.has_value();
}

void Follower::poke(News news) {
  {
    const std::scoped_lock lock(mutex_);
    poked_ = std::max(poked_, news);
    poke_.notify_all();
  }
  const std::scoped_lock lock(slot_mutex_);
  if (slot_) slot_->wake();
}

void Follower::connect() {
  next_connect_ = clock_.now() + kReconnectAfter;
  if (!options_.shared_memory) return;
  std::optional<ipc::ReaderSlot> fresh;
  block_.reset();
  if (const auto key = ipc::control_block_key(collection_)) {
    auto block = ipc::ControlBlock::open_for_reader(*key, ipc::control_block_permissions(collection_));
    if (block) {
      if (auto slot = block->claim()) fresh.emplace(std::move(*slot));
      block_.emplace(std::move(*block));
    } else if (block.error().code == ErrorCode::not_found) {
      next_connect_ = clock_.now();  // no writer on this host yet: looking again costs nothing, and its first writes should be seen at once
    }
  }
  const std::scoped_lock lock(slot_mutex_);
  slot_.reset();
  if (!fresh) return;
  slot_.emplace(std::move(*fresh));
  apply_pin();
  if (state_ != nullptr) slot_->set_applied(state_->applied_seq());
}

// With slot_mutex_ held.
void Follower::apply_pin() {
  if (slot_ && in_use_ != ManifestVersion{}) slot_->pin(older_ ? std::min(*older_, in_use_) : in_use_);
}

void Follower::pin(ManifestVersion in_use) {
  const std::scoped_lock lock(slot_mutex_);
  in_use_ = in_use;
  apply_pin();
}

void Follower::pin_older(std::optional<ManifestVersion> oldest) {
  const std::scoped_lock lock(slot_mutex_);
  older_ = oldest;
  apply_pin();
}

bool Follower::wait(const std::stop_token& stop) {
  if (slot_) return slot_->wait(options_.poll_interval);
  const auto until = std::chrono::steady_clock::now() + options_.poll_interval;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && poked_ == News::none && std::chrono::steady_clock::now() < until) {
    const bool hurried = options_.shared_memory && (std::exchange(hurried_, false) || state_->is_awaited());
    const auto next = hurried ? std::min(until, std::chrono::steady_clock::now() + kHurry) : until;
    poke_.wait_until(lock, stop, next, [&] { return poked_ != News::none || (hurried_ && !hurried); });
    if (!hurried || poked_ != News::none) continue;
    lock.unlock();
    if (clock_.now() >= next_connect_) connect();
    if (slot_) return false;
    lock.lock();
  }
  return std::exchange(poked_, News::none) == News::log;
}

void Follower::hurry() {
  if (!options_.shared_memory || is_woken()) return;
  const std::scoped_lock lock(mutex_);
  hurried_ = true;
  poke_.notify_all();
}

void Follower::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const bool woken = wait(stop);
    if (stop.stop_requested()) return;
    look(woken);
  }
}

void Follower::look(bool woken) {
  if (slot_) slot_->drain();
  const auto before = state_->snapshot();
  const Seq applied = before->visible_seq();
  // The clock decides, too: wake-ups and versions in shared memory are hints, and garbage there must not keep us from the files.
  const bool all = !woken || clock_.now() >= next_look_ || (block_ && block_->newest_manifest() > before->manifest->version);
  auto status = refresh(all);
  if (overtaken(status)) status = refresh(true);
  if (all) next_look_ = clock_.now() + options_.poll_interval;
  note(status);
  mend();
  const bool idle = woken && slot_ && state_->snapshot() == before && before->visible_seq() == applied;
  idle_wakes_ = idle ? idle_wakes_ + 1 : 0;
  if (idle_wakes_ > kIdleWakes) disconnect();
  const bool lost = block_ && (block_->stale() || (slot_ && !woken && !slot_->beat()));
  if (clock_.now() >= next_connect_ && (!slot_ || lost)) connect();
}

// Somebody wakes us for nothing, without end: poll, and try again later.
void Follower::disconnect() {
  idle_wakes_ = 0;
  next_connect_ = clock_.now() + kReconnectAfter;
  block_.reset();
  const std::scoped_lock lock(slot_mutex_);
  slot_.reset();
}

// Problems are logged when they begin and kept for health(); what can be read goes on being served.
void Follower::note(const Status& status) {
  auto problem = status ? std::nullopt : std::optional(explain(status.error()));
  const std::scoped_lock lock(mutex_);
  if (problem && !problem_) base::log_error("following " + collection_.string(), *problem);
  problem_ = std::move(problem);
}

// What a missing file means. Reads the volume, so it is called without the mutex: searches take that.
Error Follower::explain(Error error) const {
  if (error.code != ErrorCode::not_found) return error;
  const auto newest = format::read_newest(fs_, collection_);
  if (!newest && newest.error().code == ErrorCode::not_found) {
    if (device_of(collection_.parent_path()) != device_)  // nobody dropped anything: the volume is not there
      return {ErrorCode::unavailable, collection_.parent_path().string() + " is not what it was: is its volume mounted? " + error.message, {}};
    error.message = "the collection is gone: " + error.message;
    return error;
  }
  if (!newest) return newest.error();
  if (state_ != nullptr && newest->collection_uid != collection_uid_) {
    error.message = "the collection was dropped and created anew";
    return error;
  }
  // Only what the newest manifest names before and after it was missed is missing. Before, CURRENT itself may have been the file: just
  // replaced elsewhere, and deleted under its old name here. Or this look stalled, and what it had begun with was collected.
  if (!asked_for_ || asked_for_->version != newest->version)
    return {ErrorCode::unavailable, "a newer manifest came during a look at it; try again: " + error.message, {}};
  return {ErrorCode::corruption, "a file that the newest manifest names is missing: " + error.message, {}};
}

Status Follower::refresh(bool look_at_current) {
  const auto asked = clock_.now();  // before, not after: what is confirmed is as old as the question
  if (look_at_current) NDB_TRY(follow_current(asked));
  NDB_TRY(follow_log(look_at_current));
  if (look_at_current && !tail_->stuck()) confirmed_.store(asked, std::memory_order_relaxed);
  return {};
}

Status Follower::follow_log(bool reopen) {
  NDB_TRY(tail_->advance(*state_, reopen));
  if (slot_) slot_->set_applied(state_->applied_seq());
  const std::scoped_lock lock(mutex_);
  const auto file = tail_->file();
  position_ = {.file = file, .offset = tail_->bytes_read(file), .manifest = state_->snapshot()->manifest->version};
  return {};
}

// CURRENT alone is believed only for a while: a replaced writer that slept may set it back to what will be collected, and nobody may be
// there to mend it. A listing tells what is newest whatever CURRENT says; it confirms a state for half of the time after which this
// reader fences itself, so that altogether the files of the state are safe for the grace time.
Result<format::CurrentFile> Follower::newest(std::chrono::steady_clock::time_point asked) {
  asked_for_.reset();
  NDB_TRY_ASSIGN(auto newest, format::read_current(fs_, collection_));
  const bool odd = state_ == nullptr || newest.version < state_->snapshot()->manifest->version;
  if (odd || asked - listed_ > options_.fence_after / 2) {
    NDB_TRY_ASSIGN(newest, format::read_newest(fs_, collection_));
    listed_ = asked;
  }
  asked_for_ = newest;
  return newest;
}

Status Follower::follow_current(std::chrono::steady_clock::time_point asked) {
  NDB_TRY_ASSIGN(const auto current, newest(asked));
  const bool same = state_ != nullptr;
  if (same && current.collection_uid != collection_uid_)
    return fail(ErrorCode::not_found, "the collection was dropped and created anew");
  if (same && current.version <= state_->snapshot()->manifest->version) return {};
  if (!same) pin(current.version);  // before its files are opened
  NDB_TRY_ASSIGN(auto read, format::read_manifest(fs_, collection_, current.version));
  collection_uid_ = read.collection_uid;
  auto manifest = std::make_shared<const format::Manifest>(std::move(read));
  NDB_TRY(same && leads_to(*manifest) ? swap_to(manifest) : start_over(manifest));
  pin(manifest->version);
  return {};
}

// Whether the state holds operations that do not exist by this manifest, or may: written by a replaced writer behind the seal, or in a
// file that the new writer found empty. What they marked as deleted in segments would stay so for ever.
bool Follower::contradicts(const format::Manifest& manifest) const {
  const auto snapshot = state_->snapshot();
  const auto& before = *snapshot->manifest;
  for (const auto& memtable : snapshot->memtables) {
    if (const auto wal = find_wal(manifest, memtable->wal()); wal != manifest.wals.end()) {
      if (wal->seal && tail_->bytes_read(wal->name) > wal->seal->bytes) return true;
      continue;
    }
    if (memtable->applied_seq() == memtable->after()) continue;
    if (memtable->applied_seq() > manifest.flushed_seq) return true;
    // Flushed, by numbers. By another writer: then numbers tell nothing unless this state knows the seal, and kept to it.
    const auto known = find_wal(before, memtable->wal());
    if (manifest.epoch != before.epoch && (known == before.wals.end() || !known->seal)) return true;
  }
  return false;
}

// A file that was lost under its mapping may be whole again: the volume came back, or somebody put the file back. Opened anew now and then.
void Follower::mend() {
  if (clock_.now() < next_mend_) return;
  next_mend_ = clock_.now() + kMendAfter;
  const auto snapshot = state_->snapshot();
  const auto damage = snapshot->damage();
  if (damage || damage.error().code != ErrorCode::io_error) {
    if (lost_) base::log_info("reading " + collection_.string() + ": all files are whole again");
    lost_ = false;
    return;
  }
  if (!lost_) base::log_error("reading " + collection_.string(), damage.error());
  lost_ = true;
  static_cast<void>(start_over(snapshot->manifest));  // while that fails, searches go on answering the error
}

// New graphs are loaded before searches need them, step by step: what is written meanwhile is not kept waiting.
Status Follower::swap_to(const std::shared_ptr<const format::Manifest>& manifest) {
  NDB_TRY_ASSIGN(auto prepared, state_->prepare(fs_, collection_, manifest, true));
  const auto until = clock_.now() + kLoadAtMost;
  while (prepared.load_graphs(kLoadStep) && clock_.now() < until)
    if (!follow_log(false)) break;  // who looks next says what is wrong
  if (!leads_to(*manifest)) return start_over(manifest);
  state_->install(std::move(prepared));
  return {};
}

Status Follower::start_over(std::shared_ptr<const format::Manifest> manifest) {
  NDB_TRY_ASSIGN(auto opened, live::LiveState::open(fs_, collection_, std::move(manifest)));
  std::shared_ptr<live::LiveState> fresh = std::move(opened);
  WalTail tail(fs_, collection_);
  NDB_TRY(tail.advance(*fresh, false));
  tail_.emplace(std::move(tail));
  const auto old = state_;
  {
    const std::scoped_lock lock(mutex_);
    state_ = std::move(fresh);
  }
  if (old != nullptr) old->interrupt();
  return {};
}

}  // namespace ndb::reader
