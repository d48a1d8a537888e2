#include "shared/memtable/memtable.hpp"

#include <algorithm>
#include <new>

#include "shared/base/check.hpp"
#include "shared/segment/row_layout.hpp"

namespace ndb::memtable {

Memtable::Memtable(const CollectionConfig& config, format::WalName wal, Seq after, std::shared_ptr<const index::RowCoder> coder, bool coded)
    : config_(config), wal_(wal), after_(after), stride_bytes_(segment::row_stride_bytes(config.dim)),
      codes_(std::make_shared<index::RowCodes>(std::move(coder), coded)), applied_seq_(after.value) {}

Memtable::~Memtable() {
  for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
}

Memtable::Chunk& Memtable::chunk_for_append(Row row) {
  auto& place = chunks_[row / kChunkRows];
  if (Chunk* chunk = place.load(std::memory_order_relaxed); chunk != nullptr) return *chunk;
  auto chunk = std::make_unique<Chunk>();
  const std::size_t vector_bytes = std::size_t{stride_bytes_} * kChunkRows + 64;  // kernels may read a little further
  // A memtable that has filled its first chunk will most likely fill the next ones.
  chunk->vectors = BlockPool::instance().take(vector_bytes, row < kChunkRows ? BlockPool::Pages::small : BlockPool::Pages::huge);
  if (config_.distance == Distance::cosine) chunk->inverse_norms = std::make_unique<float[]>(kChunkRows);
  bytes_.fetch_add(vector_bytes + sizeof(Chunk), std::memory_order_relaxed);
  place.store(chunk.get(), std::memory_order_release);  // pairs with chunk_of()
  return *chunk.release();
}

std::optional<Row> Memtable::newest(std::string_view id) const {
  return ids_.find(segment::id_hash(id), [&](Row row) { return row_id(row) == id; });
}

void Memtable::put(Seq seq, std::string_view id, base::ByteSpan vector, base::ByteSpan payload) {
  const Row row = row_count_.load(std::memory_order_relaxed);
  NDB_CHECK(row < kMaxRows && vector.size() == config_.dim * sizeof(float));
  Chunk& chunk = chunk_for_append(row);
  std::byte* place = chunk.vectors.get() + std::size_t{row % kChunkRows} * stride_bytes_;
  std::memcpy(place, vector.data(), vector.size());
  std::memset(place + vector.size(), 0, stride_bytes_ - vector.size());
  if (chunk.inverse_norms != nullptr)
    chunk.inverse_norms[row % kChunkRows] =
        index::inverse_norm({reinterpret_cast<const float*>(place), config_.dim});
  const std::size_t arena_before = arena_.bytes(), used_before = arena_.used_bytes();
  RowMeta& meta = chunk.meta[row % kChunkRows];
  meta.created = seq;
  meta.id = base::as_text(arena_.copy(base::as_bytes(id)));
  meta.payload = payload.empty() ? base::ByteSpan{} : arena_.copy(payload);
  meta.previous = newest(id).value_or(kNone);
  bytes_.fetch_add(arena_.bytes() - arena_before, std::memory_order_relaxed);
  used_bytes_.fetch_add(stride_bytes_ + sizeof(RowMeta) + arena_.used_bytes() - used_before, std::memory_order_relaxed);
  row_count_.store(row + 1, std::memory_order_release);
  ids_.put(segment::id_hash(id), row, [&](Row other) { return row_id(other) == id; },
           [&](Row other) { return segment::id_hash(row_id(other)); });
}

bool Memtable::mark_deleted(Seq seq, std::string_view id) {
  const auto row = newest(id);
  if (!row) return false;
  RowMeta& meta = meta_of(*row);
  if (meta.deleted_at.load(std::memory_order_relaxed) != kNever) return false;
  meta.deleted_at.store(seq.value, std::memory_order_release);
  deleted_count_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void Memtable::note_removal(Seq seq, std::string_view id) {
  removals_.push_back({base::as_text(arena_.copy(base::as_bytes(id))), seq});
  bytes_.fetch_add(sizeof(Removal) + id.size(), std::memory_order_relaxed);
  used_bytes_.fetch_add(sizeof(Removal) + id.size(), std::memory_order_relaxed);
}

std::span<const float> Memtable::vector(Row row) const noexcept {
  const std::byte* place = chunk_of(row).vectors.get() + std::size_t{row % kChunkRows} * stride_bytes_;
  return {reinterpret_cast<const float*>(place), config_.dim};
}

index::VectorsView Memtable::chunk_vectors(Row chunk, Row rows_in_memtable) const noexcept {
  const Chunk& from = *chunks_[chunk].load(std::memory_order_acquire);
  index::VectorsView view;
  view.data = from.vectors.get();
  view.stride_bytes = stride_bytes_;
  view.rows = std::min(kChunkRows, rows_in_memtable - chunk * kChunkRows);
  view.dim = config_.dim;
  view.distance = config_.distance;
  view.inverse_norms = from.inverse_norms.get();
  return view;
}

Memtable::Lookup Memtable::find(std::string_view id, Seq at) const {
  auto row = newest(id).value_or(kNone);
  while (row != kNone && created(row) > at) row = meta_of(row).previous;
  if (row == kNone) return {};
  if (!visible(row, at)) return {.known = true, .row = std::nullopt};
  return {.known = true, .row = row};
}

}  // namespace ndb::memtable
