// Compares the rows that a filter lets through cell by cell (HnswView::cells()), from the cells whose centres are nearest to the query on, until
// more cells bring nothing: what is as good where one row in twenty matches as where one in two does, and where what matches is far away.
//
// Threads: pure functions; scratch and collector belong to the calling thread.
// Invariants: what reaches the collector has exact keys and was accepted. All cells are looked through before fewer than k are found.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>

#include "shared/index/matching_scan.hpp"

namespace ndb::index {
namespace detail {

/// Cells, nearly in the order of their centres' distances to the query: those that are about equally far away in any.
class NearestCells {
 public:
  /// block_of(cell): the codes of kPackedRows centres from `cell` on, each kPackedRows-th.
  template <class BlockOf>
  NearestCells(const simd::Kernels& kernels, std::uint32_t cells, BlockOf&& block_of, const PackedQuery& query, std::vector<float>& keys,
               std::vector<std::uint32_t>& order)
      : order_(&order) {
    keys.resize(cells);
    alignas(64) std::array<float, kPackedRows> block;
    for (std::uint32_t cell = 0; cell < cells; cell += kPackedRows) {
      (void)query.lowest_keys(kernels, block_of(cell), 0.0F, 0.0F, block);
      std::ranges::copy(block, keys.begin() + cell);
    }
    const auto [least, most] = std::ranges::minmax(keys);
    const float scale = most - least > 0.0F ? (kSteps - 1) / (most - least) : 0.0F;
    std::array<std::uint32_t, kSteps + 1> starts{};
    const auto step_of = [&](float key) {
      const float step = (key - least) * scale;
      return step >= 0.0F && step < kSteps ? static_cast<std::size_t>(step) : 0;  // (damaged centres may have any key)
    };
    for (const float key : keys) ++starts[step_of(key) + 1];
    for (std::size_t i = 0; i < kSteps; ++i) starts[i + 1] += starts[i];
    order.resize(keys.size());
    for (std::uint32_t cell = 0; cell < keys.size(); ++cell) order[starts[step_of(keys[cell])]++] = cell;
  }
  [[nodiscard]] bool empty() const noexcept { return next_ == order_->size(); }
  std::uint32_t take() { return (*order_)[next_++]; }
  /// Those that take() gives next, at most so many.
  [[nodiscard]] std::span<const std::uint32_t> upcoming(std::size_t most) const noexcept {
    return std::span<const std::uint32_t>(*order_).subspan(next_).first(std::min(most, order_->size() - next_));
  }

 private:
  static constexpr std::size_t kSteps = 256;
  std::vector<std::uint32_t>* order_;
  std::size_t next_ = 0;
};

/// From this share of accepted rows among the first so many, a walk is better (as it is for a whole segment from that share on).
inline constexpr double kMostlyNearby = 0.55;
inline constexpr std::size_t kRowsNearby = 128;

/// When to stop: once the last cells, and enough rows in them, have brought nothing.
class Patience {
 public:
  explicit Patience(std::uint32_t ef) noexcept : ef_(ef) {}
  /// A cell with `rows` accepted rows was looked through.
  void looked(std::size_t rows, bool better) noexcept {
    ++cells_;
    rows_ += rows;
    if (!better) return;
    last_cells_ = cells_;
    last_rows_ = rows_;
  }
  [[nodiscard]] bool is_over() const noexcept {
    return static_cast<double>(cells_) >= kCells + kGrowth * static_cast<double>(last_cells_) &&
           static_cast<double>(rows_ - last_rows_) >= kRowsPerCandidate * ef_;
  }

 private:
  // Chosen on images and text among 48 combinations: recall per time hardly differs, and with these an ef finds about as much as it does in an
  // unfiltered walk. Cells without a match do not count.
  static constexpr double kCells = 2.0;
  static constexpr double kGrowth = 1.5;
  static constexpr double kRowsPerCandidate = 4.0;

  double ef_;
  std::size_t cells_ = 0, rows_ = 0, last_cells_ = 0, last_rows_ = 0;
};

/// The accepted rows of cells, with where their codes stand. The buffers of the scratch only grow: what is in use is counted here.
template <class Accept>
class CellRows {
 public:
  CellRows(const HnswView& graph, const Accept& accept, SearchScratch& scratch)
      : graph_(&graph), accept_(&accept), scratch_(&scratch), stride_(BitCodec::stride_bytes(graph.dim())) {}

  void prefetch(HnswView::CellRange cell) const noexcept {
    simd::prefetch(graph_->cell_rows_address(cell.begin), (cell.end - cell.begin) * sizeof(Row));
  }

