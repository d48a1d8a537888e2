#include "writer/readers.hpp"

#include <unistd.h>

#include <array>

#include "ipc/shm/collection_block.hpp"

namespace ndb::writer {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

Readers::Readers(std::filesystem::path collection, bool enabled)
    : collection_(std::move(collection)), enabled_(enabled) {
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

std::optional<ManifestVersion> Readers::min_pinned_version() {
  const std::scoped_lock lock(mutex_);
  return block_ ? block_->min_pinned_version() : std::nullopt;
}

std::vector<ReplicaStats> Readers::list(Seq newest) {
  const std::scoped_lock lock(mutex_);
  std::vector<ReplicaStats> replicas;
  if (!block_) return replicas;
  for (const auto& slot : block_->slots()) {
    replicas.push_back({.host = host_name(), .pid = slot.process.pid, .pinned_version = slot.pinned_version,
                        .seq = slot.applied_seq,
                        .lag_seq = newest > slot.applied_seq ? newest.value - slot.applied_seq.value : 0,
                        .age_seconds = std::chrono::duration<double>(slot.heartbeat_age).count()});
  }
  return replicas;
}

}  // namespace ndb::writer
