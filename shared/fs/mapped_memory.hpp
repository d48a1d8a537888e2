// What of files this process has mapped, beside the memory that it may use. While all of it may stay in memory, the system reads ahead
// and uses huge pages. Where it may not, reading ahead around rows that are read at random puts out what other searches need: a
// vector of 3 KB would cost 2 MiB. Then nothing is read ahead of mappings that are read at random, but what is asked for.
//
// Threads: all functions from any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace ndb::fs {

/// The memory that this process may use, in bytes: the machine's, or the least limit of its control groups (as they are when first asked).
[[nodiscard]] std::uint64_t memory_limit() noexcept;

class MappedMemory {
 public:
  /// limit: in bytes.
  explicit MappedMemory(std::uint64_t limit) noexcept : limit_(limit) {}
  static MappedMemory& instance();

  /// A file is mapped, or is no longer.
  void add(std::size_t bytes);
  void remove(std::size_t bytes) noexcept;
  /// A mapping is read at random from now on, until it is forgotten. begin: of a page.
  void read_at_random(void* begin, std::size_t bytes);
  void forget(void* begin) noexcept;
  /// Starts reading `bytes` bytes of a mapping that nothing is read ahead of; else does nothing, for then the system does.
  void will_need(const void* begin, std::size_t bytes) noexcept;

  /// Whether there is more than is likely to stay in memory. Once it is so, it stays so until clearly less is mapped.
  [[nodiscard]] bool is_short() noexcept;

 private:
  struct Random {
    void* begin;
    std::size_t bytes;
  };

  std::uint64_t limit_;
  std::mutex mutex_;
  std::uint64_t mapped_ = 0;
  bool short_ = false;
  std::vector<Random> random_;
};

}  // namespace ndb::fs
