#include "tests/support/sim/sim_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

namespace ndb::test::sim {
namespace {

class SimMapping final : public fs::Mapping {
 public:
  explicit SimMapping(base::ByteSpan content) : memory_(std::make_unique_for_overwrite<std::byte[]>(content.size() + kPage)) {
    void* start = memory_.get();
    std::size_t space = content.size() + kPage;
    std::align(kPage, content.size(), start, space);
    if (!content.empty()) std::memcpy(start, content.data(), content.size());
    bytes_ = {static_cast<const std::byte*>(start), content.size()};
  }

 private:
  static constexpr std::size_t kPage = 4096;
  std::unique_ptr<std::byte[]> memory_;
};

std::unexpected<Error> failed(int error_number, const char* call, const fs::Path& path) {
  return base::fail_errno(error_number, std::string(call) + " " + path.string());
}

}  // namespace

class SimFile final : public fs::File {
 public:
  SimFile(SimDisk& disk, NodeId node, fs::Path path) : disk_(disk), node_(node), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    return disk_.run(Call::read_at, path_, [&]() -> Result<std::size_t> {
      const auto& bytes = disk_.nodes_.at(node_)->bytes;
      if (offset >= bytes.size()) return std::size_t{0};
      const auto part = base::ByteSpan(bytes).subspan(offset).first(std::min<std::size_t>(into.size(), bytes.size() - offset));
      std::ranges::copy(part, into.begin());
      return part.size();
    });
  }
  Status append(base::ByteSpan bytes) override {
    return disk_.run(Call::append, path_, [&] {
      const auto status = disk_.write(node_, end_, bytes);
      end_ += bytes.size();
      return status;
    });
  }
  Status write_at(std::uint64_t offset, base::ByteSpan bytes) override {
    return disk_.run(Call::write_at, path_, [&] { return disk_.write(node_, offset, bytes); });
  }
  Status sync() override {
    const auto status = disk_.run(Call::sync, path_, [&] {
      disk_.record({.kind = Op::Kind::sync_file, .node = node_});
      return Status{};
    });
    if (!status) {
      const std::scoped_lock lock(disk_.mutex_);
      disk_.record({.kind = Op::Kind::sync_file_failed, .node = node_});
    }
    return status;
  }
  Result<std::uint64_t> size() override {
    const std::scoped_lock lock(disk_.mutex_);
    return disk_.nodes_.at(node_)->bytes.size();
  }

 private:
  SimDisk& disk_;
  const NodeId node_;
  const fs::Path path_;
  std::uint64_t end_ = 0;
};

template <class Make>
auto SimDisk::run(Call call, const fs::Path& path, Make make) -> decltype(make()) {
  const std::scoped_lock lock(mutex_);
  ++calls_;
  const auto verdict = rule_ ? rule_(call, path) : std::nullopt;
  if (!verdict) return make();
  if (verdict->kind == Verdict::Kind::refuse) return std::unexpected(verdict->error);
  if constexpr (std::is_same_v<decltype(make()), Status>)
    if (verdict->kind == Verdict::Kind::lie) return {};
  verdict_ = verdict->kind;
  auto made = make();
  verdict_.reset();
  if (verdict->kind == Verdict::Kind::stale) return made;
  if (!made) return std::unexpected(made.error());
  return std::unexpected(verdict->error);
}

SimDisk::SimDisk(Image image) {
  for (auto& [id, node] : image.nodes) {
    // Shared with the image until it changes here: see changing().
    nodes_.emplace(id, std::const_pointer_cast<Node>(node));
    next_node_ = std::max(next_node_, id);
  }
}

void SimDisk::set_rule(Rule rule) {
  const std::scoped_lock lock(mutex_);
  rule_ = std::move(rule);
}

std::uint64_t SimDisk::calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}

std::size_t SimDisk::journal_size() const {
  const std::scoped_lock lock(mutex_);
  return journal_.size();
}

std::vector<Op> SimDisk::journal() const {
  const std::scoped_lock lock(mutex_);
  return journal_;
}

Image SimDisk::image() const {
  const std::scoped_lock lock(mutex_);
  Image image;
  for (const auto& [id, node] : nodes_) image.nodes.emplace(id, node);
  return image;
}

Result<SimDisk::Place> SimDisk::place_of(const fs::Path& path) const {
  NodeId folder = kNoNode;
  NodeId node = kRoot;
  for (const auto& part : path.relative_path()) {
    if (node == kNoNode) return failed(ENOENT, "look up", path);
    folder = node;
    const auto& parent = *nodes_.at(folder);
    if (!parent.folder) return failed(ENOTDIR, "look up", path);
    const auto entry = parent.entries.find(part.native());
    node = entry == parent.entries.end() ? kNoNode : entry->second;
  }
  return Place{folder, path.filename().string(), node};
}

Result<SimDisk::Place> SimDisk::existing(const char* call, const fs::Path& path) const {
  NDB_TRY_ASSIGN(auto place, place_of(path));
  if (place.node == kNoNode) return failed(ENOENT, call, path);
  return place;
}

Result<SimDisk::Place> SimDisk::free_place(const char* call, const fs::Path& path) const {
  NDB_TRY_ASSIGN(auto place, place_of(path));
  if (place.node != kNoNode) return failed(EEXIST, call, path);
  return place;
}

Node& SimDisk::changing(NodeId id) {
  auto& node = nodes_.at(id);
  if (node.use_count() > 1) node = std::make_shared<Node>(*node);
  return *node;
}

void SimDisk::record(Op op) { journal_.push_back(std::move(op)); }

