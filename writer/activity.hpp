// How long the background work of a collection took, since its writer was opened: flushes, merges, graphs. Threads: any; each
// number is right, a set of them may be between two notes.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace ndb::writer {

enum class Work : std::uint8_t {
  flush,  ///< a memtable into a segment, published
  merge,  ///< segments into one, its graph included, published
  graph,  ///< a graph, of a merge or alone
};
inline constexpr std::size_t kWorkKinds = 3;

class Activity {
 public:
  /// Upper bounds in seconds; the last bucket has none.
  static constexpr std::array<double, 12> kBuckets{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1'800, 7'200};

  struct Times {
    std::array<std::uint64_t, kBuckets.size() + 1> counts{};  ///< of each bucket alone
    double seconds = 0.0;                                     ///< together
  };
  using AllTimes = std::array<Times, kWorkKinds>;

  void note(Work work, std::chrono::steady_clock::duration took) noexcept {
    const double seconds = std::chrono::duration<double>(took).count();
    std::size_t bucket = 0;
    while (bucket < kBuckets.size() && seconds > kBuckets[bucket]) ++bucket;
    Counters& counters = counters_[static_cast<std::size_t>(work)];
    counters.counts[bucket].fetch_add(1, std::memory_order_relaxed);
    counters.nanoseconds.fetch_add(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()),
        std::memory_order_relaxed);
  }

  [[nodiscard]] AllTimes times() const noexcept {
    AllTimes all;
    for (std::size_t work = 0; work < kWorkKinds; ++work) {
      for (std::size_t i = 0; i <= kBuckets.size(); ++i)
        all[work].counts[i] = counters_[work].counts[i].load(std::memory_order_relaxed);
      all[work].seconds = static_cast<double>(counters_[work].nanoseconds.load(std::memory_order_relaxed)) * 1e-9;
    }
    return all;
  }

 private:
  struct Counters {  // relaxed: statistics
    std::array<std::atomic<std::uint64_t>, kBuckets.size() + 1> counts{};
    std::atomic<std::uint64_t> nanoseconds{0};
  };
  std::array<Counters, kWorkKinds> counters_;
};

/// Notes the time from its construction to done().
class Timed {
 public:
  Timed(Activity& activity, Work work) noexcept : activity_(activity), work_(work) {}
  void done() const noexcept { activity_.note(work_, std::chrono::steady_clock::now() - began_); }

 private:
  Activity& activity_;
  const Work work_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace ndb::writer
