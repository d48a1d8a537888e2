#include "cli/backup/version_pin.hpp"

#include "ipc/shm/collection_block.hpp"

namespace ndb::cli {

VersionPin::VersionPin(const std::filesystem::path& collection) {
  const auto key = ipc::control_block_key(collection);
  if (!key) return;
  auto block = ipc::ControlBlock::open_for_reader(*key, ipc::control_block_permissions(collection));
  if (!block) return;  // nobody writes, or not on this host
  block_.emplace(std::move(*block));
  if (auto slot = block_->claim()) slot_.emplace(std::move(*slot));
  if (!slot_) return;
  beating_ = std::jthread([this](const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!never_.wait_for(lock, stop, ipc::kHeartbeatLimit / 6, [] { return false; }) && !stop.stop_requested()) static_cast<void>(slot_->beat());
  });
}

void VersionPin::pin(ManifestVersion version) {
  if (slot_) slot_->pin(version);
}

}  // namespace ndb::cli
