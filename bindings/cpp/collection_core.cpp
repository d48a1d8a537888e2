#include "bindings/cpp/collection_core.hpp"

#include <fmt/format.h>

#include "writer/create_collection.hpp"

namespace ndb::embedded {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kShortestFence{10'000};
constexpr std::chrono::milliseconds kStateChange{1};

// Failures after which another attempt to become the writer can succeed.
bool worth_stepping_down(ErrorCode code) { return code == ErrorCode::fenced || code == ErrorCode::no_space; }

}  // namespace

Result<std::shared_ptr<CollectionCore>> CollectionCore::open(fs::FileSystem& fs, const fs::Path& path, std::string name,
                                                             const DatabaseOptions& options) {
  std::shared_ptr<CollectionCore> core(new CollectionCore(fs, path, std::move(name), options));
  auto follower = reader::Follower::open(fs, path, core->follower_options());
  if (!follower && follower.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, fmt::format("no collection '{}'", core->name_), "name");
  if (!follower) return std::unexpected(follower.error());
  core->follower_ = std::move(*follower);
  const auto manifest = core->follower_->state()->snapshot()->manifest;
  core->config_ = manifest->config;
  core->collection_uid_ = manifest->collection_uid;
  core->past_ = std::make_shared<reader::PastVersions>(fs, path, core->collection_uid_,
                                                       [raw = core.get()](auto oldest) { raw->pin_past(oldest); });
  return core;
}

reader::FollowerOptions CollectionCore::follower_options() const {
  // A grace time that is shorter than a few polls (in tests, or where no other host reads) protects nobody anyway.
  const auto shortest = options_.poll_interval * 5 + kShortestFence;
  return {.poll_interval = options_.poll_interval, .fence_after = std::max(options_.gc_grace / 2, shortest),
          .shared_memory = options_.shared_memory};
}

writer::WriterOptions CollectionCore::writer_options() const {
  writer::WriterOptions options;
  options.memtable_bytes = options_.memtable_bytes;
  options.sync_interval = options_.sync_interval;
  options.gc_grace = options_.gc_grace;
  options.index_threads = options_.index_threads;
  options.index_min_rows = options_.index_min_rows;
  options.segment_max_rows = options_.segment_max_rows;
  options.merge_bytes_per_second = std::uint64_t{options_.merge_mb_per_second} << 20;
  return options;
}

CollectionCore::~CollectionCore() {
  if (!fork_.inherited()) return;
  keep_for_ever(std::move(writer_));
  keep_for_ever(std::move(follower_));
  keep_for_ever(std::move(past_));
}

// Roles change under the same mutex, so whoever keeps the files knows.
void CollectionCore::pin_past(std::optional<ManifestVersion> oldest) {
  const std::scoped_lock lock(mutex_);
  past_pin_ = oldest;
  if (writer_ != nullptr) writer_->pin_here(oldest);
  if (follower_ != nullptr) follower_->pin_older(oldest);
}

Status CollectionCore::check_there() {
  NDB_TRY(check_process());
  const std::scoped_lock lock(mutex_);
  if (closed_) return std::unexpected(*closed_);
  if (follower_ == nullptr) return {};
  const auto health = follower_->health();
  return !health && health.error().code == ErrorCode::not_found ? health : Status{};
}

Result<ManifestVersion> CollectionCore::pinned_version() {
  NDB_TRY_ASSIGN(const auto now, state());
  const auto newest = now->snapshot()->manifest->version;
  const std::scoped_lock lock(mutex_);
  return past_pin_ ? std::min(*past_pin_, newest) : newest;
}

Result<std::shared_ptr<live::LiveState>> CollectionCore::state() {
  NDB_TRY(check_process());
  if (auto now = current_writer()) {
    const auto failure = now->failure();
    if (!failure || !worth_stepping_down(failure->code)) return std::shared_ptr<live::LiveState>(now, &now->state());
    step_down(now);  // it would go on answering from a state that nobody adds to any more
  }
  const std::scoped_lock lock(mutex_);
  if (closed_) return std::unexpected(*closed_);
  if (writer_ != nullptr) return std::shared_ptr<live::LiveState>(writer_, &writer_->state());
  if (follower_ == nullptr) return fail(ErrorCode::unavailable, "the collection is being opened");
  NDB_TRY(follower_->health());
  return follower_->state();
}

Result<std::shared_ptr<live::LiveState>> CollectionCore::state_at(Seq seq, std::chrono::milliseconds bound) {
  const auto deadline = Clock::now() + bound;
  for (;;) {
    NDB_TRY_ASSIGN(auto now, state());
    if (now->applied_seq() < seq)
      if (const auto follower = current_follower()) follower->hurry();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (now->wait_for(seq, std::max(left, std::chrono::milliseconds(0)))) return now;
    if (Clock::now() >= deadline)
      return fail(ErrorCode::replica_lagging,
                  fmt::format("seq {} is not visible here yet; {} is", seq.value, now->applied_seq().value), "min_seq");
    // Interrupted: this state was replaced. The next one may be the same for a moment.
    std::this_thread::sleep_for(kStateChange);
  }
}

std::shared_ptr<writer::CollectionWriter> CollectionCore::current_writer() const {
  if (fork_.inherited()) return nullptr;
  const std::scoped_lock lock(mutex_);
  return writer_;
}

std::shared_ptr<reader::Follower> CollectionCore::current_follower() const {
  if (fork_.inherited()) return nullptr;
  const std::scoped_lock lock(mutex_);
  return follower_;
}

Result<std::shared_ptr<writer::CollectionWriter>> CollectionCore::writer() {
  NDB_TRY(check_process());
  if (auto now = current_writer()) return now;
  const std::scoped_lock one_at_a_time(open_mutex_);
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return std::unexpected(*closed_);
    if (writer_ != nullptr) return writer_;
  }
  if (options_.read_only) return fail(ErrorCode::read_only, "the database was opened read-only");
  writer::sweep_leftovers(fs_, path_.parent_path());
  NDB_TRY_ASSIGN(auto opened, writer::CollectionWriter::open(fs_, path_, writer_options(), options_.shared_memory));
  if (opened->state().snapshot()->manifest->collection_uid != collection_uid_) return std::unexpected(dropped_error());
  std::shared_ptr<writer::CollectionWriter> fresh = std::move(opened);
  std::shared_ptr<reader::Follower> old;
  {
    const std::scoped_lock lock(mutex_);
    writer_ = fresh;
    fresh->pin_here(past_pin_);
    old = std::move(follower_);
  }
  return fresh;
}

