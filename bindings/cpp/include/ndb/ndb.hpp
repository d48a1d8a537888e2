// nDB, embedded: open a folder, create collections, insert documents, search them.
//
// Threads: every object here may be used from any number of threads at once and is cheap to copy (copies share one
// engine). Opening the same folder twice in a process shares one engine too.
// Processes: any number may open one folder. The first mutation of a collection takes its write lock, which is kept
// until the last copy is gone (or close()); another process that writes gets collection_locked with the holder's pid and
// host. Reading takes no lock and needs no write permission, and sees each acknowledged write within milliseconds.
// Errors: values, never exceptions; see ndb/error.hpp. A refused call changes nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/collection_config.hpp"
#include "ndb/document.hpp"
#include "ndb/error.hpp"
#include "ndb/filter.hpp"
#include "ndb/search.hpp"
#include "ndb/stats.hpp"
#include "ndb/types.hpp"

namespace ndb {

/// Tunables of an opened database, each with its default and its cost.
struct DatabaseOptions {
  /// Never take a write lock, never write a byte to the folder; mutations answer read_only.
  bool read_only = false;
  /// Bytes of documents that a memtable holds before it is flushed to a segment. More: fewer, larger segments; longer
  /// recovery and more memory.
  std::uint64_t memtable_bytes = 64ULL << 20;
  /// Buffered writes are synced at most this long after they were acknowledged.
  std::chrono::milliseconds sync_interval{100};
  /// How often a reader looks at the files when no wake-up came through shared memory.
  std::chrono::milliseconds poll_interval{50};
  /// A file that no manifest names any more is kept at least this long for readers on other hosts.
  std::chrono::milliseconds gc_grace{std::chrono::minutes(15)};
  /// Threads for building indexes; 0 means all cores.
  std::uint32_t index_threads = 0;
  /// Segments with fewer rows get no graph: scanning them is as fast.
  std::uint32_t index_min_rows = 1'000;
  /// Rows up to which compaction merges segments into one.
  std::uint64_t segment_max_rows = 4'000'000;
  /// MiB that merges and new graphs write a second at most, so that they leave the disk to searches and the log; 0 means no limit. Too low a limit
  /// lets segments pile up. (They have low CPU and disk priority in any case.)
  std::uint32_t merge_mb_per_second = 0;
  /// Use the control block in shared memory (wake-ups, reader pins). Without it everything works by polling.
  bool shared_memory = true;
};

/// Many documents, read in pages: see Collection::scroll.
struct ScrollPage {
  std::vector<Document> documents;   ///< ordered by id
  std::optional<std::string> next;   ///< pass as `after` for the next page; none at the end
};

/// A document's existence in a multi-get.
struct GetManyResult {
  std::vector<Document> documents;   ///< in the order of the ids asked for
  std::vector<std::string> missing;
};

class Collection {
 public:
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] const CollectionConfig& config() const noexcept;

  /// Inserts or replaces one document. Visible to searches here as soon as it returns.
  [[nodiscard]] Result<WriteResult> insert(const DocumentView& document);
  /// Inserts or replaces all of them, or none. An id that is given twice is inserted in the order given.
  [[nodiscard]] Result<WriteResult> insert_batch(std::span<const DocumentView> documents);
  [[nodiscard]] Result<WriteResult> insert_batch(std::span<const Document> documents);
  /// not_found if there is no such document.
  [[nodiscard]] Result<Document> get(std::string_view id) const;
  [[nodiscard]] Result<GetManyResult> get_many(std::span<const std::string> ids) const;
  /// Removes one document; not_found if there is none.
  [[nodiscard]] Result<WriteResult> remove(std::string_view id);
  /// Removes those that exist, atomically; `deleted` counts them.
  [[nodiscard]] Result<WriteResult> remove_many(std::span<const std::string> ids);
  [[nodiscard]] Result<WriteResult> remove_where(const Filter& filter);

