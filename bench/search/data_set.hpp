// Vectors, queries and ground truth from a folder: base.npy or base.fvecs, query.npy or query.fvecs, groundtruth.ivecs.
// .npy holds [n, dim] uint8 or float32, C order. Threads: plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "ndb/error.hpp"

namespace ndb::bench {

struct Matrix {
  std::size_t rows = 0;
  std::size_t dim = 0;
  std::vector<float> values;  // [rows · dim]

  [[nodiscard]] const float* row(std::size_t i) const noexcept { return values.data() + i * dim; }
};

struct DataSet {
  Matrix base;
  Matrix queries;
  std::vector<std::vector<std::uint32_t>> truth;  // [queries] nearest base rows, nearest first
};

/// Share of the k true nearest of each query that `found` [queries] holds.
[[nodiscard]] double recall_of(const DataSet& data, const std::vector<std::vector<std::uint32_t>>& found, std::uint32_t k);

/// All of a data set, or what is asked and the answers only, where the base need not be in memory.
[[nodiscard]] Result<DataSet> load_queries(const std::filesystem::path& folder);
[[nodiscard]] Result<DataSet> load_data_set(const std::filesystem::path& folder);

}  // namespace ndb::bench
