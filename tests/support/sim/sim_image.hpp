// What a simulated disk holds: nodes (files and folders) by number; names are entries of folders. A value: copies share nodes,
// which nobody changes. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/bytes.hpp"

namespace ndb::test::sim {

using NodeId = std::uint64_t;

inline constexpr NodeId kNoNode = 0;
inline constexpr NodeId kRoot = 1;

struct Node {
  bool folder = false;
  std::vector<std::byte> bytes{};
  std::map<std::string, NodeId, std::less<>> entries{};
};

using NodePtr = std::shared_ptr<const Node>;

struct Image {
  std::map<NodeId, NodePtr> nodes;

  /// A disk on which only this folder (with those above it) exists.
  [[nodiscard]] static Image with_folder(const std::filesystem::path& path);
  /// kNoNode if there is nothing of that name.
  [[nodiscard]] NodeId find(const std::filesystem::path& path) const;
  /// Equal for images in which the same names lead to the same content.
  [[nodiscard]] std::uint64_t hash() const;
};

/// One change of a disk, or one request to make changes durable. Folders change by entries: a rename is two of them at once.
struct Entry {
  NodeId folder;
  std::string name;
  NodeId node;  ///< kNoNode: the name goes
};

struct Op {
  enum class Kind { make_node, write, entries, sync_file, sync_file_failed, sync_folder };
  Kind kind;
  NodeId node = kNoNode;           ///< what is made, written or synced
  bool folder = false;             ///< make_node
  std::uint64_t offset = 0;        ///< write
  std::vector<std::byte> bytes{};  ///< write
  std::vector<Entry> entries{};    ///< entries
};

/// Writes into bytes as write(2) does: a gap in front is filled with zeros.
void write_into(std::vector<std::byte>& bytes, std::uint64_t offset, base::ByteSpan what);

}  // namespace ndb::test::sim