  [[nodiscard]] Result<SearchResult> search(const Search& search) const;
  /// Searches in parallel; results in the order of `searches`, all computed at one state.
  [[nodiscard]] Result<std::vector<SearchResult>> search_batch(std::span<const Search> searches) const;
  [[nodiscard]] Result<std::uint64_t> count(const Filter& filter = {}) const;
  /// Documents that match, ordered by id, after `after`. limit: 1–10,000; a page ends early at 64 MiB.
  [[nodiscard]] Result<ScrollPage> scroll(const Filter& filter, std::uint32_t limit,
                                          std::optional<std::string> after = {}) const;

  /// Writes what is in memory to a segment. With wait, returns when it is published.
  [[nodiscard]] Result<ManifestVersion> flush(bool wait = true);
  /// Merges segments and drops deleted rows.
  [[nodiscard]] Result<ManifestVersion> compact(bool wait = true);
  /// Builds every graph anew (and turns indexing on again after delete_index).
  [[nodiscard]] Result<ManifestVersion> rebuild_index(bool wait = true);
  /// Drops every graph and builds no new one until rebuild_index; searches scan exactly.
  [[nodiscard]] Result<ManifestVersion> delete_index();
  [[nodiscard]] bool has_index() const;
  [[nodiscard]] Result<IndexStats> index_stats() const;
  [[nodiscard]] Result<CollectionStats> stats() const;
  /// The manifest in use, as JSON.
  [[nodiscard]] Result<std::string> manifest() const;
  [[nodiscard]] Result<std::vector<ReplicaStats>> replicas() const;

  /// The collection as it was at a version: a handle that answers search, get, count, scroll, stats and manifest from that state, and
  /// mutations with read_only. A version is what was published, so it lacks what was only in memory and in the log then. It stays whole as
  /// long as the handle lives. not_found (naming the versions that are kept) if it is kept no longer; invalid_argument if it is yet to come.
  [[nodiscard]] Result<Collection> at_version(ManifestVersion version) const;
  /// The same for the newest version that had been published at that time (by the clocks of the writers then).
  [[nodiscard]] Result<Collection> at_time(std::chrono::system_clock::time_point time) const;
  /// Which state this handle shows, if it is one of at_version() or at_time().
  [[nodiscard]] std::optional<VersionInfo> as_of() const;
  /// The versions that are there, oldest first; the last one is the newest.
  [[nodiscard]] Result<std::vector<VersionInfo>> versions() const;
  /// From now on, old versions are kept that long. Takes the write lock. What is not kept any more goes in the background.
  [[nodiscard]] Result<ManifestVersion> set_history(const HistoryConfig& history);
  /// Returns when everything up to `seq` is visible here; timeout otherwise.
  [[nodiscard]] Status wait_for(Seq seq, std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;
  /// Takes the write lock now rather than at the first mutation.
  [[nodiscard]] Status acquire_write_lock();

  class Impl;
  explicit Collection(std::shared_ptr<Impl> impl) noexcept;

 private:
  std::shared_ptr<Impl> impl_;
};

class Database {
 public:
  /// Opens the folder, creating it unless options.read_only.
  [[nodiscard]] static Result<Database> open(const std::filesystem::path& folder, const DatabaseOptions& options = {});

  /// already_exists if there is one of that name.
  [[nodiscard]] Result<Collection> create_collection(std::string_view name, const CollectionConfig& config);
  /// not_found if there is none. Takes no lock.
  [[nodiscard]] Result<Collection> get_collection(std::string_view name) const;
  /// False too where it cannot be told: once closed, in a process that inherited it, or if the folder cannot be read (list_collections() says why).
  [[nodiscard]] bool has_collection(std::string_view name) const;
  /// Names in order.
  [[nodiscard]] Result<std::vector<std::string>> list_collections() const;
  /// Removes the collection and its files; collection_locked if another process writes to it.
  [[nodiscard]] Status drop_collection(std::string_view name);
  /// Syncs and releases everything this process holds; later calls on collections answer unavailable.
  [[nodiscard]] Status close();

  class Impl;
  explicit Database(std::shared_ptr<Impl> impl) noexcept;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace ndb
