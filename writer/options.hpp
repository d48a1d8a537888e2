// Tunables of a collection's writer, each with what it costs. Plain values.
#pragma once

#include <chrono>
#include <cstdint>

namespace ndb::writer {

struct WriterOptions {
  std::uint64_t memtable_bytes = 64ULL << 20;  ///< flushed beyond this; more: fewer segments, longer recovery
  std::uint32_t max_frozen_memtables = 4;      ///< more waiting to be flushed hold writes back
  std::chrono::milliseconds sync_interval{100};
  std::chrono::milliseconds backpressure_timeout{30'000};  ///< a write held back longer than this is `overloaded`
  std::chrono::milliseconds gc_grace{std::chrono::minutes(15)};
  std::uint32_t kept_manifests = 4;
  std::uint32_t index_threads = 0;             ///< 0: all cores
  std::uint32_t index_min_rows = 1'000;
  std::uint64_t segment_max_rows = 4'000'000;
  double merge_ratio = 2.0;                    ///< a segment this many times as large as all smaller ones together stays as it is; more: fewer segments, more writing
  std::uint64_t merge_bytes_per_second = 0;    ///< that merges and new graphs write; 0: no limit
  double max_deleted_share = 0.2;              ///< a segment with more dead rows is rewritten
};

}  // namespace ndb::writer
