#include "shared/index/builder/cells.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "shared/index/builder/parallel_rows.hpp"
#include "shared/index/codes/packed_codes.hpp"
#include "shared/index/distance_key.hpp"

namespace ndb::index {
namespace {

constexpr Row kFewestRows = 4096;
constexpr std::size_t kRowsPerCentre = 32;  // of the sample that centres are found on
constexpr int kRounds = 4;
constexpr std::size_t kChunkRows = 1024;    // whose codes stay cached while all centres pass

// A centre, ready to be compared with codes.
struct Centre {
  BitQueryBuffer query;
  PackedQuery packed;
  float offset = 0.0F;  // added to its estimated keys, so that they order rows by their Euclidean distance
};

struct ChunkScratch {
  AlignedBuffer<std::byte> blocks;
};

class CellMaker {
 public:
  CellMaker(const VectorsView& vectors, const BitCodec& codec, const std::byte* codes, std::uint32_t cells, unsigned threads, std::stop_token stop)
      : vectors_(vectors), codec_(codec), codes_(codes), cells_(cells), dim_(vectors.dim), stride_(BitCodec::stride_bytes(vectors.dim)),
        threads_(threads, stop), stop_(std::move(stop)), centres_(cells) {}

  Cells make() {
    std::vector<Row> sample(std::min<std::size_t>(vectors_.rows, kRowsPerCentre * cells_));
    for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = static_cast<Row>(std::uint64_t{vectors_.rows} * i / sample.size());
    begin(sample);
    for (int round = 0; round < kRounds; ++round) {
      if (!prepare() || stop_.stop_requested()) return {};
      move_centres(sample, nearest(sample.size(), [&](std::size_t i) { return sample[i]; }));
    }
    if (!prepare()) return {};
    const auto cell_of = nearest(vectors_.rows, [](std::size_t i) { return static_cast<Row>(i); });
    Cells cells;
    if (stop_.stop_requested() || !encode(cells)) return {};
    sort_rows(cell_of, cells);
    return cells;
  }

 private:
  [[nodiscard]] float normalization(Row row) const noexcept {
    if (vectors_.distance != Distance::cosine) return 1.0F;
    const float inverse = inverse_norm({vectors_.vector(row), dim_});
    return std::isfinite(inverse) ? inverse : 0.0F;
  }

  void begin(const std::vector<Row>& sample) {
    middles_.resize(std::size_t{cells_} * dim_);
    for (std::size_t cell = 0; cell < cells_; ++cell) {
      const Row row = sample[sample.size() * cell / cells_];
      const float scale = normalization(row);
      const float* vector = vectors_.vector(row);
      for (std::size_t i = 0; i < dim_; ++i) middles_[cell * dim_ + i] = vector[i] * scale;
    }
  }

  // False if a centre cannot be coded.
  bool prepare() {
    std::vector<float> middle(dim_);
    for (std::size_t cell = 0; cell < cells_; ++cell) {
      std::copy_n(middles_.begin() + static_cast<std::ptrdiff_t>(cell * dim_), dim_, middle.begin());
      double length2 = 0.0;
      for (const float value : middle) length2 += static_cast<double>(value) * static_cast<double>(value);
      if (vectors_.distance == Distance::cosine && length2 > 0.0)
        for (float& value : middle) value = static_cast<float>(static_cast<double>(value) / std::sqrt(length2));
      Centre& centre = centres_[cell];
      if (!codec_.prepare(middle.data(), false, centre.query)) return false;
      centre.packed.prepare(centre.query);
      if (vectors_.distance == Distance::dot) centre.offset = static_cast<float>(codec_.from_exact(key_from_double(length2 / 2.0)));
    }
    return true;
  }

  // The nearest centre of each of `count` rows.
  template <class RowOf>
  std::vector<std::uint32_t> nearest(std::size_t count, const RowOf& row_of) {
    std::vector<std::uint32_t> cell_of(base::round_up(count, kPackedRows));
    threads_.each((count + kChunkRows - 1) / kChunkRows, [&](std::uint64_t chunk, ChunkScratch& scratch) {
      const std::size_t first = chunk * kChunkRows, rows = std::min(kChunkRows, count - first);
      if (scratch.blocks.size() == 0) scratch.blocks = AlignedBuffer<std::byte>(kChunkRows * stride_);
      std::fill_n(scratch.blocks.data(), kChunkRows * stride_, std::byte{0});
      for (std::size_t i = 0; i < rows; ++i)
        pack_code(codes_ + row_of(first + i) * stride_, dim_, i % kPackedRows, scratch.blocks.data() + i / kPackedRows * kPackedRows * stride_);
      for (std::size_t block = 0; block < rows; block += kPackedRows)
        nearest_of_block(scratch.blocks.data(), block, cell_of.data() + first);
    }, 1);
    cell_of.resize(count);
    return cell_of;
  }

