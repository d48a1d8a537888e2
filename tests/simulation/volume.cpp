#include "tests/simulation/volume.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ranges>

namespace ndb::sim {
namespace {

constexpr Time kRemembered = 2s;  // no host sees a list older than that

bool temporary(std::string_view name) { return name.find(".tmp-") != std::string_view::npos; }

}  // namespace

std::size_t Node::visible_bytes(Time at) const {
  std::size_t length = 0;
  for (const auto& [since, bytes_then] : visible)
    if (since <= at) length = std::max(length, bytes_then);
  return length;
}

std::optional<Volume::Place> Volume::place(std::string_view path) const {
  const auto slash = path.rfind('/');
  auto folder = directory(path.substr(0, slash));
  if (folder == nullptr) return std::nullopt;
  return Place{std::move(folder), std::string(path.substr(slash + 1))};
}

NodePtr Volume::directory(std::string_view path) const {
  NodePtr node = root_;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto name = path.substr(0, path.find('/'));
    const auto entry = node->entries.find(name);
    if (entry == node->entries.end() || !entry->second.node->directory) return nullptr;
    node = entry->second.node;
    path.remove_prefix(name.size());
  }
  return node;
}

const Binding* Volume::find(std::string_view path) const {
  const auto slash = path.rfind('/');
  const auto folder = directory(path.substr(0, slash));
  if (folder == nullptr) return nullptr;
  const auto entry = folder->entries.find(path.substr(slash + 1));
  return entry == folder->entries.end() ? nullptr : &entry->second;
}

std::vector<const Node::Change*> Volume::recent_changes(std::string_view path) const {
  std::vector<const Node::Change*> changes;
  const auto where = place(path);
  if (!where) return changes;
  for (const auto& change : where->folder->recent | std::views::reverse)
    if (change.name == where->name) changes.push_back(&change);
  return changes;
}

void Volume::change(const Place& place, std::optional<Binding> to, HostId by, Time now) {
  Node& folder = *place.folder;
  const auto old = folder.entries.find(place.name);
  Node::Change change{.name = place.name, .before = {}, .at = now, .by = by, .serial = ++serial_};
  if (old != folder.entries.end()) {
    change.before = old->second;
    if (--old->second.node->links == 0) old->second.node->unlinked_by = by;
    folder.entries.erase(old);
  }
  if (to) {
    ++to->node->links;
    to->since = now;
    to->by = by;
    to->serial = serial_;
    folder.entries.emplace(place.name, std::move(*to));
  }
  if (!temporary(place.name)) {
    std::erase_if(folder.recent, [&](const auto& c) { return c.at + kRemembered < now; });
    folder.recent.push_back(change);
  }
  folder.unsynced.push_back(std::move(change));
}

int Volume::create(std::string_view path, NodePtr node, HostId by, Time now) {
  const auto where = place(path);
  if (!where) return ENOENT;
  if (where->folder->entries.contains(where->name)) return EEXIST;
  node->owner = by;
  node->number = ++serial_;
  if (observer_ != nullptr && !temporary(where->name)) observer_->created(std::string(path), *node);
  change(*where, Binding{.node = std::move(node)}, by, now);
  return 0;
}

int Volume::link(std::string_view from, std::string_view to, HostId by, Time now) {
  const auto* source = find(from);
  const auto where = place(to);
  if (source == nullptr || !where) return ENOENT;
  if (where->folder->entries.contains(where->name)) return EEXIST;
  const NodePtr node = source->node;
  if (observer_ != nullptr) observer_->created(std::string(to), *node);
  change(*where, Binding{.node = node}, by, now);
  node->frozen = true;
  return 0;
}

int Volume::rename(std::string_view from, std::string_view to, HostId by, Time now) {
  const auto source = place(from);
  const auto target = place(to);
  if (!source || !target || !source->folder->entries.contains(source->name)) return ENOENT;
  const NodePtr node = source->folder->entries.find(source->name)->second.node;
  if (observer_ != nullptr && !node->directory) observer_->replaced(std::string(to), *node);
  change(*target, Binding{.node = node}, by, now);
  change(*source, std::nullopt, by, now);
  node->frozen = true;
  return 0;
}

