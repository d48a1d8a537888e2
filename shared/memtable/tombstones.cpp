#include "shared/memtable/tombstones.hpp"

#include "shared/base/check.hpp"

namespace ndb::memtable {

bool Tombstones::mark(Row row, Seq seq) {
  NDB_CHECK(row < rows_);
  if (owned_ == nullptr) {
    owned_ = std::make_unique<Marks>();
    owned_->bits = std::make_unique<std::atomic<std::uint64_t>[]>(rows_ / 64 + 1);
    owned_->deleted_at.reset(static_cast<std::uint64_t*>(std::calloc(rows_, sizeof(std::uint64_t))));
    NDB_CHECK(owned_->deleted_at != nullptr);
    marks_.store(owned_.get(), std::memory_order_release);  // pairs with the loads in visible() and for_each()
  }
  auto& word = owned_->bits[row >> 6];
  const std::uint64_t bit = std::uint64_t{1} << (row & 63);
  if ((word.load(std::memory_order_relaxed) & bit) != 0) return false;
  owned_->deleted_at[row] = seq.value;
  word.fetch_or(bit, std::memory_order_release);  // pairs with the acquire in visible(): deleted_at is there
  count_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

std::vector<Row> Tombstones::rows_deleted_up_to(Seq seq) const {
  std::vector<Row> rows;
  for_each([&](Row row, Seq deleted_at) {
    if (deleted_at <= seq) rows.push_back(row);
  });
  return rows;
}

}  // namespace ndb::memtable
