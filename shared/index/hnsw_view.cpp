#include "shared/index/hnsw_view.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ndb_schema/hnsw_generated.h"
#include "shared/base/result.hpp"
#include "shared/index/codes/packed_codes.hpp"
#include "shared/index/hnsw_format.hpp"

namespace ndb::index {
namespace {

template <class... Args>
std::unexpected<Error> corrupt(fmt::format_string<Args...> text, Args&&... args) {
  return fail(ErrorCode::corruption, "graph: " + fmt::format(text, std::forward<Args>(args)...));
}

template <class T>
std::span<const T> as_span(const flatbuffers::Vector<T>* vector) noexcept {
  if (vector == nullptr) return {};
  return {reinterpret_cast<const T*>(vector->Data()), vector->size()};
}

}  // namespace

// Fills a view from the FlatBuffers table, whose type stays out of the header.
class HnswOpener {
 public:
  static Status fill(HnswView& view, const fbs::Hnsw& table) {
    NDB_TRY(fill_header(view, table));
    NDB_TRY(fill_upper(view, table));
    NDB_TRY(fill_groups(view, table));
    NDB_TRY(fill_codes(view, table));
    return fill_bits(view, table);
  }

 private:
  static Status fill_header(HnswView& view, const fbs::Hnsw& table) {
    if (table.format_version() < kOldestHnswFormatVersion || table.format_version() > kHnswFormatVersion)
      return corrupt("format version {} is unknown, this nDB reads {} to {}", table.format_version(),
                     kOldestHnswFormatVersion, kHnswFormatVersion);
    view.rows_ = table.rows();
    view.dim_ = table.dim();
    view.m_ = table.m();
    view.ef_construction_ = table.ef_construction();
    view.top_level_ = table.top_level();
    view.entry_ = table.entry();
    view.links_ = as_span(table.links());
    if (view.rows_ == 0 || view.dim_ == 0 || view.dim_ > Limits::kMaxDim || table.distance() > 2)
      return corrupt("{} rows, dim {}, distance {}", view.rows_, view.dim_, table.distance());
    if (view.m_ < kMinM || view.m_ > kMaxM) return corrupt("m is {}", view.m_);
    view.distance_ = static_cast<Distance>(table.distance());
    if (view.links_.size() != std::uint64_t{view.rows_} * view.m_ * 2)
      return corrupt("{} links for {} rows", view.links_.size(), view.rows_);
    return {};
  }

  static Status fill_upper(HnswView& view, const fbs::Hnsw& table) {
    view.upper_rows_ = as_span(table.upper_rows());
    view.upper_offsets_ = as_span(table.upper_offsets());
    view.upper_links_ = as_span(table.upper_links());
    const std::size_t nodes = view.upper_rows_.size();
    if (nodes > view.rows_ || view.upper_offsets_.size() != nodes + 1 || view.upper_links_.size() % view.m_ != 0)
      return corrupt("{} upper nodes with {} offsets", nodes, view.upper_offsets_.size());
    if (view.top_level_ >= kMaxLevels || (view.top_level_ > 0) != (nodes > 0))
      return corrupt("top level {} with {} upper nodes", view.top_level_, nodes);
    if (view.entry_ >= (nodes > 0 ? nodes : view.rows_)) return corrupt("entry {} is out of range", view.entry_);
    return {};
  }

  static Status fill_groups(HnswView& view, const fbs::Hnsw& table) {
    view.group_rows_ = as_span(table.group_rows());
    view.group_offsets_ = as_span(table.group_offsets());
    view.group_members_ = as_span(table.group_members());
    if (view.group_offsets_.size() != view.group_rows_.size() + 1 || view.group_members_.size() > view.rows_)
      return corrupt("{} groups with {} offsets", view.group_rows_.size(), view.group_offsets_.size());
    return {};
  }

  static Status fill_codes(HnswView& view, const fbs::Hnsw& table) {
    const auto centre = as_span(table.code_centre());
    const auto codes = as_span(table.codes());
    if (centre.empty() && codes.empty()) return {};
    view.code_stride_ = Codec::stride_bytes(view.dim_);
    if (centre.size() != view.dim_ || table.code_stride() != view.code_stride_ ||
        codes.size() != std::uint64_t{view.rows_} * view.code_stride_)
      return corrupt("{} bytes of codes with stride {}", codes.size(), table.code_stride());
    if (!std::isfinite(table.code_unit()) || table.code_unit() <= 0.0) return corrupt("code unit {}", table.code_unit());
    view.codes_ = std::as_bytes(codes);
    (void)view.checked(centre);
    view.codec_ =
        std::make_shared<Codec>(std::vector<float>(centre.begin(), centre.end()), table.code_unit(), view.distance_);
    return {};
  }

