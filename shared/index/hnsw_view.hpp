// A finished HNSW graph, used in place: mapped from a segment or fresh from the builder. Format:
// shared/format/schema/hnsw.fbs. Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search
// using Hierarchical Navigable Small World graphs", 2018.
//
// Threads: immutable; any number of readers.
// Invariants: after open() every array has the length its header promises. What stands in the arrays is not trusted: the
// walk skips ids that are out of range and says so (SearchStats::damaged), verify() looks at everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>

#include "ndb/collection_config.hpp"
#include "ndb/error.hpp"
#include "ndb/types.hpp"
#include "shared/base/bytes.hpp"
#include "shared/format/block_verifier.hpp"
#include "shared/index/codes/bit_codec.hpp"
#include "shared/index/codes/codec.hpp"

namespace ndb::index {

/// Ends a list of links.
inline constexpr std::uint32_t kNoLink = std::numeric_limits<std::uint32_t>::max();
/// More levels than any graph has; a bound for loops over data from disk.
inline constexpr std::uint32_t kMaxLevels = 64;

class HnswView {
 public:
  /// Opens a graph in O(dim), without a pass over it. bytes: the whole buffer, 8-byte aligned (64 for full speed), and
  /// verifier, of the same bytes or null if they are trusted, outlive the view. corruption if the header is damaged or of a
  /// version this code does not know.
  [[nodiscard]] static Result<HnswView> open(base::ByteSpan bytes, const format::BlockVerifier* verifier = nullptr);

  /// Reads everything; corruption names the first thing that is wrong.
  [[nodiscard]] Status verify() const;

  [[nodiscard]] Row rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint32_t dim() const noexcept { return dim_; }
  [[nodiscard]] Distance distance() const noexcept { return distance_; }
  [[nodiscard]] std::uint32_t m() const noexcept { return m_; }
  [[nodiscard]] std::uint32_t ef_construction() const noexcept { return ef_construction_; }
  [[nodiscard]] std::uint32_t top_level() const noexcept { return top_level_; }
  /// Where to start: a place in upper_rows, or a row if top_level is 0.
  [[nodiscard]] std::uint32_t entry() const noexcept { return entry_; }
  [[nodiscard]] std::uint32_t upper_nodes() const noexcept { return static_cast<std::uint32_t>(upper_rows_.size()); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.size(); }

  /// Links of `row` < rows at level 0: 2m rows, ended by kNoLink if fewer.
  [[nodiscard]] std::span<const std::uint32_t> links(Row row) const noexcept {
    return checked(links_.subspan(std::size_t{row} * 2 * m_, 2 * std::size_t{m_}));
  }
  [[nodiscard]] const void* links_address(Row row) const noexcept { return links_.data() + std::size_t{row} * 2 * m_; }
  /// The row of an upper node < upper_nodes; not checked against rows().
  [[nodiscard]] Row upper_row(std::uint32_t node) const noexcept { return checked(upper_rows_.subspan(node, 1))[0]; }
  /// Links of an upper node < upper_nodes at `level` ≥ 1: m upper nodes. Empty if the node is not on that level.
  [[nodiscard]] std::span<const std::uint32_t> upper_links(std::uint32_t node, std::uint32_t level) const noexcept;
  /// How many levels above 0 an upper node is on; 0 if its offsets are damaged.
  [[nodiscard]] std::uint32_t upper_levels(std::uint32_t node) const noexcept;

  /// Whether rows with equal vectors share nodes at all.
  [[nodiscard]] bool has_groups() const noexcept { return !group_rows_.empty(); }
  /// The other rows with exactly the vector of node `row`; not checked against rows().
  [[nodiscard]] std::span<const Row> group_members(Row row) const noexcept;

