// A file system in memory behind the file-system seam, for the two questions that a real one cannot be asked: what if this very
// call fails, and what may be left if the power goes now. It keeps a journal of every change and every sync (see PowerLoss), counts
// calls, and asks a rule about each of them.
//
// A sync that fails is as bad as Linux makes it: what it was to write stays readable, and no later sync of the file ever makes it
// durable.
//
// Threads: any. Rules are called by the thread that makes the call, under the disk's lock: they do not use the disk themselves.
#pragma once

#include <functional>
#include <mutex>
#include <optional>

#include "shared/fs/file_system.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/support/sim/sim_image.hpp"

namespace ndb::test::sim {

/// What a rule does to a call.
struct Verdict {
  enum class Kind {
    refuse,   ///< an error, and nothing happened
    half,     ///< an error, and the first half of the bytes were written (append, write_at)
    lost,     ///< it happened, and its answer is an error all the same
    lie,      ///< success, and nothing happened: a sync that does not sync (file or folder)
    stale,    ///< open_read opens the file that was there before the last rename over it
  };
  Kind kind = Kind::refuse;
  Error error{};
};

class SimDisk final : public fs::FileSystem {
 public:
  /// path: of the file, or the target of link and rename.
  using Rule = std::function<std::optional<Verdict>(Call call, const fs::Path& path)>;

  explicit SimDisk(Image image);

  void set_rule(Rule rule);
  void clear_rule() { set_rule({}); }
  /// Calls so far, those that a rule failed included; reads count, too.
  [[nodiscard]] std::uint64_t calls() const;
  [[nodiscard]] std::size_t journal_size() const;
  [[nodiscard]] std::vector<Op> journal() const;
  /// What a process sees now, synced or not.
  [[nodiscard]] Image image() const;

  Result<std::unique_ptr<fs::File>> open_read(const fs::Path& path) override;
  Result<std::unique_ptr<fs::File>> create_exclusive(const fs::Path& path) override;
  Result<std::unique_ptr<fs::Mapping>> map(const fs::Path& path) override;
  Status rename(const fs::Path& from, const fs::Path& to) override;
  Status link(const fs::Path& from, const fs::Path& to) override;
  Status remove(const fs::Path& path) override;
  Status remove_directory(const fs::Path& path) override;
  Status make_directory(const fs::Path& path) override;
  Status sync_directory(const fs::Path& path) override;
  Result<std::vector<std::string>> list(const fs::Path& path) override;
  Result<bool> exists(const fs::Path& path) override;

 private:
  friend class SimFile;
  struct Place {
    NodeId folder;
    std::string name;
    NodeId node;  // kNoNode: the name is free
  };

  // All of these with mutex_ held.
  Result<Place> place_of(const fs::Path& path) const;
  Result<Place> existing(const char* call, const fs::Path& path) const;
  Result<Place> free_place(const char* call, const fs::Path& path) const;
  Node& changing(NodeId id);
  void record(Op op);
  NodeId make_node(bool folder);
  void enter(std::vector<Entry> entries);
  Status write(NodeId node, std::uint64_t offset, base::ByteSpan bytes);
  Status check_empty(const Place& place, const fs::Path& path) const;
  /// Locks, asks the rule, and makes the call as it says.
  template <class Make>
  auto run(Call call, const fs::Path& path, Make make) -> decltype(make());

  mutable std::mutex mutex_;  // guards the rest
  Rule rule_;
  std::uint64_t calls_ = 0;
  std::optional<Verdict::Kind> verdict_;  // on the call under way
  std::map<fs::Path, NodeId> renamed_over_;
  NodeId next_node_ = kRoot;
  std::map<NodeId, std::shared_ptr<Node>> nodes_;
  std::vector<Op> journal_;
};

}  // namespace ndb::test::sim