  static Status fill_bits(HnswView& view, const fbs::Hnsw& table) {
    const auto centre = as_span(table.bit_centre());
    const auto rows = as_span(table.bit_rows());
    view.candidates_for_ten_ = table.candidates_for_ten();
    view.recall_at_ef_ = view.checked(as_span(table.recall_at_ef()));
    if (centre.empty() && rows.empty()) return {};
    view.bit_stride_ = BitCodec::stride_bytes(view.dim_);
    if (centre.size() != view.dim_ || table.bit_stride() != view.bit_stride_ ||
        rows.size() != std::uint64_t{view.rows_} * view.bit_stride_)
      return corrupt("{} bytes of 1-bit codes with stride {}", rows.size(), table.bit_stride());
    if (!std::isfinite(table.bit_unit()) || table.bit_unit() <= 0.0) return corrupt("unit {} of 1-bit codes", table.bit_unit());
    view.bit_rows_ = std::as_bytes(rows);
    view.upper_bit_rows_ = std::as_bytes(as_span(table.upper_bit_rows()));
    if (view.upper_bit_rows_.size() != std::uint64_t{view.upper_nodes()} * view.bit_stride_)
      return corrupt("{} bytes of 1-bit codes for {} upper nodes", view.upper_bit_rows_.size(), view.upper_nodes());
    view.refined_rows_ = std::as_bytes(as_span(table.refined_rows()));
    view.refined_stride_ = BitCodec::refined_stride_bytes(view.dim_);
    if (!view.refined_rows_.empty() && (table.refined_stride() != view.refined_stride_ ||
                                        view.refined_rows_.size() != std::uint64_t{view.rows_} * view.refined_stride_))
      return corrupt("{} bytes of refined codes with stride {}", view.refined_rows_.size(), table.refined_stride());
    NDB_TRY(fill_cells(view, table));
    (void)view.checked(centre);
    view.bit_codec_ = std::make_shared<BitCodec>(std::vector<float>(centre.begin(), centre.end()), table.bit_unit(),
                                                 view.distance_, table.bit_seed());
    return {};
  }

  static Status fill_cells(HnswView& view, const fbs::Hnsw& table) {
    view.cell_offsets_ = as_span(table.cell_offsets());
    view.cell_rows_ = as_span(table.cell_rows());
    view.cell_codes_ = std::as_bytes(as_span(table.cell_codes()));
    if (view.cell_offsets_.empty() && view.cell_rows_.empty() && view.cell_codes_.empty()) return {};
    if (view.cell_offsets_.empty() || view.cells() == 0 || view.cells() % kPackedRows != 0 || view.cells() > view.rows_ ||
        view.cell_codes_.size() != std::uint64_t{view.cells()} * view.bit_stride_ || view.cell_rows_.size() != view.rows_)
      return corrupt("{} offsets of cells with {} bytes of codes and {} rows", view.cell_offsets_.size(), view.cell_codes_.size(),
                     view.cell_rows_.size());
    return {};
  }
};

Result<HnswView> HnswView::open(base::ByteSpan bytes, const format::BlockVerifier* verifier) {
  HnswView view;
  view.bytes_ = bytes;
  view.verifier_ = verifier;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if (bytes.size() < kMinHnswBytes || bytes.size() > kMaxHnswBytes)
    return corrupt("{} bytes cannot be a graph", bytes.size());
  constexpr std::size_t kHeaderBytes = 4096;  // FlatBuffers puts the table first, built last
  if (verifier != nullptr && !verifier->ensure(0, std::min(kHeaderBytes, bytes.size())))
    return corrupt("the header's checksum is wrong");
  flatbuffers::Verifier checker(data, bytes.size());
  if (!fbs::HnswBufferHasIdentifier(data) || !fbs::VerifyHnswBuffer(checker)) return corrupt("the header is damaged");
  NDB_TRY(HnswOpener::fill(view, *fbs::GetHnsw(data)));
  return view;
}

Quantization HnswView::quantization() const noexcept {
  if (bit_codec_) return Quantization::rabitq;
  return codec_ ? Quantization::sq8 : Quantization::none;
}

std::uint32_t HnswView::upper_levels(std::uint32_t node) const noexcept {
  const auto offsets = checked(upper_offsets_.subspan(node, 2));
  if (offsets[0] > offsets[1] || offsets[1] > upper_links_.size()) return 0;
  return (offsets[1] - offsets[0]) / m_;
}

std::span<const std::uint32_t> HnswView::upper_links(std::uint32_t node, std::uint32_t level) const noexcept {
  if (level == 0 || level > upper_levels(node)) return {};
  return checked(upper_links_.subspan(upper_offsets_[node] + std::size_t{level - 1} * m_, m_));
}

std::span<const Row> HnswView::group_members(Row row) const noexcept {
  std::size_t low = 0;  // a binary search that checks what it touches
  std::size_t high = group_rows_.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (checked(group_rows_.subspan(middle, 1))[0] < row) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == group_rows_.size() || group_rows_[low] != row) return {};
  const auto offsets = checked(group_offsets_.subspan(low, 2));
  if (offsets[0] > offsets[1] || offsets[1] > group_members_.size()) return {};
  return checked(group_members_.subspan(offsets[0], offsets[1] - offsets[0]));
}

