#include "writer/readers.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "ipc/shm/collection_block.hpp"
#include "shared/base/result.hpp"

namespace ndb::writer {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

Readers::Readers(std::filesystem::path collection, bool enabled, const base::Clock& clock)
    : collection_(std::move(collection)), enabled_(enabled), clock_(clock) {
  open();
}

void Readers::open() {
  if (!enabled_) return;
  const auto key = ipc::control_block_key(collection_);
  if (!key) return;
  auto block = ipc::ControlBlock::open_for_writer(*key, ipc::control_block_permissions(collection_));
  if (!block) return;  // readers poll
  block_.emplace(std::move(*block));
  if (newest_ != ManifestVersion{}) block_->publish_manifest(newest_);
}

void Readers::committed(Seq seq, format::WalName wal, std::uint64_t wal_bytes) {
  const std::scoped_lock lock(mutex_);
  if (!block_) return;
  block_->publish_commit({seq, wal.epoch, wal.index + 1, wal_bytes});
  block_->wake_all();
}

void Readers::published(ManifestVersion version) {
  const std::scoped_lock lock(mutex_);
  newest_ = version;
  if (!block_) return;
  block_->publish_manifest(version);
  block_->wake_all();
}

void Readers::tick() {
  const std::scoped_lock lock(mutex_);
  if (block_ && !block_->stale()) {
    block_->beat();
    return;
  }
  block_.reset();
  open();
}

void Readers::forget_silent() {
  const auto now = clock_.now();
  std::erase_if(reports_, [now](const Heard& heard) { return now - heard.at > kForgetAfter; });
}

Status Readers::reported(const ReaderReport& report) {
  const std::scoped_lock lock(mutex_);
  forget_silent();
  auto known = std::ranges::find_if(reports_, [&](const Heard& heard) {
    return heard.report.pid == report.pid && heard.report.host == report.host;
  });
  if (known == reports_.end()) {
    if (reports_.size() >= kMaxReports) return fail(ErrorCode::overloaded, "too many readers report already");
    known = reports_.insert(reports_.end(), Heard{});
  }
  *known = {report, clock_.now()};
  return {};
}

void Readers::pin_here(std::optional<ManifestVersion> oldest) {
  const std::scoped_lock lock(mutex_);
  pinned_here_ = oldest;
}

std::optional<ManifestVersion> Readers::min_pinned_version() {
  const std::scoped_lock lock(mutex_);
  forget_silent();
  auto least = block_ ? block_->min_pinned_version() : std::nullopt;
  if (pinned_here_) least = least ? std::min(*least, *pinned_here_) : pinned_here_;
  for (const auto& [report, at] : reports_)
    least = least ? std::min(*least, report.pinned_version) : report.pinned_version;
  return least;
}

std::vector<ReplicaStats> Readers::list(Seq newest) {
  const std::scoped_lock lock(mutex_);
  forget_silent();
  std::vector<ReplicaStats> replicas;
  const auto add = [&](const ReaderReport& r, std::chrono::steady_clock::duration age) {
    const bool known = std::ranges::any_of(replicas, [&](const ReplicaStats& o) { return o.pid == r.pid && o.host == r.host; });
    if (known) return;
    replicas.push_back({.host = r.host, .pid = r.pid, .pinned_version = r.pinned_version, .seq = r.seq,
                        .lag_seq = newest > r.seq ? newest.value - r.seq.value : 0,
                        .age_seconds = std::chrono::duration<double>(age).count()});
  };
  if (block_)
    for (const auto& slot : block_->slots())
      add({host_name(), static_cast<std::uint64_t>(slot.process.pid), slot.pinned_version, slot.applied_seq}, slot.heartbeat_age);
  for (const auto& [report, at] : reports_) add(report, clock_.now() - at);
  return replicas;
}

}  // namespace ndb::writer
