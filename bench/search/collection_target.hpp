// nDB as its users have it: a collection in a folder, written once, then opened read-only and searched through the mapped
// segments. Threads: search() from any number of threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "bench/search/data_set.hpp"
#include "ndb/ndb.hpp"

namespace ndb::bench {

struct CollectionOptions {
  CollectionConfig config{};
  unsigned index_threads = 1;
  std::size_t segments = 1;  ///< how many segments of equal size the rows end in
};

class CollectionTarget {
 public:
  /// Opens the collection in `folder`, or writes and indexes it first. Throws std::runtime_error.
  CollectionTarget(const std::filesystem::path& folder, const Matrix& base, const CollectionOptions& options);

  void search(const float* query, std::uint32_t k, std::uint32_t ef, std::vector<std::uint32_t>& rows) const;
  /// The same with a wanted recall, above 0 and at most 1, instead of ef.
  void search_recall(const float* query, std::uint32_t k, double recall, std::vector<std::uint32_t>& rows) const;
  [[nodiscard]] SearchPlan explain(const float* query, std::uint32_t k, std::uint32_t ef) const;
  /// Writing, flushing and indexing; 0 if it was there.
  [[nodiscard]] double build_seconds() const noexcept { return build_seconds_; }
  [[nodiscard]] CollectionStats stats() const;

 private:
  void search(const Search& search, std::vector<std::uint32_t>& rows) const;

  std::optional<Database> database_;
  std::optional<Collection> collection_;
  std::size_t dim_;
  double build_seconds_ = 0.0;
};

}  // namespace ndb::bench
