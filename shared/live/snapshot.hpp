// One consistent structure of a collection: what a search runs over. Immutable but for what the memtables and tombstones
// gain; a search fixes its sequence number together with the structure (View), and everything it sees is as of that number.
//
// Threads: any number.
// Invariant: every operation up to a view's number is in its segments and memtables, rows and marks, whatever happens meanwhile.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "shared/attributes/evaluated_filters.hpp"
#include "shared/format/manifest.hpp"
#include "shared/memtable/memtable.hpp"
#include "shared/memtable/tombstones.hpp"
#include "shared/segment/segment_view.hpp"

namespace ndb::live {

struct SegmentSlot {
  std::shared_ptr<const segment::SegmentView> view;
  std::shared_ptr<memtable::Tombstones> tombstones;
  std::shared_ptr<index::RowCodes> codes;  ///< null if there is a graph
  std::shared_ptr<attributes::EvaluatedFilters> filters = std::make_shared<attributes::EvaluatedFilters>();

  /// Codes up to `at_most` rows more.
  void extend_codes(Row at_most) const;
};

/// Where a document is.
struct Location {
  const SegmentSlot* segment = nullptr;  ///< one of the two
  const memtable::Memtable* memtable = nullptr;
  Row row = 0;

  [[nodiscard]] std::string_view id() const noexcept { return segment ? segment->view->row_id(row) : memtable->row_id(row); }
  [[nodiscard]] std::span<const float> vector() const noexcept {
    return segment ? segment->view->vector(row) : memtable->vector(row);
  }
  [[nodiscard]] base::ByteSpan payload() const noexcept {
    return segment ? segment->view->payload(row) : memtable->payload(row);
  }
};

struct Snapshot {
  std::shared_ptr<const format::Manifest> manifest;
  std::vector<SegmentSlot> segments;                          ///< as in the manifest: oldest data first
  std::vector<std::shared_ptr<memtable::Memtable>> memtables; ///< oldest first; never empty

  /// For whoever applies operations; searches take theirs from LiveState::view().
  [[nodiscard]] Seq visible_seq() const noexcept { return memtables.back()->applied_seq(); }
  /// The document that has this id at `at`.
  [[nodiscard]] std::optional<Location> find(std::string_view id, Seq at) const;
  /// Live documents and dead rows, roughly as of now.
  [[nodiscard]] std::uint64_t documents() const noexcept;
  [[nodiscard]] std::uint64_t dead_rows() const noexcept;
  /// corruption if a damaged block was touched in any segment.
  [[nodiscard]] Status damage() const;
};

/// What one request answers from: a structure and the sequence number it is seen at.
struct View {
  std::shared_ptr<const Snapshot> snapshot;
  Seq seq;
};

}  // namespace ndb::live