  /// Null if the graph is not walked on 1-bit codes.
  [[nodiscard]] const BitCodec* bit_codec() const noexcept { return bit_codec_.get(); }
  /// The same for whoever codes more rows of the collection.
  [[nodiscard]] const std::shared_ptr<const BitCodec>& share_bit_codec() const noexcept { return bit_codec_; }
  /// The 1-bit code row of `row` < rows.
  [[nodiscard]] const std::byte* bit_row(Row row) const noexcept {
    return checked(bit_rows_.subspan(row * bit_stride_, bit_stride_)).data();
  }
  /// The 1-bit code row of an upper node < upper_nodes.
  [[nodiscard]] const std::byte* upper_bit_row(std::uint32_t node) const noexcept {
    return checked(upper_bit_rows_.subspan(node * bit_stride_, bit_stride_)).data();
  }
  [[nodiscard]] bool has_refined() const noexcept { return !refined_rows_.empty(); }
  /// The refined code row of `row` < rows; only if has_refined().
  [[nodiscard]] const std::byte* refined_row(Row row) const noexcept {
    return checked(refined_rows_.subspan(row * refined_stride_, refined_stride_)).data();
  }
  [[nodiscard]] const std::byte* refined_address(Row row) const noexcept { return refined_rows_.data() + row * refined_stride_; }
  [[nodiscard]] std::size_t refined_stride() const noexcept { return refined_stride_; }
  /// What the builder's sample said of the 1-bit codes (candidates_for_ten); 0 if it was not asked.
  [[nodiscard]] float candidates_for_ten() const noexcept { return candidates_for_ten_; }
  /// Recall@10 at each of kCalibratedEfs; empty if it was not measured.
  [[nodiscard]] std::span<const float> recall_at_ef() const noexcept { return recall_at_ef_; }
  /// Cells that the rows are divided into; 0 if they are not. A multiple of kPackedRows.
  [[nodiscard]] std::uint32_t cells() const noexcept { return cell_offsets_.empty() ? 0 : static_cast<std::uint32_t>(cell_offsets_.size() - 1); }
  /// The codes of the centres of cells from `cell` on, kPackedRows of them (packed_codes.hpp). cell < cells(), a multiple of kPackedRows.
  [[nodiscard]] const std::byte* cell_block(std::uint32_t cell) const noexcept;
  struct CellRange {
    std::uint32_t begin = 0, end = 0;
  };
  /// Where the rows of `cell` < cells() stand among those of all cells. Empty if that is damaged.
  [[nodiscard]] CellRange cell_range(std::uint32_t cell) const noexcept;
  /// The rows of cells from place `begin` to `end` ≤ rows(); not checked against rows().
  [[nodiscard]] std::span<const Row> cell_rows(std::uint32_t begin, std::uint32_t end) const noexcept {
    return checked(cell_rows_.subspan(begin, end - begin));
  }
  [[nodiscard]] const Row* cell_rows_address(std::uint32_t begin) const noexcept { return cell_rows_.data() + begin; }
  /// Reads and checks bytes [begin, begin + count) of bytes() ahead of their first use.
  void load(std::size_t begin, std::size_t count) const noexcept {
    if (verifier_ != nullptr) (void)verifier_->ensure(begin, count);
  }
  /// What the graph is walked on; never automatic.
  [[nodiscard]] Quantization quantization() const noexcept;

  /// Null if the graph is not walked on 8-bit codes.
  [[nodiscard]] const Codec* codec() const noexcept { return codec_.get(); }
  /// The code row of `row` < rows.
  [[nodiscard]] const std::byte* code(Row row) const noexcept { return checked(codes_.subspan(row * code_stride_, code_stride_)).data(); }
  [[nodiscard]] const std::byte* code_address(Row row) const noexcept { return codes_.data() + row * code_stride_; }

 private:
  friend class HnswOpener;

  template <class T>
  [[nodiscard]] std::span<const T> checked(std::span<const T> part) const noexcept {
    if (verifier_ != nullptr)
      (void)verifier_->ensure(static_cast<std::size_t>(reinterpret_cast<const std::byte*>(part.data()) - bytes_.data()),
                              part.size_bytes());
    return part;
  }
  [[nodiscard]] Status verify_links() const;
  [[nodiscard]] Status verify_upper() const;
  [[nodiscard]] Status verify_groups() const;
  [[nodiscard]] Status verify_cells() const;

  base::ByteSpan bytes_;
  const format::BlockVerifier* verifier_ = nullptr;
  Row rows_ = 0;
  std::uint32_t dim_ = 0;
  Distance distance_ = Distance::cosine;
  std::uint32_t m_ = 0;
  std::uint32_t ef_construction_ = 0;
  std::uint32_t top_level_ = 0;
  std::uint32_t entry_ = 0;
  std::size_t code_stride_ = 0;
  std::span<const std::uint32_t> links_;
  std::span<const std::uint32_t> upper_rows_;
  std::span<const std::uint32_t> upper_offsets_;
  std::span<const std::uint32_t> upper_links_;
  std::span<const Row> group_rows_;
  std::span<const std::uint32_t> group_offsets_;
  std::span<const Row> group_members_;
  base::ByteSpan codes_;
  std::shared_ptr<const Codec> codec_;
  std::size_t bit_stride_ = 0;
  float candidates_for_ten_ = 0.0F;
  std::span<const float> recall_at_ef_;
  base::ByteSpan bit_rows_;
  base::ByteSpan upper_bit_rows_;
  std::size_t refined_stride_ = 0;
  base::ByteSpan refined_rows_;
  base::ByteSpan cell_codes_;
  std::span<const std::uint32_t> cell_offsets_;
  std::span<const Row> cell_rows_;
  std::shared_ptr<const BitCodec> bit_codec_;
};

}  // namespace ndb::index
