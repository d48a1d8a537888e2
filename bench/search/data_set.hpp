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

[[nodiscard]] Result<DataSet> load_data_set(const std::filesystem::path& folder);

}  // namespace ndb::bench
