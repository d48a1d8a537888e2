// hnswlib behind a small face, so that its headers and flags stay in one file. Threads: search() is single-threaded here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/search/data_set.hpp"
#include "ndb/collection_config.hpp"

namespace ndb::bench {

class HnswlibPeer {
 public:
  HnswlibPeer(const Matrix& base, Distance distance, std::uint32_t m, std::uint32_t ef_construction, unsigned threads,
              const std::string& cache_file);
  ~HnswlibPeer();

  /// Rows nearest to query [dim], nearest last, as hnswlib returns them.
  void search(const float* query, std::uint32_t k, std::uint32_t ef, std::vector<std::uint32_t>& rows);
  /// 0 if the graph was loaded.
  [[nodiscard]] double build_seconds() const noexcept { return build_seconds_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  double build_seconds_ = 0.0;
};

}  // namespace ndb::bench
