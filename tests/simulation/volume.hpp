// The shared volume as its server sees it: a tree of files, what of it survives a power loss, and who did what when, so that each
// host can be shown an older state than there is.
//
// Names: every change is at once there for the server; a power loss takes back a random suffix of each directory's changes since
// its last sync. Content: a file belongs to the host that created it; others see the first visible(t) bytes, the host's
// own crash loses the rest; a power loss leaves the synced bytes and a random piece of the rest, possibly garbled.
//
// Threads: one. Time is passed in; nothing here sleeps.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/bytes.hpp"
#include "tests/simulation/scheduler.hpp"

namespace ndb::sim {

using HostId = int;

/// Memory that may be used as if it were mapped: page-aligned.
template <class T>
struct PageAligned {
  using value_type = T;
  PageAligned() = default;
  template <class U>
  explicit PageAligned(const PageAligned<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{4096})); }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, std::align_val_t{4096}); }
  friend bool operator==(const PageAligned&, const PageAligned&) { return true; }
};

struct Node;
using NodePtr = std::shared_ptr<Node>;

/// A name in a directory.
struct Binding {
  NodePtr node;
  Time since{0};
  HostId by = 0;
  std::uint64_t serial = 0;  ///< of the change that made it
};

struct Node {
  bool directory = false;
  std::uint64_t number = 0;
  HostId owner = 0;
  // files
  std::vector<std::byte, PageAligned<std::byte>> bytes;  // as the owner sees it
  std::size_t synced_bytes = 0;
  std::vector<std::pair<Time, std::size_t>> visible;  // from then on others see so much; ascending
  int links = 0;
  HostId unlinked_by = 0;     // who removed the last name
  bool frozen = false;        // published: must not change any more
  // directories
  struct Change {
    std::string name;
    std::optional<Binding> before;
    Time at{0};
    HostId by = 0;
    std::uint64_t serial = 0;
  };
  std::map<std::string, Binding, std::less<>> entries;
  std::vector<Change> unsynced;  // oldest first
  std::vector<Change> recent;    // for others that see an older list

  [[nodiscard]] std::size_t visible_bytes(Time at) const;
};

/// Watches what happens; every path is absolute.
class VolumeObserver {
 public:
  virtual ~VolumeObserver() = default;
  virtual void created(const std::string& path, const Node& node) = 0;
  /// A name was pointed at another file (rename).
  virtual void replaced(const std::string& path, const Node& node) = 0;
  virtual void removed(const std::string& path, const Node& node) = 0;
  /// A published file was written to.
  virtual void changed_frozen(const Node& node) = 0;
  /// A power loss took a name back.
  virtual void lost(const std::string& path) = 0;
};

class Volume {
 public:
  explicit Volume(std::uint64_t seed) : random_(seed), root_(std::make_shared<Node>()) { root_->directory = true; }
  void set_observer(VolumeObserver* observer) { observer_ = observer; }

  [[nodiscard]] const Binding* find(std::string_view path) const;
  [[nodiscard]] NodePtr directory(std::string_view path) const;
  /// What happened to the name in the last seconds, newest first.
  [[nodiscard]] std::vector<const Node::Change*> recent_changes(std::string_view path) const;

  // Each returns 0 or an errno.
  int create(std::string_view path, NodePtr node, HostId by, Time now);
  int link(std::string_view from, std::string_view to, HostId by, Time now);
  int rename(std::string_view from, std::string_view to, HostId by, Time now);
  int unlink(std::string_view path, HostId by, Time now);
  int remove_directory(std::string_view path, HostId by, Time now);
  int sync_directory(std::string_view path);

  void write(Node& node, std::uint64_t offset, base::ByteSpan bytes, Time now);
  static void sync(Node& node, Time now);

  /// The host is gone, and with it what only it had.
  void crash(HostId host, Time now);
  /// Everything loses power.
  void power_loss(Time now);
  /// For reading a file as the server has it, and to wander about.
  [[nodiscard]] const NodePtr& root() const noexcept { return root_; }

 private:
  struct Place {
    NodePtr folder;
    std::string name;
  };
  [[nodiscard]] std::optional<Place> place(std::string_view path) const;
  void change(const Place& place, std::optional<Binding> to, HostId by, Time now);
  void lose_names(Node& folder, const std::string& path);
  template <class F>
  void each_file(Node& folder, F f);

  Random random_;
  NodePtr root_;
  VolumeObserver* observer_ = nullptr;
  std::uint64_t serial_ = 0;
};

}  // namespace ndb::sim
