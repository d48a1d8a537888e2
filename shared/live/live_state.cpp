#include "shared/live/live_state.hpp"

#include <algorithm>
#include <ranges>

#include "shared/base/check.hpp"
#include "shared/format/delete_set.hpp"

namespace ndb::live {
namespace {

using format::Manifest;
using format::ManifestSegment;
using memtable::Memtable;
using memtable::Tombstones;

Result<std::vector<Row>> load_delete_set(fs::FileSystem& fs, const fs::Path& collection, const ManifestSegment& segment) {
  if (!segment.delete_set) return std::vector<Row>{};
  return format::read_delete_set(fs, format::segment_folder(collection, segment.id) / segment.delete_set->name, segment.id,
                                 *segment.delete_set, segment.rows);
}

const SegmentSlot* find_slot(const Snapshot& snapshot, SegmentId id) {
  const auto slot = std::ranges::find(snapshot.segments, id, [](const SegmentSlot& s) { return s.view->id(); });
  return slot == snapshot.segments.end() ? nullptr : &*slot;
}

// beside: the segment in another version, or null.
Result<SegmentSlot> open_slot(fs::FileSystem& fs, const fs::Path& collection, const Manifest& manifest,
                              const ManifestSegment& segment, const SegmentSlot* beside = nullptr) {
  SegmentSlot slot;
  NDB_TRY_ASSIGN(slot.view, segment::SegmentView::open(fs, collection, manifest.config, segment,
                                                       beside != nullptr ? beside->view.get() : nullptr));
  if (slot.view->hnsw() == nullptr)
    slot.codes = beside != nullptr && beside->codes ? beside->codes : std::make_shared<index::RowCodes>();
  if (beside != nullptr) slot.filters = beside->filters;
  NDB_TRY_ASSIGN(const auto deleted, load_delete_set(fs, collection, segment));
  slot.tombstones = std::make_shared<Tombstones>(segment.rows);
  for (const Row row : deleted) slot.tombstones->mark(row, Seq{0});
  return slot;
}

const ManifestSegment* find_segment(const Manifest& manifest, SegmentId id) {
  const auto segment = std::ranges::find(manifest.segments, id, &ManifestSegment::id);
  return segment == manifest.segments.end() ? nullptr : &*segment;
}

bool names(const Manifest& manifest, format::WalName wal) {
  return std::ranges::find(manifest.wals, wal, &format::ManifestWal::name) != manifest.wals.end();
}

void mark_if_present(const SegmentSlot& slot, std::string_view id, Seq seq) {
  if (const auto row = slot.view->find(id)) slot.tombstones->mark_earliest(*row, seq);
}

bool codes_wanted(const Snapshot& snapshot) {
  return std::ranges::any_of(snapshot.memtables, [](const auto& memtable) { return memtable->codes().wanted(); });
}

// What rows to come are coded with, if searches want codes: as the largest graph's, or as earlier rows.
std::shared_ptr<const index::RowCoder> coder_for(const Snapshot& snapshot) {
  if (!codes_wanted(snapshot)) return nullptr;  // nothing of the graph is read for them
  const SegmentSlot* largest = nullptr;
  for (const auto& slot : snapshot.segments)
    if (slot.view->hnsw() != nullptr && (largest == nullptr || slot.view->rows() > largest->view->rows())) largest = &slot;
  if (largest != nullptr)
    if (auto coder = index::RowCoder::of_graph(*largest->view->hnsw())) return coder;
  for (const auto& memtable : snapshot.memtables | std::views::reverse)
    if (auto coder = memtable->codes().share_coder()) return coder;
  return nullptr;
}

std::shared_ptr<Memtable> make_memtable(const Snapshot& snapshot, const CollectionConfig& config, format::WalName wal, Seq after) {
  return std::make_shared<Memtable>(config, wal, after, coder_for(snapshot), codes_wanted(snapshot));
}

bool holds_same_rows(const SegmentSlot& slot, const Memtable& memtable) {
  if (memtable.row_count() != slot.view->rows()) return false;
  for (Row row = 0; row < slot.view->rows(); ++row)
    if (slot.view->row_id(row) != memtable.row_id(row)) return false;
  return true;
}

// A segment that takes the place of a memtable: where searches had codes, they find some. Those of the memtable itself if no row of it was
// replaced, so that it became the segment as it is. What is much larger is left to searches.
void code_ahead(SegmentSlot& slot, const Snapshot& snapshot, const Manifest& manifest) {
  constexpr Row kMostRows = 1U << 18;
  if (slot.codes == nullptr || slot.view->rows() > kMostRows) return;
  for (const auto& memtable : snapshot.memtables)
    if (memtable->codes().wanted() && memtable->applied_seq() == manifest.flushed_seq && holds_same_rows(slot, *memtable))
      slot.codes = memtable->share_codes();  // whole: nothing of its log is missing here
  if (codes_wanted(snapshot)) slot.extend_codes(slot.view->rows());
}

}  // namespace

bool Prepared::load_graphs(std::size_t bytes) {
  for (; loaded_segments < segments.size(); ++loaded_segments, loaded_bytes = 0) {
    const auto& segment = segments[loaded_segments];
    const auto* graph = segment.new_graph ? segment.slot.view->hnsw() : nullptr;
    if (graph == nullptr || loaded_bytes == graph->bytes()) continue;
    const std::size_t count = std::min(bytes, graph->bytes() - loaded_bytes);
    graph->load(loaded_bytes, count);
    loaded_bytes += count;
    return true;
  }
  return false;
}

Result<std::unique_ptr<LiveState>> LiveState::open(fs::FileSystem& fs, const fs::Path& collection,
                                                   std::shared_ptr<const Manifest> manifest, const Snapshot* beside) {
  if (manifest->wals.empty()) return fail(ErrorCode::corruption, collection.string() + ": the manifest names no WAL file");
  auto snapshot = std::make_shared<Snapshot>();
  for (const auto& segment : manifest->segments) {
    NDB_TRY_ASSIGN(auto slot, open_slot(fs, collection, *manifest, segment,
                                        beside != nullptr ? find_slot(*beside, segment.id) : nullptr));
    snapshot->segments.push_back(std::move(slot));
  }
  snapshot->memtables.push_back(make_memtable(*snapshot, manifest->config, manifest->wals.front().name, manifest->flushed_seq));
  snapshot->manifest = std::move(manifest);
  std::unique_ptr<LiveState> state(new LiveState);
  state->snapshot_ = std::move(snapshot);
  return state;
}

std::shared_ptr<const Snapshot> LiveState::snapshot() const {
  const std::scoped_lock lock(snapshot_mutex_);
  return snapshot_;
}

// Both under the mutex: an operation that marks only a newer structure has a number above the one that is read here.
View LiveState::view() const {
  const std::scoped_lock lock(snapshot_mutex_);
  return {snapshot_, snapshot_->visible_seq()};
}

void LiveState::publish(std::shared_ptr<const Snapshot> snapshot) {
  const std::scoped_lock lock(snapshot_mutex_);
  snapshot_.swap(snapshot);
}

// Marks the live version of the id, wherever it is. Only mutators change snapshot_, so reading it here needs no lock.
bool LiveState::mark_older(Seq seq, std::string_view id) {
  for (const auto& memtable : snapshot_->memtables | std::views::reverse)
    if (memtable->mark_deleted(seq, id)) return true;
  for (const auto& slot : snapshot_->segments | std::views::reverse)
    if (const auto row = slot.view->find(id); row && slot.tombstones->mark(*row, seq)) return true;
  return false;
}

Applied LiveState::apply(Seq first_seq, std::span<const format::WalOp> ops) {
  Applied applied;
  Memtable& memtable = *snapshot_->memtables.back();
  Seq seq = first_seq;
  for (const auto& op : ops) {
    const bool existed = mark_older(seq, op.id);
    if (op.kind == format::WalOpKind::put) {
      memtable.put(seq, op.id, op.vector, op.payload);
      ++(existed ? applied.replaced : applied.inserted);
    } else if (existed) {
      memtable.note_removal(seq, op.id);
      ++applied.deleted;
    }
    seq = seq.next();
  }
  memtable.set_applied(Seq{seq.value - 1});
  wake_waiters();
  // Keeps up, and catches up by little more than what came.
  if (memtable.codes().wanted()) memtable.extend_codes(static_cast<Row>(ops.size()) + 2 * index::RowCodes::kBlockRows);
  return applied;
}

void LiveState::start_memtable(format::WalName wal) {
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->memtables.push_back(make_memtable(*next, next->manifest->config, wal, next->visible_seq()));
  publish(std::move(next));
}

Result<Prepared> LiveState::prepare(fs::FileSystem& fs, const fs::Path& collection,
                                    std::shared_ptr<const Manifest> manifest, bool load_known_delete_sets) const {
  const auto now = snapshot();
  Prepared prepared{.manifest = std::move(manifest), .segments = {}, .derived_through = now->visible_seq()};
  for (const auto& segment : prepared.manifest->segments) {
    Prepared::Segment one;
    if (const auto* known = find_slot(*now, segment.id)) {
      NDB_TRY_ASSIGN(one.slot.view, segment::SegmentView::open(fs, collection, prepared.manifest->config, segment,
                                                               known->view.get()));
      one.slot.tombstones = known->tombstones;
      one.slot.filters = known->filters;
      one.new_graph = one.slot.view->hnsw() != nullptr && known->view->hnsw() == nullptr;
      if (one.slot.view->hnsw() == nullptr) one.slot.codes = known->codes ? known->codes : std::make_shared<index::RowCodes>();
      const auto* before = find_segment(*now->manifest, segment.id);
      if (load_known_delete_sets && (before == nullptr || before->delete_set != segment.delete_set)) {
        NDB_TRY_ASSIGN(one.late_rows, load_delete_set(fs, collection, segment));
      }
    } else {
      NDB_TRY_ASSIGN(one.slot, open_slot(fs, collection, *prepared.manifest, segment));
      one.fresh = true;
      one.new_graph = one.slot.view->hnsw() != nullptr;
      code_ahead(one.slot, *now, *prepared.manifest);
      for (const auto& memtable : now->memtables)
        memtable->for_each_put(prepared.manifest->flushed_seq, prepared.derived_through,
                               [&](std::string_view id, Seq seq) { mark_if_present(one.slot, id, seq); });
    }
    prepared.segments.push_back(std::move(one));
  }
  return prepared;
}

void LiveState::install(Prepared prepared) {
  auto next = std::make_shared<Snapshot>();
  const Manifest& manifest = *prepared.manifest;
  for (const auto& memtable : snapshot_->memtables)
    if (names(manifest, memtable->wal()) && memtable->after() >= manifest.flushed_seq) next->memtables.push_back(memtable);
  for (auto& segment : prepared.segments) {
    // A row of a newer delete set was deleted by an operation up to flushed_seq that this state had not applied; searches
    // under way are older than that and may go on seeing it.
    for (const Row row : segment.late_rows) segment.slot.tombstones->mark(row, manifest.flushed_seq);
    if (segment.fresh) {
      const auto mark = [&](std::string_view id, Seq seq) { mark_if_present(segment.slot, id, seq); };
      for (const auto& memtable : next->memtables) {
        memtable->for_each_put(std::max(manifest.flushed_seq, prepared.derived_through), Seq{~std::uint64_t{0}}, mark);
        memtable->for_each_removal(manifest.flushed_seq, mark);
      }
    }
    next->segments.push_back(std::move(segment.slot));
  }
  if (next->memtables.empty())
    next->memtables.push_back(make_memtable(*next, manifest.config, manifest.wals.front().name, manifest.flushed_seq));
  next->manifest = std::move(prepared.manifest);
  NDB_CHECK(next->visible_seq() >= snapshot_->visible_seq());
  publish(std::move(next));
  wake_waiters();
}

void LiveState::wake_waiters() {
  // A read-modify-write against that of wait_for(): either this comes later and sees the waiter, or the waiter comes later and sees the
  // new sequence number. (Not a fence: ThreadSanitizer does not know them.)
  if (waiters_.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  const std::scoped_lock lock(wait_mutex_);
  applied_.notify_all();
}

bool LiveState::wait_for(Seq seq, std::chrono::milliseconds timeout) const {
  if (applied_seq() >= seq) return true;
  std::unique_lock lock(wait_mutex_);
  waiters_.fetch_add(1, std::memory_order_acq_rel);
  const bool reached =
      applied_.wait_for(lock, timeout, [&] { return interrupted_ || applied_seq() >= seq; }) && !interrupted_;
  waiters_.fetch_sub(1, std::memory_order_relaxed);
  return reached;
}

void LiveState::interrupt() {
  const std::scoped_lock lock(wait_mutex_);
  interrupted_ = true;
  applied_.notify_all();
}

}  // namespace ndb::live
