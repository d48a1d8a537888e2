// id → newest row, inside one memtable. An open-addressing table of the slots of shared/segment/id_hash.hpp.
//
// Threads: one thread inserts; any number look up at the same time, without locks. A look-up may miss an insert that is going
// on, never one that finished before the reader learnt of it through the memtable's sequence number.
// Invariant: a grown table is filled before it is published; outgrown ones live as long as this does (together they are
// smaller than the newest).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "ndb/types.hpp"
#include "shared/segment/id_hash.hpp"

namespace ndb::memtable {

class IdTable {
 public:
  IdTable() { grow(1024); }

  /// same_id(row) tells whether that row has the id that is looked for.
  template <class SameId>
  [[nodiscard]] std::optional<Row> find(std::uint64_t hash, SameId same_id) const {
    const Table& table = *current_.load(std::memory_order_acquire);  // pairs with grow()
    for (std::uint64_t at = hash & table.mask;; at = (at + 1) & table.mask) {
      const std::uint64_t slot = table.slots[at].load(std::memory_order_acquire);  // pairs with put(): the row is filled
      if (slot == 0) return std::nullopt;
      if (segment::slot_may_be(slot, hash) && same_id(segment::slot_row(slot))) return segment::slot_row(slot);
    }
  }

  /// Points the id at `row`, whether it was there or not. hash_of(row) is the hash of any row's id (for growing).
  template <class SameId, class HashOf>
  void put(std::uint64_t hash, Row row, SameId same_id, HashOf hash_of) {
    if (size_ * 2 >= tables_.back()->mask) {
      const Table& old = *tables_.back();
      auto grown = make_table((old.mask + 1) * 2);
      for (std::uint64_t i = 0; i <= old.mask; ++i)
        if (const std::uint64_t slot = old.slots[i].load(std::memory_order_relaxed); slot != 0)
          place(*grown, hash_of(segment::slot_row(slot)), slot);
      publish(std::move(grown));
    }
    Table& table = *tables_.back();
    std::uint64_t at = hash & table.mask;
    for (;; at = (at + 1) & table.mask) {
      const std::uint64_t slot = table.slots[at].load(std::memory_order_relaxed);
      if (slot == 0) {
        ++size_;
        break;
      }
      if (segment::slot_may_be(slot, hash) && same_id(segment::slot_row(slot))) break;
    }
    table.slots[at].store(segment::make_slot(hash, row), std::memory_order_release);
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return (tables_.back()->mask + 1) * 2 * sizeof(std::uint64_t); }

 private:
  struct Table {
    std::uint64_t mask;
    std::unique_ptr<std::atomic<std::uint64_t>[]> slots;
  };

  static std::unique_ptr<Table> make_table(std::uint64_t slots) {
    return std::make_unique<Table>(Table{slots - 1, std::make_unique<std::atomic<std::uint64_t>[]>(slots)});
  }
  static void place(Table& table, std::uint64_t hash, std::uint64_t slot) {
    std::uint64_t at = hash & table.mask;
    while (table.slots[at].load(std::memory_order_relaxed) != 0) at = (at + 1) & table.mask;
    table.slots[at].store(slot, std::memory_order_relaxed);
  }
  void publish(std::unique_ptr<Table> table) {
    tables_.push_back(std::move(table));
    current_.store(tables_.back().get(), std::memory_order_release);
  }
  void grow(std::uint64_t slots) { publish(make_table(slots)); }

  std::vector<std::unique_ptr<Table>> tables_;
  std::atomic<const Table*> current_{nullptr};
  std::uint64_t size_ = 0;
};

}  // namespace ndb::memtable
