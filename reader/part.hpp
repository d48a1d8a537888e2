// One piece of a snapshot that is searched on its own: a segment or a memtable, behind one face. Private to reader/.
// Threads: immutable views; any number.
#pragma once

#include <string_view>
#include <vector>

#include "shared/filter/compiled_filter.hpp"
#include "shared/live/snapshot.hpp"

namespace ndb::reader {

class Part {
 public:
  Part(const live::SegmentSlot& segment, Seq at) : segment_(&segment), rows_(segment.view->rows()), at_(at) {}
  Part(const memtable::Memtable& memtable, Seq at) : memtable_(&memtable), rows_(memtable.row_count()), at_(at) {}

  [[nodiscard]] Row rows() const noexcept { return rows_; }
  [[nodiscard]] const live::SegmentSlot* segment() const noexcept { return segment_; }
  [[nodiscard]] const memtable::Memtable* memtable() const noexcept { return memtable_; }
  /// Whether every row is visible, so that asking for each is needless.
  [[nodiscard]] bool all_visible() const noexcept { return segment_ != nullptr && segment_->tombstones->empty(); }
  [[nodiscard]] bool visible(Row row) const noexcept {
    return segment_ ? segment_->tombstones->visible(row, at_) : memtable_->visible(row, at_);
  }
  [[nodiscard]] std::string_view row_id(Row row) const noexcept {
    return segment_ ? segment_->view->row_id(row) : memtable_->row_id(row);
  }
  [[nodiscard]] base::ByteSpan payload(Row row) const noexcept {
    return segment_ ? segment_->view->payload(row) : memtable_->payload(row);
  }
  /// Starts loading what row_id() and payload() of a row of a segment read, in two steps (SegmentView). A memtable's rows were just compared.
  void prefetch_places(Row row, bool with_payload) const noexcept {
    if (segment_ != nullptr) segment_->view->prefetch_places(row, with_payload);
  }
  void prefetch_contents(Row row, bool with_payload) const noexcept {
    if (segment_ != nullptr) segment_->view->prefetch_contents(row, with_payload);
  }
  [[nodiscard]] std::span<const float> vector(Row row) const noexcept {
    return segment_ ? segment_->view->vector(row) : memtable_->vector(row);
  }
  /// Codes to compare instead of vectors, or null.
  [[nodiscard]] index::RowCodes* codes() const noexcept { return segment_ ? segment_->codes.get() : &memtable_->codes(); }
  void extend_codes(Row at_most) const { segment_ ? segment_->extend_codes(at_most) : memtable_->extend_codes(at_most); }
  /// Rows of [begin, end) that are visible and match, ascending.
  [[nodiscard]] std::vector<Row> matching(const filter::CompiledFilter& filter, Row begin, Row end) const {
    std::vector<Row> matching;
    for (Row row = begin; row < end; ++row)
      if (visible(row) && (filter.matches_all() || filter.matches(payload(row)))) matching.push_back(row);
    return matching;
  }

 private:
  const live::SegmentSlot* segment_ = nullptr;
  const memtable::Memtable* memtable_ = nullptr;
  Row rows_;
  Seq at_;
};

[[nodiscard]] inline std::vector<Part> parts_of(const live::Snapshot& snapshot, Seq at) {
  std::vector<Part> parts;
  for (const auto& slot : snapshot.segments) parts.emplace_back(slot, at);
  for (const auto& memtable : snapshot.memtables)
    if (memtable->row_count() > 0) parts.emplace_back(*memtable, at);
  return parts;
}

}  // namespace ndb::reader
