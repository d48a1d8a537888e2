// Deletes files that nobody needs any more. A file goes only if no kept manifest names it; a manifest is kept while it is among
// the newest few, or its successor is younger than the grace time, or a live reader on this host pins it.
//
// Before manifests are deleted, BOUNDARY moves: a stalled writer re-reads it after an exclusive create and so never re-creates a
// version that was collected. Threads: one caller at a time.
#pragma once

#include <map>
#include <set>

#include "shared/base/clock.hpp"
#include "writer/segments/flush.hpp"
#include "writer/segments/leftovers.hpp"

namespace ndb::writer {

class Collector {
 public:
  Collector(const FlushContext& context, const WriterOptions& options, const base::Clock& clock)
      : context_(context), options_(options), clock_(clock), leftovers_(context.fs, context.collection, clock) {}

  /// One round. min_pinned: the oldest version that a live reader uses. Deletes at most what was obsolete when it began.
  [[nodiscard]] Status collect(std::optional<ManifestVersion> min_pinned);

 private:
  struct Known {
    std::uint64_t created_unix_ms = 0;
    std::set<format::WalName> wals;
    std::map<SegmentId, std::set<std::string>> files;
  };

  Status learn_manifests();
  [[nodiscard]] ManifestVersion first_kept(std::optional<ManifestVersion> min_pinned) const;
  Result<std::vector<fs::Path>> obsolete(ManifestVersion first);
  Status obsolete_wals(std::vector<fs::Path>& out) const;
  Status obsolete_segments(std::vector<fs::Path>& out) const;
  Status delete_all(const std::vector<fs::Path>& paths);

  FlushContext context_;
  const WriterOptions& options_;
  const base::Clock& clock_;
  std::map<ManifestVersion, Known> known_;
  Leftovers leftovers_;
};

}  // namespace ndb::writer
