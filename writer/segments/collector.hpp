// Deletes files that nobody needs any more. A file goes only if no kept manifest names it; a manifest is kept while it is among
// the newest few, or was replaced in CURRENT less than the grace time ago, or a live reader on this host pins it; or while the collection's
// history says so, but then without its log: an old version is the state of its segments.
//
// "Ago" is counted by this process, from when it first knew: the clocks of hosts need not agree, and a writer may sleep for an
// hour between stamping a manifest and publishing it. Only for what earlier processes under the same kernel left behind do
// stamps count, so that processes that live shorter than the grace time collect, too.
//
// Before manifests are deleted, BOUNDARY moves: a stalled writer re-reads it after an exclusive create and so never re-creates a
// version that was collected. Threads: one caller at a time.
#pragma once

#include <map>

#include "shared/base/clock.hpp"
#include "shared/format/version_index.hpp"
#include "writer/segments/flush.hpp"
#include "writer/segments/leftovers.hpp"

namespace ndb::writer {

class Collector {
 public:
  Collector(const FlushContext& context, const WriterOptions& options, const base::Clock& clock)
      : context_(context), options_(options), clock_(clock), leftovers_(context.fs, context.collection, clock) {}

  /// One round. min_pinned: the oldest version that a live reader uses. Deletes at most what was obsolete when it began.
  [[nodiscard]] Status collect(std::optional<ManifestVersion> min_pinned);
  /// After a round: whether files that nobody needs are kept only because an old manifest is among the newest few. In a quiet collection that
  /// would last for ever; publishing as many manifests again ends it.
  [[nodiscard]] bool waits_for_manifests(std::optional<ManifestVersion> min_pinned) const;

 private:
  /// The oldest manifest that stays, and the oldest whose log stays, too.
  struct Kept {
    ManifestVersion version, log;
  };

  Status learn_manifests();
  [[nodiscard]] Result<bool> same_clock(Epoch epoch);
  using Entry = format::VersionIndex::Versions::const_iterator;
  [[nodiscard]] bool rested(Entry entry) const;
  [[nodiscard]] bool retained(Entry entry) const;
  [[nodiscard]] Kept first_kept(std::optional<ManifestVersion> min_pinned) const;
  Result<std::vector<fs::Path>> obsolete(Kept kept);
  Status obsolete_wals(ManifestVersion first, std::vector<fs::Path>& out) const;
  Status obsolete_segments(ManifestVersion first, std::vector<fs::Path>& out) const;
  Status delete_all(const std::vector<fs::Path>& paths);

  FlushContext context_;
  const WriterOptions& options_;
  const base::Clock& clock_;
  format::VersionIndex index_;
  std::map<ManifestVersion, std::chrono::steady_clock::time_point> replaced_;  // as known to this process; outlives a failed round
  Leftovers leftovers_;
  std::map<Epoch, bool> same_clock_;  // whether the epoch's writer ran under our kernel
};

}  // namespace ndb::writer
