#include "tests/support/sim/sim_image.hpp"

#include <algorithm>

#include "shared/base/crc32c.hpp"

namespace ndb::test::sim {
namespace {

std::uint64_t mixed(std::uint64_t seed, std::uint64_t value) {
  std::uint64_t x = (seed ^ value) * 0x9E3779B97F4A7C15ULL;
  x ^= x >> 29;
  return x * 0xBF58476D1CE4E5B9ULL;
}

std::uint64_t hash_of(base::ByteSpan bytes) {
  return std::uint64_t{base::crc32c(bytes)} << 32 | base::crc32c(bytes, 0x5bd1e995U);
}

std::uint64_t hash_node(const Image& image, NodeId id) {
  const auto found = image.nodes.find(id);
  if (found == image.nodes.end()) return 1;
  const Node& node = *found->second;
  if (!node.folder) return mixed(hash_of(node.bytes), node.bytes.size());
  std::uint64_t hash = 2;
  for (const auto& [name, child] : node.entries)
    hash = mixed(mixed(hash, hash_of(base::as_bytes(name))), hash_node(image, child));
  return hash;
}

}  // namespace

Image Image::with_folder(const std::filesystem::path& path) {
  Image image;
  NodeId id = kRoot;
  auto node = std::make_shared<Node>(Node{.folder = true});
  for (const auto& part : path.relative_path()) {
    node->entries.emplace(part.string(), id + 1);
    image.nodes.emplace(id++, node);
    node = std::make_shared<Node>(Node{.folder = true});
  }
  image.nodes.emplace(id, node);
  return image;
}

NodeId Image::find(const std::filesystem::path& path) const {
  NodeId id = kRoot;
  for (const auto& part : path.relative_path()) {
    const auto folder = nodes.find(id);
    if (folder == nodes.end()) return kNoNode;
    const auto entry = folder->second->entries.find(part.native());
    if (entry == folder->second->entries.end()) return kNoNode;
    id = entry->second;
  }
  return id;
}

std::uint64_t Image::hash() const { return hash_node(*this, kRoot); }

void write_into(std::vector<std::byte>& bytes, std::uint64_t offset, base::ByteSpan what) {
  if (bytes.size() < offset + what.size()) bytes.resize(offset + what.size());
  std::ranges::copy(what, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace ndb::test::sim
