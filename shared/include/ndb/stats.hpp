// What a collection says about itself. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "ndb/collection_config.hpp"
#include "ndb/types.hpp"

namespace ndb {

struct SegmentStats {
  SegmentId id;
  std::uint64_t rows = 0;     ///< rows in the files, deleted ones included
  std::uint64_t deleted = 0;
  std::uint64_t bytes = 0;    ///< on disk
  bool indexed = false;
};

struct IndexStats {
  bool enabled = true;            ///< false after delete_index, until rebuild_index
  std::uint64_t indexed_rows = 0; ///< rows inside segments that have a graph
  std::uint64_t unindexed_rows = 0;
  std::uint64_t graphs = 0;
  std::uint64_t bytes = 0;        ///< of all graphs
  bool building = false;
  double progress = 1.0;          ///< of the build under way, 0–1
};

/// A published version: exactly the state after the operation `seq`.
struct VersionInfo {
  ManifestVersion version;
  Seq seq;
  std::chrono::system_clock::time_point time;  ///< when it was published, by the clock of its writer

  friend bool operator==(const VersionInfo&, const VersionInfo&) = default;
};

/// What is kept of a collection's past; how long, CollectionStats::config says.
struct HistoryStats {
  std::uint64_t versions = 0;   ///< that can be searched, the newest included
  VersionInfo oldest;           ///< of these
  std::uint64_t bytes = 0;      ///< on disk, of files that only older versions need
};

struct CollectionStats {
  std::string name;
  CollectionConfig config;
  std::uint64_t documents = 0;  ///< live ones
  std::uint64_t deleted = 0;    ///< dead rows still in files or memtables
  Seq seq;                      ///< everything up to it is visible here
  Seq flushed_seq;              ///< everything up to it is in segments
  ManifestVersion manifest_version;
  Epoch epoch;
  std::vector<SegmentStats> segments;
  IndexStats index;
  HistoryStats history;
  std::uint64_t segment_bytes = 0;   ///< on disk, of the segments in use
  std::uint64_t wal_bytes = 0;       ///< on disk
  std::uint64_t memtable_bytes = 0;  ///< in memory
  std::uint64_t memtable_documents = 0;
  bool writable = false;             ///< this process holds the write lock
};

/// One reader process that is known to the writer.
struct ReplicaStats {
  std::string host;
  std::uint64_t pid = 0;
  ManifestVersion pinned_version;
  Seq seq;                     ///< applied there
  std::uint64_t lag_seq = 0;   ///< sequence numbers behind the writer
  double age_seconds = 0.0;    ///< since it was last heard of
};

}  // namespace ndb