const std::byte* HnswView::cell_block(std::uint32_t cell) const noexcept {
  return checked(cell_codes_.subspan(cell * bit_stride_, kPackedRows * bit_stride_)).data();
}

HnswView::CellRange HnswView::cell_range(std::uint32_t cell) const noexcept {
  const auto offsets = checked(cell_offsets_.subspan(cell, 2));
  if (offsets[0] > offsets[1] || offsets[1] > cell_rows_.size()) return {};
  return {offsets[0], offsets[1]};
}

Status HnswView::verify() const {
  if (verifier_ != nullptr && !verifier_->ensure(0, bytes_.size()))
    return corrupt("wrong checksum at byte {}", verifier_->damage().value_or(0));
  NDB_TRY(verify_links());
  NDB_TRY(verify_upper());
  NDB_TRY(verify_groups());
  return verify_cells();
}

Status HnswView::verify_links() const {
  for (Row row = 0; row < rows_; ++row) {
    bool ended = false;
    for (const std::uint32_t link : links(row)) {
      ended = ended || link == kNoLink;
      if (ended ? link != kNoLink : link >= rows_ || link == row) return corrupt("row {} links to {}", row, link);
    }
  }
  return {};
}

Status HnswView::verify_upper() const {
  if (upper_offsets_.front() != 0 || upper_offsets_.back() != upper_links_.size())
    return corrupt("upper offsets end at {} of {}", upper_offsets_.back(), upper_links_.size());
  std::uint32_t highest = 0;
  for (std::uint32_t node = 0; node < upper_nodes(); ++node) {
    const bool ascending = node == 0 || upper_rows_[node - 1] < upper_rows_[node];
    const std::uint32_t levels = upper_levels(node);
    if (!ascending || upper_rows_[node] >= rows_) return corrupt("upper node {} is row {}", node, upper_rows_[node]);
    if (levels == 0 || levels > top_level_) return corrupt("upper node {} is on {} levels", node, levels);
    highest = std::max(highest, levels);
    for (std::uint32_t level = 1; level <= levels; ++level) {
      bool ended = false;
      for (const std::uint32_t link : upper_links(node, level)) {
        ended = ended || link == kNoLink;
        if (ended ? link != kNoLink : link >= upper_nodes() || link == node || upper_levels(link) < level)
          return corrupt("upper node {} links to {} at level {}", node, link, level);
      }
    }
  }
  if (highest != top_level_ || (top_level_ > 0 && upper_levels(entry_) != top_level_))
    return corrupt("the entry is not on the top level {}", top_level_);
  return {};
}

Status HnswView::verify_groups() const {
  if (group_offsets_.front() != 0 || group_offsets_.back() != group_members_.size())
    return corrupt("group offsets end at {} of {}", group_offsets_.back(), group_members_.size());
  for (std::size_t group = 0; group < group_rows_.size(); ++group) {
    Row previous = group_rows_[group];
    if (previous >= rows_ || (group > 0 && group_rows_[group - 1] >= previous)) return corrupt("group {} is row {}", group, previous);
    const auto members = group_members(previous);
    if (members.empty()) return corrupt("group {} has no members", group);
    for (const Row member : members) {
      if (member <= previous || member >= rows_) return corrupt("group {} has member {}", group, member);
      previous = member;
    }
  }
  return {};
}

Status HnswView::verify_cells() const {
  std::vector<bool> seen(cells() > 0 ? rows_ : 0, false);
  std::uint64_t placed = 0;
  for (std::uint32_t cell = 0; cell < cells(); ++cell) {
    const auto [begin, end] = cell_range(cell);
    for (const Row row : cell_rows(begin, end)) {
      if (row >= rows_ || seen[row]) return corrupt("cell {} holds row {}", cell, row);
      seen[row] = true;
      ++placed;
    }
  }
  if (placed != seen.size()) return corrupt("{} of {} rows are in cells", placed, rows_);
  return {};
}

}  // namespace ndb::index
