// What Database and Collection handles point to. Private to bindings/cpp. Threads: any.
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
  [[nodiscard]] bool has(std::string_view name);
  Result<std::vector<std::string>> list();
  Status drop(std::string_view name);
  Status close();
  [[nodiscard]] bool closed();

 private:
  Status check_open();

  fs::FileSystem& fs_;
  const fs::Path folder_;
  const DatabaseOptions options_;
  std::mutex mutex_;  // guards the rest
  std::map<std::string, std::shared_ptr<embedded::CollectionCore>, std::less<>> cores_;
  bool closed_ = false;
};

class Collection::Impl {
 public:
  /// Keeps the database open as long as a handle to one of its collections exists.
  std::shared_ptr<Database::Impl> database;
  std::shared_ptr<embedded::CollectionCore> core;
};

}  // namespace ndb
