// What Database and Collection handles point to. Private to bindings/cpp. Threads: any.
//
// Opening, dropping and closing a collection can take long, so each happens under the lock of that collection's entry alone; the
// database's own lock is held to look an entry up. Lock order: entry, then database.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "bindings/cpp/collection_core.hpp"
#include "ndb/ndb.hpp"

namespace ndb {

class Database::Impl {
 public:
  Impl(fs::FileSystem& fs, fs::Path folder, const DatabaseOptions& options)
      : fs_(fs), folder_(std::move(folder)), options_(options) {}
  ~Impl() { static_cast<void>(close()); }

  Status create(std::string_view name, const CollectionConfig& config);
  Result<std::shared_ptr<embedded::CollectionCore>> get(std::string_view name);
  /// unavailable once it is closed, or in a process that inherited it.
  [[nodiscard]] Status check_usable();
  [[nodiscard]] bool has(std::string_view name);
  Result<std::vector<std::string>> list();
  Status drop(std::string_view name);
  Status close();
  [[nodiscard]] bool closed();

 private:
  /// A name under which a collection is, or is about to be, open.
  struct Entry {
    std::mutex mutex;  // guards the rest; held while the collection is opened, dropped or closed
    std::shared_ptr<embedded::CollectionCore> core;
    bool removed = false;  // no longer in entries_: look the name up again
  };

  Status check_open();
  Result<std::shared_ptr<Entry>> entry_of(std::string_view name);
  Result<std::shared_ptr<embedded::CollectionCore>> open_into(Entry& entry, std::string_view name);
  Status drop_locked(Entry& entry, std::string_view name);
  void forget(Entry& entry, std::string_view name);

  fs::FileSystem& fs_;
  const fs::Path folder_;
  const DatabaseOptions options_;
  const embedded::ForkMark fork_;
  std::mutex closing_mutex_;  // held while close() runs; taken before any other
  std::mutex mutex_;          // guards the rest
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> entries_;
  bool closed_ = false;
};

class Collection::Impl {
 public:
  Impl(std::shared_ptr<Database::Impl> in, std::shared_ptr<embedded::CollectionCore> of,
       std::shared_ptr<reader::PastVersion> older = nullptr)
      : database(std::move(in)), core(std::move(of)), past(std::move(older)) {}
  ~Impl() {
    if (past != nullptr && !core->check_process()) embedded::keep_for_ever(std::move(past));
  }

  /// What to answer from.
  [[nodiscard]] Result<live::View> view() const { return view_at({}, {}); }
  /// Waits until `seq` is visible; replica_lagging after `bound`.
  [[nodiscard]] Result<live::View> view_at(Seq seq, std::chrono::milliseconds bound) const;
  /// For mutations: read_only if this is an old version.
  [[nodiscard]] Status check_newest() const;

  /// Keeps the database open as long as a handle to one of its collections exists.
  const std::shared_ptr<Database::Impl> database;
  const std::shared_ptr<embedded::CollectionCore> core;
  std::shared_ptr<reader::PastVersion> past;  ///< null: the newest state; gone before the core
};

}  // namespace ndb