  void nearest_of_block(const std::byte* blocks, std::size_t block, std::uint32_t* cell_of) const {
    alignas(64) std::array<float, kPackedRows> keys, best;
    std::array<std::uint32_t, kPackedRows> cells{};
    best.fill(std::numeric_limits<float>::max());
    for (std::uint32_t cell = 0; cell < cells_; ++cell) {
      const Centre& centre = centres_[cell];
      (void)centre.packed.lowest_keys(codec_.kernels(), blocks + block * stride_, 0.0F, 0.0F, keys);
      for (std::size_t i = 0; i < kPackedRows; ++i) {
        const float key = keys[i] + centre.offset;
        cells[i] = key < best[i] ? cell : cells[i];
        best[i] = std::min(key, best[i]);
      }
    }
    std::ranges::copy(cells, cell_of + block);
  }

  // Each to the mean of its rows; one that has none stays.
  void move_centres(const std::vector<Row>& sample, const std::vector<std::uint32_t>& cell_of) {
    std::vector<std::uint32_t> counts(cells_, 0);
    std::vector<float> sums(std::size_t{cells_} * dim_, 0.0F);
    for (std::size_t i = 0; i < sample.size(); ++i) {
      const float scale = normalization(sample[i]);
      const float* const __restrict vector = vectors_.vector(sample[i]);
      float* const __restrict sum = sums.data() + std::size_t{cell_of[i]} * dim_;
      for (std::size_t at = 0; at < dim_; ++at) sum[at] += vector[at] * scale;
      ++counts[cell_of[i]];
    }
    for (std::size_t cell = 0; cell < cells_; ++cell)
      for (std::size_t i = 0; i < dim_ && counts[cell] > 0; ++i)
        middles_[cell * dim_ + i] = sums[cell * dim_ + i] / static_cast<float>(counts[cell]);
  }

  bool encode(Cells& cells) const {
    cells.codes.resize(cells_ * stride_);
    std::vector<std::byte> code(stride_);
    for (std::size_t cell = 0; cell < cells_; ++cell) {
      if (!codec_.encode(middles_.data() + cell * dim_, code.data(), nullptr)) return false;
      pack_code(code.data(), dim_, cell % kPackedRows, cells.codes.data() + cell / kPackedRows * kPackedRows * stride_);
    }
    return true;
  }

  void sort_rows(const std::vector<std::uint32_t>& cell_of, Cells& cells) const {
    cells.offsets.assign(cells_ + 1, 0);
    for (const auto cell : cell_of) ++cells.offsets[cell + 1];
    for (std::size_t cell = 0; cell < cells_; ++cell) cells.offsets[cell + 1] += cells.offsets[cell];
    auto next = cells.offsets;
    cells.rows.resize(cell_of.size());
    for (Row row = 0; row < cell_of.size(); ++row) cells.rows[next[cell_of[row]]++] = row;
  }

  const VectorsView& vectors_;
  const BitCodec& codec_;
  const std::byte* codes_;
  std::uint32_t cells_;
  std::uint32_t dim_;
  std::size_t stride_;
  ParallelRows<ChunkScratch> threads_;
  std::stop_token stop_;
  std::vector<float> middles_;  // [cells · dim], of length at most 1 under cosine
  std::vector<Centre> centres_;
};

}  // namespace

std::uint32_t cell_count(Row rows) noexcept {
  if (rows < kFewestRows) return 0;
  return static_cast<std::uint32_t>(base::round_up(static_cast<std::uint64_t>(2.0 * std::sqrt(rows)), kPackedRows));
}

Cells make_cells(const VectorsView& vectors, const BitCodec& codec, const std::byte* codes, std::uint32_t cells, unsigned threads,
                 std::stop_token stop) {
  if (cells == 0) return {};
  return CellMaker(vectors, codec, codes, cells, threads, std::move(stop)).make();
}

}  // namespace ndb::index
