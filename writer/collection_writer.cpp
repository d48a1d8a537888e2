#include "writer/collection_writer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "shared/base/log.hpp"

namespace ndb::writer {
namespace {

// The host's name is for people; containers on several hosts may share it. The boot id tells kernels apart.
std::string holder_name() {
  std::array<char, 256> host{};
  static_cast<void>(::gethostname(host.data(), host.size() - 1));
  std::string boot_id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot_id;
  return fmt::format("{}@{}/{}", ::getpid(), host.data(), boot_id);
}

}  // namespace

Result<std::unique_ptr<CollectionWriter>> CollectionWriter::open(fs::FileSystem& fs, const fs::Path& collection,
                                                                 const WriterOptions& options, bool shared_memory) {
  NDB_TRY_ASSIGN(auto lock, ipc::WriterLock::acquire(format::lock_path(collection)));
  NDB_TRY_ASSIGN(auto taken, take_over(fs, collection, holder_name()));
  std::unique_ptr<CollectionWriter> writer(
      new CollectionWriter(fs, collection, options, std::move(lock), shared_memory));
  writer->start(std::move(taken));
  return writer;
}

CollectionWriter::CollectionWriter(fs::FileSystem& fs, fs::Path collection, const WriterOptions& options,
                                   ipc::WriterLock lock, bool shared_memory)
    : fs_(fs), collection_(std::move(collection)), options_(options), lock_(std::move(lock)),
      readers_(collection_, shared_memory), feed_(fs_, collection_) {}

void CollectionWriter::start(TakenOver taken) {
  const auto manifest = taken.manifest;
  feed_.committed(taken.active->name(), taken.active->bytes());
  log_ = std::make_unique<CommitLog>(
      fs_, collection_, options_, std::move(taken),
      [this](Seq seq, format::WalName wal, std::uint64_t bytes) {
        readers_.committed(seq, wal, bytes);
        feed_.committed(wal, bytes);
      },
      [this] { wake(); });
  publisher_ = std::make_unique<ManifestPublisher>(fs_, collection_, *log_, manifest, [this](ManifestVersion version) {
    readers_.published(version);
    feed_.published(version);
    wake();
  });
  // A WAL file, and the segment that its memtable becomes.
  context_ = std::make_unique<FlushContext>(
      FlushContext{fs_, collection_, *log_, *publisher_, pending_, &merge_pace_, 2 * options_.memtable_bytes});
  collector_ = std::make_unique<Collector>(*context_, options_, base::system_clock());
  readers_.published(manifest->version);
  feed_.published(manifest->version);
  flush_thread_ = std::jthread([this](const std::stop_token& stop) { flush_loop(stop); });
  optimize_thread_ = std::jthread([this](const std::stop_token& stop) { optimize_loop(stop); });
  sync_thread_ = std::jthread([this](const std::stop_token& stop) { sync_loop(stop); });
}

CollectionWriter::~CollectionWriter() {
  if (const auto status = close(); !status) base::log_error("closing a collection", status.error());
}

void CollectionWriter::wake() {
  const std::scoped_lock lock(work_mutex_);
  ++work_version_;
  work_.notify_all();
  flushed_.notify_all();
}

Status CollectionWriter::close() {
  {
    const std::scoped_lock lock(work_mutex_);
    if (closed_) return {};
    closed_ = true;
  }
  feed_.close();
  const bool failed_before = log_->failure().has_value();
  const auto status = log_->close();
  for (auto* thread : {&sync_thread_, &flush_thread_, &optimize_thread_}) thread->request_stop();
  wake();
  for (auto* thread : {&sync_thread_, &flush_thread_, &optimize_thread_})
    if (thread->joinable()) thread->join();
  log_->state().interrupt();
  lock_.release();
  return failed_before ? Status{} : status;
}

Result<ManifestVersion> CollectionWriter::flush(bool wait) {
  if (wait) {
    NDB_TRY(flush_and_wait());
  } else {
    NDB_TRY(log_->freeze());
  }
  return publisher_->current()->version;
}

Status CollectionWriter::flush_and_wait() {
  {
    const std::scoped_lock lock(work_mutex_);
    flush_error_.reset();
  }
  NDB_TRY_ASSIGN(const auto through, log_->freeze());
  std::unique_lock lock(work_mutex_);
  std::optional<Error> failure;
  flushed_.wait(lock, [&] {
    failure = flush_error_ ? flush_error_ : log_->failure();
    return failure || publisher_->current()->flushed_seq >= through;
  });
  if (publisher_->current()->flushed_seq >= through || !failure) return {};
  return std::unexpected(*failure);
}

Result<ManifestVersion> CollectionWriter::submit(JobKind kind, bool wait) {
  std::future<Result<ManifestVersion>> done;
  {
    const std::scoped_lock lock(work_mutex_);
    if (closed_) return fail(ErrorCode::unavailable, "the collection was closed");
    jobs_.push_back({kind, {}});
    done = jobs_.back().promise.get_future();
    ++work_version_;
    work_.notify_all();
  }
  if (!wait) return publisher_->current()->version;
  return done.get();
}

Result<ManifestVersion> CollectionWriter::compact(bool wait) { return submit(JobKind::compact, wait); }

Result<ManifestVersion> CollectionWriter::rebuild_index(bool wait) {
  if (!publisher_->current()->index_enabled)
    NDB_TRY(publisher_->publish([](format::Manifest& next) -> Status {
      next.index_enabled = true;
      return {};
    }));
  return submit(JobKind::rebuild_index, wait);
}

Result<ManifestVersion> CollectionWriter::set_history(const HistoryConfig& history) {
  NDB_TRY(validate(history));
  return publisher_->publish([&](format::Manifest& next) -> Status {
    next.config.history = history;
    return {};
  });
}

Result<ManifestVersion> CollectionWriter::delete_index() {
  return publisher_->publish([](format::Manifest& next) -> Status {
    next.index_enabled = false;
    for (auto& segment : next.segments) segment.hnsw.reset();
    return {};
  });
}

}  // namespace ndb::writer
