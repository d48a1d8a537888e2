// Many folders (one for each tenant, say), of which only so many are open at once: a lease keeps one open, and the one that was used
// longest ago is closed when another needs its place. Opening costs no pass over the data, so a small pool goes a long way.
//
// Threads: any. lease() waits while all places are leased.
#pragma once

#include <ndb/ndb.hpp>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <list>
#include <mutex>
#include <string>
#include <utility>

namespace example {

class Pool {
  struct Entry {
    std::string tenant;
    ndb::Database database;
    std::size_t leases;
  };
  using Place = std::list<Entry>::iterator;

 public:
  /// A database that stays open until the lease is gone.
  class Lease {
   public:
    Lease(Pool& pool, Place place) : pool_(&pool), place_(place) {}
    Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), place_(other.place_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->give_back(place_);
    }
    ndb::Database* operator->() const { return &place_->database; }

   private:
    Pool* pool_;
    Place place_;
  };

  Pool(std::filesystem::path root, std::size_t most_open) : root_(std::move(root)), most_open_(most_open) {}

  [[nodiscard]] ndb::Result<Lease> lease(const std::string& tenant) {
    std::unique_lock lock(mutex_);
    auto place = std::ranges::find(open_, tenant, &Entry::tenant);
    if (place == open_.end()) {
      while (open_.size() >= most_open_ && !close_one()) returned_.wait(lock);
      place = std::ranges::find(open_, tenant, &Entry::tenant);  // another may have opened it meanwhile
    }
    if (place == open_.end()) {
      auto database = ndb::Database::open(root_ / tenant);
      if (!database) return std::unexpected(database.error());
      place = open_.insert(open_.begin(), Entry{tenant, std::move(*database), 0});
      ++opened_;
    }
    open_.splice(open_.begin(), open_, place);  // used last
    ++place->leases;
    return Lease(*this, place);
  }

  /// How often a folder was opened.
  [[nodiscard]] std::size_t opened() {
    const std::lock_guard lock(mutex_);
    return opened_;
  }

 private:
  // The one that was used longest ago of those that nobody has leased; false if there is none.
  bool close_one() {
    const auto unused = std::find_if(open_.rbegin(), open_.rend(), [](const Entry& entry) { return entry.leases == 0; });
    if (unused == open_.rend()) return false;
    static_cast<void>(unused->database.close());  // syncs; what failed would have failed the writes, too
    open_.erase(std::next(unused).base());
    return true;
  }

  void give_back(Place place) {
    const std::lock_guard lock(mutex_);
    --place->leases;
    returned_.notify_one();
  }

  const std::filesystem::path root_;
  const std::size_t most_open_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable returned_;
  std::list<Entry> open_;  // used last first
  std::size_t opened_ = 0;
};

}  // namespace example
