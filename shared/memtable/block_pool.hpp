// Memory for the vectors of memtables. What a flushed memtable gives back serves the next one: its pages are there already, and touching
// new ones costs as much as filling them. New blocks are cut from slabs of huge pages, which are touched once for 512 small ones.
//
// Threads: any; who finds the pool busy goes without it, so a lock that a process inherited over fork() stops nobody. Invariant: what is kept is never more than kMostKept, nor than what is in use, so a process that has stopped writing keeps little.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace ndb::memtable {

class BlockPool {
 public:
  static constexpr std::size_t kMostKept = std::size_t{32} << 20;
  static constexpr std::size_t kWorthKeeping = std::size_t{256} << 10;  ///< smaller blocks are malloc's to keep
  static constexpr std::size_t kAlignment = 64;

  static constexpr std::size_t kWorthMapping = std::size_t{1} << 20;  ///< smaller ones hold too little of a huge page

  enum class Pages : std::uint8_t {
    small,
    huge  ///< if the system has any: for blocks that will be filled, for what is touched of them may take 2 MiB at once
  };

  struct Slab;
  struct Kind {
    std::size_t bytes = 0;
    Slab* slab = nullptr;  ///< that it is a part of; null: it comes from operator new
  };
  /// Gives a block back to the pool that it came from.
  struct GiveBack {
    BlockPool* pool = nullptr;
    Kind kind;
    void operator()(std::byte* block) const noexcept { pool->give_back(block, kind); }
  };
  using Block = std::unique_ptr<std::byte, GiveBack>;

  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();
  /// The process's, which never ends.
  [[nodiscard]] static BlockPool& instance();

  /// Aligned to kAlignment; its content is undefined. Throws std::bad_alloc. The pool must outlive it.
  [[nodiscard]] Block take(std::size_t bytes, Pages pages = Pages::small);
  [[nodiscard]] std::size_t kept_bytes() const;

 private:
  struct Kept {
    std::byte* block;
    Kind kind;
  };

  [[nodiscard]] std::optional<Kept> take_kept(std::size_t bytes);  ///< none of that size is kept: nullopt
  [[nodiscard]] std::optional<Kept> take_mapped(std::size_t bytes);
  void give_back(std::byte* block, Kind kind) noexcept;
  [[nodiscard]] bool keep(std::byte* block, Kind kind, std::size_t most) noexcept;
  [[nodiscard]] std::optional<Kept> take_beyond(std::size_t most) noexcept;

  std::atomic<std::size_t> used_bytes_ = 0;
  mutable std::mutex mutex_;  // for what follows
  std::vector<Kept> kept_;
  std::size_t kept_bytes_ = 0;
  Slab* slab_ = nullptr;  ///< the newest one, unless all of it is given out
};

}  // namespace ndb::memtable