Result<WriteResult> CollectionCore::write(const format::WalBodyBuilder& body) {
  NDB_TRY_ASSIGN(const auto now, writer());
  auto result = now->write(body);
  if (!result && now->failure() && worth_stepping_down(now->failure()->code)) step_down(now);
  return result;
}

Result<WriteResult> CollectionCore::write_made(const writer::CommitLog::MakeBody& make) {
  NDB_TRY_ASSIGN(const auto now, writer());
  auto result = now->write_made(make);
  if (!result && now->failure() && worth_stepping_down(now->failure()->code)) step_down(now);
  return result;
}

Error CollectionCore::dropped_error() const {
  return {ErrorCode::not_found, fmt::format("collection '{}' was dropped and created anew; get it again", name_), {}};
}

void CollectionCore::step_down(const std::shared_ptr<writer::CollectionWriter>& failed) {
  const std::scoped_lock one_at_a_time(open_mutex_);
  {
    const std::scoped_lock lock(mutex_);
    if (writer_ != failed) return;
  }
  static_cast<void>(failed->close());
  auto follower = reader::Follower::open(fs_, path_, follower_options());
  const std::scoped_lock lock(mutex_);
  if (!follower) return;  // the failed writer's state goes on answering searches
  writer_.reset();
  follower_ = std::move(*follower);
  follower_->pin_older(past_pin_);
}

bool CollectionCore::gone() const {
  if (fork_.inherited()) return true;
  const std::scoped_lock lock(mutex_);
  if (closed_) return true;
  if (follower_ == nullptr) return false;
  const auto health = follower_->health();
  return !health && health.error().code == ErrorCode::not_found;
}

Status CollectionCore::close(Error reason) {
  if (fork_.inherited()) return {};
  const std::scoped_lock one_at_a_time(open_mutex_);
  std::shared_ptr<writer::CollectionWriter> writer;
  std::shared_ptr<reader::Follower> follower;
  {
    const std::scoped_lock lock(mutex_);
    if (!closed_) closed_ = std::move(reason);
    writer = std::move(writer_);
    follower = std::move(follower_);
  }
  return writer != nullptr ? writer->close() : Status{};
}

}  // namespace ndb::embedded
