// Which published versions of a collection are there, when they were published, and which of them need which file. Each manifest is
// read once, as they never change.
//
// Invariant: a file is named by versions in a row: names are never used again, and what a version dropped no later one takes up.
// Threads: one caller at a time.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shared/format/manifest.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::format {

class VersionIndex {
 public:
  struct Version {
    Epoch epoch;
    std::uint64_t created_unix_ms = 0;
    Seq flushed_seq;
  };
  /// The first and the last version that names a file; bytes: 0 where manifests do not say.
  struct Span {
    ManifestVersion first, last;
    std::uint64_t bytes = 0;
  };
  using Versions = std::map<ManifestVersion, Version>;
  using SegmentFiles = std::map<std::string, Span, std::less<>>;
  using Segments = std::map<SegmentId, SegmentFiles>;
  using Wals = std::map<WalName, Span>;

  /// What to do with a manifest that is damaged, or gone between the list and the look: skip is for those who only look.
  enum class Unreadable : std::uint8_t { fail, skip };

  /// Lists the manifests, reads those that are new and forgets those that are gone.
  [[nodiscard]] Status refresh(fs::FileSystem& fs, const fs::Path& collection, Unreadable unreadable);
  /// Forgets older versions, and files that only they name.
  void forget_before(ManifestVersion first);

  [[nodiscard]] const Versions& versions() const noexcept { return versions_; }
  [[nodiscard]] const Segments& segments() const noexcept { return segments_; }
  [[nodiscard]] const Wals& wals() const noexcept { return wals_; }
  /// Whether `first` or a later version names it.
  [[nodiscard]] bool needs(ManifestVersion first, SegmentId segment, std::string_view file) const;
  [[nodiscard]] bool needs(ManifestVersion first, WalName wal) const;
  /// Bytes of segment files that only versions before `newest` name.
  [[nodiscard]] std::uint64_t bytes_before(ManifestVersion newest) const;

 private:
  void add(const Manifest& manifest);

  Versions versions_;
  Segments segments_;
  Wals wals_;
  ManifestVersion oldest_;  // what only older ones name is forgotten
};

}  // namespace ndb::format
