#include "writer/segments/pace.hpp"

#include <algorithm>

namespace ndb::writer {
namespace {

// Waiting for less is not worth a wake-up.
constexpr std::chrono::milliseconds kShortestWait{5};

}  // namespace

void Pace::spend(std::uint64_t bytes, const std::stop_token& stop) {
  if (bytes_per_second_ == 0 || bytes == 0) return;
  const std::chrono::duration<double> cost(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_));
  std::unique_lock lock(mutex_);
  // Again after each wait: of several threads that waited for one time, only the first finds it paid.
  while (paid_until_ > Clock::now() + kShortestWait && !stop.stop_requested())
    never_.wait_until(lock, stop, Clock::time_point(paid_until_), [] { return false; });  // a copy: it is read without the lock
  paid_until_ = std::max(paid_until_, Clock::now()) + std::chrono::duration_cast<Clock::duration>(cost);
}

}  // namespace ndb::writer
