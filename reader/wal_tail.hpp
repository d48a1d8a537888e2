// Follows the WAL files of a manifest into a LiveState, frame by frame. Threads: one (the follower's).
//
// Invariant: applied operations have no gaps: a frame is applied only if it continues the state's last sequence number.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "shared/live/live_state.hpp"

namespace ndb::reader {

/// The manifest's entry for a WAL file; wals.end() if it names none.
[[nodiscard]] inline auto find_wal(const format::Manifest& manifest, format::WalName name) {
  return std::ranges::find(manifest.wals, name, &format::ManifestWal::name);
}

class WalTail {
 public:
  WalTail(fs::FileSystem& fs, fs::Path collection) : fs_(fs), collection_(std::move(collection)) {}

  /// Applies what the files of the state's manifest hold beyond what it has. reopen: open files anew (over a network an open
  /// file may show an old length). True if anything was applied. An unfinished frame is left for later; corruption only
  /// inside a sealed part, or where a file is not what the manifest says; unavailable if a file ends before its seal, for then it was
  /// truncated or this host sees an old length.
  [[nodiscard]] Result<bool> advance(live::LiveState& state, bool reopen);
  /// The file that is being read.
  [[nodiscard]] format::WalName file() const noexcept { return name_; }
  /// How much of a file went into the state; 0 for a file that was never read.
  [[nodiscard]] std::uint64_t bytes_read(format::WalName name) const;
  /// Set while the next bytes are no valid frame though they are there: a write under way, or damage.
  [[nodiscard]] bool stuck() const noexcept { return stuck_; }

 private:
  enum class Start { continues, header_only, something_else };
  [[nodiscard]] Result<Start> look_at(const live::LiveState& state, fs::File& file, format::WalName name) const;
  Result<bool> drain(live::LiveState& state);
  Result<bool> move_on(live::LiveState& state);
  Result<std::unique_ptr<fs::File>> open(const format::Manifest& manifest, format::WalName name);
  [[nodiscard]] std::uint64_t end_of(const format::Manifest& manifest) const;
  Status apply(live::LiveState& state, const format::WalFrame& frame, bool& gap);

  fs::FileSystem& fs_;
  const fs::Path collection_;
  std::unique_ptr<fs::File> file_;
  format::WalName name_;
  std::uint64_t offset_ = 0;
  std::map<format::WalName, std::uint64_t> left_;  // files of the state's memtables that were read before, and how far
  std::vector<std::byte> buffer_;
  bool stuck_ = false;
};

}  // namespace ndb::reader
