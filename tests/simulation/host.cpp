#include "tests/simulation/host.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ndb::sim {
namespace {

// Events that are told after a failure; NDB_TEST_STORY sets how many.
std::size_t story_length() {
  static const char* const length = std::getenv("NDB_TEST_STORY");
  return length != nullptr ? std::strtoull(length, nullptr, 10) : 120;
}

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

class NodeMapping final : public fs::Mapping {
 public:
  explicit NodeMapping(NodePtr node) : node_(std::move(node)) { bytes_ = base::ByteSpan(node_->bytes.data(), node_->bytes.size()); }
  [[nodiscard]] std::optional<std::size_t> lost() const noexcept override { return std::nullopt; }

 private:
  NodePtr node_;
};

}  // namespace

void Network::note(const char* call, const std::string& path, std::string outcome) {
  for (const char c : path) fingerprint = (fingerprint ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  fingerprint = mix(fingerprint ^ static_cast<std::uint64_t>(scheduler.now().count()) ^ (outcome.size() << 48) ^ scheduler.running());
  if (story.size() >= story_length() && !story.empty()) story.pop_front();
  story.push_back({scheduler.now(), scheduler.running(), call, path, std::move(outcome)});
}

// --- Host ---

Time Host::delay_of(std::uint64_t serial) const {
  if (network_.weather.calm) return 0ms;
  const std::uint64_t random = mix(network_.seed * 1000003 + serial * 31 + static_cast<std::uint64_t>(id_));
  const Time most = random % 8 == 0 ? kMaxDelay : Time(5ms);
  return Time(static_cast<Time::rep>((random >> 8) % static_cast<std::uint64_t>(most.count())));
}

bool Host::heard_of(const Node::Change& change) const {
  return change.by == id_ || network_.scheduler.now() >= change.at + delay_of(change.serial);
}

Host::Found Host::look_up(const std::string& path) {
  const Time now = network_.scheduler.now();
  if (const auto entry = negative_.find(path); entry != negative_.end()) {
    if (now < entry->second) return {nullptr, ENOENT};
    negative_.erase(entry);
  }
  const auto* binding = network_.volume.find(path);
  const bool known = binding != nullptr ? !known_.insert(path).second : known_.erase(path) > 0;
  if (known) {  // a name that this host never heard of it asks the server for
    NodePtr older;
    const Node::Change* unheard = nullptr;
    for (const auto* change : network_.volume.recent_changes(path)) {
      if (heard_of(*change)) break;
      unheard = change;
      older = change->before ? change->before->node : nullptr;
    }
    const auto random = unheard == nullptr ? 0 : mix(unheard->serial);
    if (binding == nullptr && unheard != nullptr) return {nullptr, random % 2 == 0 ? ESTALE : ENOENT};
    if (older != nullptr) return random % 4 == 0 ? Found{nullptr, ESTALE} : Found{older, 0};
  }
  if (binding != nullptr) return {binding->node, 0};
  negative_[path] = now + kNegativeEntry;
  return {nullptr, ENOENT};
}

std::vector<std::string> Host::list(const Node& folder) const {
  auto names = folder.entries;
  for (auto change = folder.recent.rbegin(); change != folder.recent.rend(); ++change) {
    // An older list: a prefix of what happened. What this host did itself it has seen.
    if (heard_of(*change)) break;
    names.erase(change->name);
    if (change->before) names.emplace(change->name, *change->before);
  }
  std::vector<std::string> list;
  for (const auto& [name, binding] : names) list.push_back(name);
  return list;
}

void Host::forget(const std::string& path) {
  negative_.erase(path);
  known_.erase(path);
}

std::size_t Host::length_of(const Node& file) {
  const Time now = network_.scheduler.now();
  const auto [known, first] = lengths_.emplace(file.number, 0);
  Time late = 0ms;  // whoever never heard of the file asks the server
  if (!first && !network_.weather.calm) late = network_.random.one_in(6) ? network_.random.between(0ms, kMaxDelay) : Time(1ms);
  known->second = std::max(known->second, file.visible_bytes(now - late));
  return known->second;
}

void Host::reboot() {
  ++boots_;
  lengths_.clear();
  negative_.clear();
  known_.clear();
}

// --- ProcessFs ---

class ProcessFs::OpenFile final : public fs::File {
 public:
  OpenFile(ProcessFs& process, NodePtr node, std::string path) : process_(process), node_(std::move(node)), path_(std::move(path)) {
    look();
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    if (!process_.arrive("read")) return std::unexpected(base::errno_error(EIO, path_));
    if (process_.now() >= looked_ + kOpenLength) look();
    if (gone()) return std::unexpected(process_.done("read", path_, ESTALE).error());
    const std::size_t end = std::min(own() ? node_->bytes.size() : length_, node_->bytes.size());
    const std::size_t got = offset < end ? std::min<std::size_t>(into.size(), end - offset) : 0;
    if (got > 0) std::memcpy(into.data(), node_->bytes.data() + offset, got);
    return got;
  }
  Status append(base::ByteSpan bytes) override { return write("append", node_->bytes.size(), bytes); }
  Status write_at(std::uint64_t offset, base::ByteSpan bytes) override { return write("write", offset, bytes); }
  Status sync() override {
    return process_.change("fsync", path_, false, [&] {
      Volume::sync(*node_, process_.now());
      return 0;
    });
  }
  Result<std::uint64_t> size() override { return own() ? node_->bytes.size() : length_; }

 private:
  [[nodiscard]] bool own() const { return node_->owner == process_.host_.id(); }
  [[nodiscard]] bool gone() const {
    return node_->links == 0 && node_->unlinked_by != process_.host_.id() && process_.host_.delay_of(node_->number) > 2ms;
  }
  void look() {
    looked_ = process_.now();
    length_ = std::max(length_, process_.host_.length_of(*node_));
  }
  Status write(const char* call, std::uint64_t offset, base::ByteSpan bytes) {
    return process_.change(call, path_, false, [&] {
      process_.network_.volume.write(*node_, offset, bytes, process_.now());
      return 0;
    });
  }

  ProcessFs& process_;
  NodePtr node_;
  std::string path_;
  Time looked_{0};
  std::size_t length_ = 0;
};

Time ProcessFs::now() const noexcept { return network_.scheduler.now(); }

bool ProcessFs::arrive(std::string_view call) {
  if (dead_) return false;
  Time latency = network_.random.between(20us, 400us);
  const auto& weather = network_.weather;
  if (!weather.calm && network_.random.one_in(weather.stalls_before == call ? weather.stall_one_in / 10 : weather.stall_one_in)) {
    const Time most = network_.random.one_in(3) ? network_.weather.longest_stall : Time(200ms);
    latency = network_.random.between(1ms, most);
    if (latency > 1s) network_.note("stalls", "", std::to_string(latency / 1ms) + " ms");
  }
  network_.scheduler.sleep(latency);
  last_call_ = network_.scheduler.now();
  return !dead_;
}

Status ProcessFs::done(const char* call, const std::string& path, int error) {
  network_.note(call, path, error == 0 ? "ok" : ::strerror(error));
  if (error == 0) return {};
  return std::unexpected(base::errno_error(error, std::string(call) + " " + path));
}

// Anything that changes the volume: it may fail, or succeed and say that it failed, or succeed and be answered late.
Status ProcessFs::change(const char* call, const std::string& path, bool ambiguous, const std::function<int()>& act) {
  if (!arrive(call)) return std::unexpected(base::errno_error(EIO, path));
  const bool calm = network_.weather.calm;
  if (!calm && network_.random.one_in(network_.weather.failure_one_in)) {
    ++faults_;
    return done(call, path, EIO);
  }
  auto status = done(call, path, act());
  if (!calm && ambiguous && status && network_.random.one_in(network_.weather.ambiguous_one_in)) {
    ++faults_;
    network_.note(call, path, "done, but its answer was lost");
    status = std::unexpected(base::errno_error(EIO, std::string(call) + " " + path));
  }
  if (network_.random.one_in(4) && !arrive("answer")) return std::unexpected(base::errno_error(EIO, path));
  return status;
}

std::string ProcessFs::name_of(const fs::Path& path) {
  std::string name = path.string();
  const auto at = name.find(".tmp-");
  if (at == std::string::npos || name.find('-', at + 5) == std::string::npos) return name;  // the latter: ours, from a list
  const auto [known, fresh] = temporaries_.emplace(name, "");
  if (fresh) known->second = name.substr(0, at) + ".tmp-" + std::to_string(network_.next_temporary++);
  return known->second;
}

Result<std::unique_ptr<fs::File>> ProcessFs::open_read(const fs::Path& path) {
  const std::string name = name_of(path);
  if (!arrive("open")) return std::unexpected(base::errno_error(EIO, name));
  auto found = host_.look_up(name);
  NDB_TRY(done("open", name, found.error));
  return std::make_unique<OpenFile>(*this, std::move(found.node), name);
}

Result<std::unique_ptr<fs::File>> ProcessFs::create_exclusive(const fs::Path& path) {
  const std::string name = name_of(path);
  auto node = std::make_shared<Node>();
  NDB_TRY(change("create", name, false, [&] {
    host_.forget(name);
    return network_.volume.create(name, node, host_.id(), now());
  }));
  return std::make_unique<OpenFile>(*this, std::move(node), name);
}

Result<std::unique_ptr<fs::Mapping>> ProcessFs::map(const fs::Path& path) {
  const std::string name = name_of(path);
  if (!arrive("map")) return std::unexpected(base::errno_error(EIO, name));
  auto found = host_.look_up(name);
  NDB_TRY(done("map", name, found.error));
  return std::make_unique<NodeMapping>(std::move(found.node));
}

Status ProcessFs::rename(const fs::Path& from, const fs::Path& to) {
  const std::string source = name_of(from), target = name_of(to);
  return change("rename", target, true, [&] {
    host_.forget(source);
    host_.forget(target);
    return network_.volume.rename(source, target, host_.id(), now());
  });
}

Status ProcessFs::link(const fs::Path& from, const fs::Path& to) {
  const std::string source = name_of(from), target = name_of(to);
  return change("link", target, true, [&] {
    host_.forget(target);
    return network_.volume.link(source, target, host_.id(), now());
  });
}

Status ProcessFs::remove(const fs::Path& path) {
  const std::string name = name_of(path);
  return change("unlink", name, false, [&] {
    host_.forget(name);
    return network_.volume.unlink(name, host_.id(), now());
  });
}

Status ProcessFs::remove_directory(const fs::Path& path) {
  const std::string name = name_of(path);
  return change("rmdir", name, false, [&] { return network_.volume.remove_directory(name, host_.id(), now()); });
}

Status ProcessFs::make_directory(const fs::Path& path) {
  const std::string name = name_of(path);
  return change("mkdir", name, false, [&] {
    auto node = std::make_shared<Node>();
    node->directory = true;
    host_.forget(name);
    return network_.volume.create(name, std::move(node), host_.id(), now());
  });
}

Status ProcessFs::sync_directory(const fs::Path& path) {
  const std::string name = name_of(path);
  return change("fsync", name, false, [&] { return network_.volume.sync_directory(name); });
}

Result<std::vector<std::string>> ProcessFs::list(const fs::Path& path) {
  const std::string name = name_of(path);
  if (!arrive("list")) return std::unexpected(base::errno_error(EIO, name));
  const auto folder = network_.volume.directory(name);
  NDB_TRY(done("list", name, folder == nullptr ? ENOENT : 0));
  return host_.list(*folder);
}

Result<bool> ProcessFs::exists(const fs::Path& path) {
  const std::string name = name_of(path);
  if (!arrive("stat")) return std::unexpected(base::errno_error(EIO, name));
  const auto found = host_.look_up(name);
  NDB_TRY(done("stat", name, found.error == ENOENT ? 0 : found.error));
  return found.error == 0;
}

}  // namespace ndb::sim