int Volume::unlink(std::string_view path, HostId by, Time now) {
  const auto where = place(path);
  if (!where || !where->folder->entries.contains(where->name)) return ENOENT;
  const NodePtr node = where->folder->entries.find(where->name)->second.node;
  if (node->directory) return EISDIR;
  if (observer_ != nullptr && !temporary(where->name)) observer_->removed(std::string(path), *node);
  change(*where, std::nullopt, by, now);
  return 0;
}

int Volume::remove_directory(std::string_view path, HostId by, Time now) {
  const auto where = place(path);
  if (!where || !where->folder->entries.contains(where->name)) return ENOENT;
  const auto& node = where->folder->entries.find(where->name)->second.node;
  if (!node->directory) return ENOTDIR;
  if (!node->entries.empty()) return ENOTEMPTY;
  change(*where, std::nullopt, by, now);
  return 0;
}

int Volume::sync_directory(std::string_view path) {
  const auto folder = directory(path);
  if (folder == nullptr) return ENOENT;
  folder->unsynced.clear();
  return 0;
}

void Volume::write(Node& node, std::uint64_t offset, base::ByteSpan bytes, Time now) {
  if (node.frozen && observer_ != nullptr) observer_->changed_frozen(node);
  if (offset + bytes.size() > node.bytes.size()) node.bytes.resize(offset + bytes.size());
  if (!bytes.empty()) std::memcpy(node.bytes.data() + offset, bytes.data(), bytes.size());
  // The host writes it back some time later even if nobody syncs.
  node.visible.emplace_back(now + random_.between(200ms, 3s), node.bytes.size());
}

void Volume::sync(Node& node, Time now) {
  node.synced_bytes = node.bytes.size();
  const std::size_t before = node.visible_bytes(now);
  std::erase_if(node.visible, [&](const auto& entry) { return entry.second <= before && entry.first + kRemembered < now; });
  node.visible.emplace_back(now, node.bytes.size());
}

template <class F>
void Volume::each_file(Node& folder, F f) {
  for (auto& [name, binding] : folder.entries) {
    if (binding.node->directory) each_file(*binding.node, f);
    else f(*binding.node);
  }
}

void Volume::crash(HostId host, Time now) {
  each_file(*root_, [&](Node& file) {
    if (file.owner != host) return;
    const std::size_t kept = file.visible_bytes(now);
    if (kept < file.bytes.size()) file.bytes.resize(kept);
    // What was written back before stays so: others may go on seeing a length of that time.
    std::erase_if(file.visible, [&](const auto& entry) { return entry.first > now; });
    file.visible.emplace_back(now, kept);
  });
}

void Volume::power_loss(Time now) {
  lose_names(*root_, "");
  each_file(*root_, [&](Node& file) {
    const std::size_t loose = file.bytes.size() - file.synced_bytes;
    if (loose > 0) {
      const std::size_t kept = file.synced_bytes + random_.below(loose + 1);
      file.bytes.resize(kept);
      if (kept > file.synced_bytes && random_.one_in(3)) {  // blocks reach the disk in any order
        const std::size_t at = file.synced_bytes + random_.below(kept - file.synced_bytes);
        std::fill(file.bytes.begin() + static_cast<std::ptrdiff_t>(at), file.bytes.end(), std::byte{0});
      }
    }
    file.synced_bytes = file.bytes.size();
    file.visible = {{now, file.bytes.size()}};
  });
}

void Volume::lose_names(Node& folder, const std::string& path) {
  const std::size_t kept = folder.unsynced.size() - random_.below(folder.unsynced.size() + 1);
  while (folder.unsynced.size() > kept) {
    const Node::Change undone = std::move(folder.unsynced.back());
    folder.unsynced.pop_back();
    if (const auto entry = folder.entries.find(undone.name); entry != folder.entries.end()) {
      --entry->second.node->links;
      if (!undone.before && observer_ != nullptr) observer_->lost(path + "/" + undone.name);
      folder.entries.erase(entry);
    }
    if (undone.before) {
      ++undone.before->node->links;
      folder.entries.emplace(undone.name, *undone.before);
    }
  }
  folder.unsynced.clear();
  folder.recent.clear();
  for (auto& [name, binding] : folder.entries)
    if (binding.node->directory) lose_names(*binding.node, path + "/" + name);
}

}  // namespace ndb::sim
