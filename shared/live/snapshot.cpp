#include "shared/live/snapshot.hpp"

#include <ranges>

namespace ndb::live {

void SegmentSlot::extend_codes(Row at_most) const {
  const auto& vectors = view->vectors();
  codes->extend(vectors.rows, at_most, vectors, [&](Row row) { return vectors.vector(row); });
}

std::optional<Location> Snapshot::find(std::string_view id, Seq at) const {
  for (const auto& memtable : memtables | std::views::reverse) {
    const auto lookup = memtable->find(id, at);
    if (lookup.row) return Location{.memtable = memtable.get(), .row = *lookup.row};
    if (lookup.known) return std::nullopt;
  }
  for (const auto& slot : segments | std::views::reverse)
    if (const auto row = slot.view->find(id); row && slot.tombstones->visible(*row, at))
      return Location{.segment = &slot, .row = *row};
  return std::nullopt;
}

std::uint64_t Snapshot::documents() const noexcept {
  std::uint64_t count = 0;
  for (const auto& slot : segments) count += slot.view->rows() - slot.tombstones->count();
  for (const auto& memtable : memtables) count += memtable->row_count() - memtable->deleted_count();
  return count;
}

std::uint64_t Snapshot::dead_rows() const noexcept {
  std::uint64_t count = 0;
  for (const auto& slot : segments) count += slot.tombstones->count();
  for (const auto& memtable : memtables) count += memtable->deleted_count();
  return count;
}

Status Snapshot::damage() const {
  for (const auto& slot : segments) NDB_TRY(slot.view->damage());
  return {};
}

}  // namespace ndb::live