NodeId SimDisk::make_node(bool folder) {
  const NodeId id = ++next_node_;
  nodes_.emplace(id, std::make_shared<Node>(Node{.folder = folder}));
  record({.kind = Op::Kind::make_node, .node = id, .folder = folder});
  return id;
}

void SimDisk::enter(std::vector<Entry> entries) {
  for (const auto& [folder, name, node] : entries) {
    auto& names = changing(folder).entries;
    if (node == kNoNode) names.erase(name);
    else names[name] = node;
  }
  record({.kind = Op::Kind::entries, .entries = std::move(entries)});
}

Status SimDisk::write(NodeId node, std::uint64_t offset, base::ByteSpan bytes) {
  if (verdict_ == Verdict::Kind::half) bytes = bytes.first(bytes.size() / 2);
  write_into(changing(node).bytes, offset, bytes);
  record({.kind = Op::Kind::write, .node = node, .offset = offset, .bytes = {bytes.begin(), bytes.end()}});
  return {};
}

Status SimDisk::check_empty(const Place& place, const fs::Path& path) const {
  const Node& node = *nodes_.at(place.node);
  if (!node.folder) return failed(ENOTDIR, "rmdir", path);
  if (!node.entries.empty()) return failed(ENOTEMPTY, "rmdir", path);
  return {};
}

Result<std::unique_ptr<fs::File>> SimDisk::open_read(const fs::Path& path) {
  return run(Call::open_read, path, [&]() -> Result<std::unique_ptr<fs::File>> {
    NDB_TRY_ASSIGN(const auto place, existing("open", path));
    const auto old = renamed_over_.find(path);
    const bool stale = verdict_ == Verdict::Kind::stale && old != renamed_over_.end();
    return std::make_unique<SimFile>(*this, stale ? old->second : place.node, path);
  });
}

Result<std::unique_ptr<fs::File>> SimDisk::create_exclusive(const fs::Path& path) {
  return run(Call::create_exclusive, path, [&]() -> Result<std::unique_ptr<fs::File>> {
    NDB_TRY_ASSIGN(const auto place, free_place("create", path));
    const NodeId node = make_node(false);
    enter({{place.folder, place.name, node}});
    return std::make_unique<SimFile>(*this, node, path);
  });
}

Result<std::unique_ptr<fs::Mapping>> SimDisk::map(const fs::Path& path) {
  return run(Call::map, path, [&]() -> Result<std::unique_ptr<fs::Mapping>> {
    NDB_TRY_ASSIGN(const auto place, existing("map", path));
    return std::make_unique<SimMapping>(nodes_.at(place.node)->bytes);
  });
}

Status SimDisk::rename(const fs::Path& from, const fs::Path& to) {
  return run(Call::rename, to, [&]() -> Status {
    NDB_TRY_ASSIGN(const auto source, existing("rename", from));
    NDB_TRY_ASSIGN(const auto target, place_of(to));
    // Over a folder that is not empty rename(2) says ENOTEMPTY or EEXIST, as the file system likes.
    if (target.node != kNoNode && nodes_.at(target.node)->folder && !check_empty(target, to)) return failed(EEXIST, "rename", to);
    if (target.node != kNoNode) renamed_over_[to] = target.node;
    enter({{source.folder, source.name, kNoNode}, {target.folder, target.name, source.node}});
    return {};
  });
}

Status SimDisk::link(const fs::Path& from, const fs::Path& to) {
  return run(Call::link, to, [&]() -> Status {
    NDB_TRY_ASSIGN(const auto source, existing("link", from));
    NDB_TRY_ASSIGN(const auto target, free_place("link", to));
    enter({{target.folder, target.name, source.node}});
    return {};
  });
}

Status SimDisk::remove(const fs::Path& path) {
  return run(Call::remove, path, [&]() -> Status {
    NDB_TRY_ASSIGN(const auto place, existing("unlink", path));
    if (nodes_.at(place.node)->folder) return failed(EISDIR, "unlink", path);
    enter({{place.folder, place.name, kNoNode}});
    return {};
  });
}

Status SimDisk::remove_directory(const fs::Path& path) {
  return run(Call::remove_directory, path, [&]() -> Status {
    NDB_TRY_ASSIGN(const auto place, existing("rmdir", path));
    NDB_TRY(check_empty(place, path));
    enter({{place.folder, place.name, kNoNode}});
    return {};
  });
}

Status SimDisk::make_directory(const fs::Path& path) {
  return run(Call::make_directory, path, [&]() -> Status {
    NDB_TRY_ASSIGN(const auto place, free_place("mkdir", path));
    enter({{place.folder, place.name, make_node(true)}});
    return {};
  });
}

Status SimDisk::sync_directory(const fs::Path& path) {
  return run(Call::sync_directory, path, [&]() -> Status {
    NDB_TRY_ASSIGN(const auto place, existing("open", path));
    record({.kind = Op::Kind::sync_folder, .node = place.node});
    return {};
  });
}

Result<std::vector<std::string>> SimDisk::list(const fs::Path& path) {
  return run(Call::list, path, [&]() -> Result<std::vector<std::string>> {
    NDB_TRY_ASSIGN(const auto place, existing("list", path));
    std::vector<std::string> names;
    for (const auto& [name, node] : nodes_.at(place.node)->entries) names.push_back(name);
    return names;
  });
}

Result<bool> SimDisk::exists(const fs::Path& path) {
  return run(Call::exists, path, [&]() -> Result<bool> {
    const auto place = place_of(path);
    return place && place->node != kNoNode;
  });
}

}  // namespace ndb::test::sim