  /// Appends the accepted rows of a cell and begins to load their codes.
  void gather(HnswView::CellRange cell) {
    const auto rows = graph_->cell_rows(cell.begin, cell.end);
    grow(size_ + rows.size() + kRoom);
    Row* const kept = scratch_->rows.data() + size_;
    std::size_t count = graph_->bit_codec()->kernels().marked_rows(rows.data(), rows.size(), accept_->bitmap(), graph_->rows(), kept, damaged_);
    if constexpr (Accept::kTestsMore)
      count = static_cast<std::size_t>(std::remove_if(kept, kept + count, [&](Row row) { return !(*accept_)(row); }) - kept);
    const std::byte** const codes = scratch_->codes.data() + size_;
    for (std::size_t i = 0; i < count; ++i) {
      codes[i] = graph_->bit_row(kept[i]);
      simd::prefetch(codes[i], stride_);
    }
    size_ += count;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const Row> rows() const noexcept { return std::span(scratch_->rows).first(size_); }
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

  /// Estimates gathered rows [begin, end): their keys into `nearest`, the lowest that they may be into scratch.lows.
  void estimate(std::size_t begin, std::size_t end, TopK<>& nearest) {
    const BitCodec& codec = *graph_->bit_codec();
    const std::byte* const* const codes = scratch_->codes.data();
    float* const lows = scratch_->lows.data();
    codec.kernels().bit_keys(scratch_->query_bits.query, codes + begin, end - begin, lows + begin);
    for (std::size_t i = begin; i < end; ++i) {
      if (lows[i] <= nearest.bound()) nearest.push(lows[i], scratch_->rows[i]);
      lows[i] -= kSureDeviations * codec.key_error(codes[i], scratch_->query_bits);
    }
  }

 private:
  static constexpr std::size_t kRoom = 16;  // that marked_rows() may write beyond

  void grow(std::size_t size) {
    if (scratch_->rows.size() < size) scratch_->rows.resize(2 * size);
    if (scratch_->codes.size() < size) scratch_->codes.resize(2 * size);
    if (scratch_->lows.size() < size) scratch_->lows.resize(2 * size);
  }

  const HnswView* graph_;
  const Accept* accept_;
  SearchScratch* scratch_;
  std::size_t stride_;
  std::size_t size_ = 0;
  bool damaged_ = false;
};

/// Which rows are accepted: those whose bits are set in bitmap(), which has a bit for each row, and, with kTestsMore, that operator() lets through.
template <class T>
concept MarkedRows = requires(const T& accept, Row row) {
  { accept.bitmap() } -> std::convertible_to<const std::uint64_t*>;
  { accept(row) } -> std::convertible_to<bool>;
  { T::kTestsMore } -> std::convertible_to<bool>;
};

}  // namespace detail

enum class CellSearch : std::uint8_t {
  done,
  unable,        ///< the graph has no cells, or the query cannot be coded
  better_walked  ///< most of the rows around the query are accepted
};

/// Offers the rows that are nearest to `query` among those that `accept` lets through, as far as looking through the nearest cells finds
/// them, to `top`. ef: the larger, the longer it goes on although cells bring nothing. Unless it is done, nothing was offered. share_nearby: unless
/// null, becomes the share of the rows around the query that are accepted, if it is better walked.
template <detail::MarkedRows Accept, class Less>
CellSearch search_cells(const HnswView& graph, const VectorsView& vectors, const PreparedQuery& query, std::size_t k, std::uint32_t ef, const Accept& accept,
                  SearchScratch& scratch, TopK<Less>& top, SearchStats& stats, double* share_nearby = nullptr) {
  if (graph.cells() == 0 || !graph.bit_codec()->prepare(query.data(), graph.has_refined(), scratch.query_bits)) return CellSearch::unable;
  scratch.packed_query.prepare(scratch.query_bits);
  detail::NearestCells cells(graph.bit_codec()->kernels(), graph.cells(), [&](std::uint32_t cell) { return graph.cell_block(cell); },
                             scratch.packed_query, scratch.lows, scratch.cells);
  TopK<> nearest(k + std::max<std::size_t>(k / 2, 16));
  detail::Patience patience(ef);
  detail::CellRows rows(graph, accept, scratch);
  std::size_t found = 0, looked = 0;  // rows that are accepted and estimated, and rows of cells gathered
  bool decided = false;
  const auto look = [&](std::size_t end) {
    if (end == found) return;
    const float bound = nearest.bound();
    rows.estimate(found, end, nearest);
    patience.looked(end - found, nearest.bound() != bound || bound == std::numeric_limits<float>::max());
    found = end;
  };
  auto next = graph.cell_range(cells.take());
  rows.prefetch(next);
  // While the codes of one cell's rows are on their way, those of the cell before are compared.
  for (bool more = true; more && (found < k || !patience.is_over());) {
    const auto cell = next;
    more = !cells.empty();
    if (more) rows.prefetch(next = graph.cell_range(cells.take()));
    const std::size_t before = rows.size();
    rows.gather(cell);
    looked += cell.end - cell.begin;
    if (!decided && looked >= detail::kRowsNearby) {
      decided = true;
      const double share = static_cast<double>(rows.size()) / static_cast<double>(looked);
      if (share >= detail::kMostlyNearby) {
        if (share_nearby != nullptr) *share_nearby = share;
        return CellSearch::better_walked;
      }
    }
    look(before);
  }
  look(rows.size());
  stats.damaged = stats.damaged || rows.damaged();
  stats.estimated_distances += graph.cells() + found;
  stats.bytes_touched += (graph.cells() + found) * BitCodec::stride_bytes(graph.dim()) + looked * sizeof(Row);
  detail::compare_likely(graph, ExactDistance(vectors, query), rows.rows(), k, nearest, scratch, top, stats);
  stats.found = found;
  return CellSearch::done;
}

}  // namespace ndb::index
