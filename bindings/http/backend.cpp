#include "bindings/http/backend.hpp"

#include <mutex>

#include "bindings/cpp/core_access.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {

Status Backend::open() {
  std::error_code ignored;
  if (is_reader() && !std::filesystem::is_directory(folder_, ignored)) {
    return fail(ErrorCode::unavailable, "the data folder " + folder_.string() + " does not exist yet");
  }
  NDB_TRY(database());
  return {};
}

Result<Database> Backend::database() {
  {
    const std::shared_lock lock(mutex_);
    if (database_) return *database_;
  }
  const std::unique_lock lock(mutex_);
  if (closed_) return fail(ErrorCode::unavailable, "the database is closing");
  if (database_) return *database_;
  auto opened = embedded::open_database(files_, folder_, options_);
  if (opened) database_ = *opened;
  return opened;
}

Result<Collection> Backend::collection(std::string_view name) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = collections_.find(name); found != collections_.end()) return found->second;
  }
  NDB_TRY_ASSIGN(const Database database, this->database());
  NDB_TRY_ASSIGN(Collection collection, database.get_collection(name));
  const std::unique_lock lock(mutex_);
  if (closed_) return fail(ErrorCode::unavailable, "the database is closing");
  return collections_.try_emplace(std::string(name), std::move(collection)).first->second;
}

Result<Collection> Backend::create(std::string_view name, const CollectionConfig& config) {
  NDB_TRY_ASSIGN(Database database, this->database());
  NDB_TRY_ASSIGN(Collection collection, database.create_collection(name, config));
  const std::unique_lock lock(mutex_);
  if (!closed_) collections_.insert_or_assign(std::string(name), collection);
  return collection;
}

Status Backend::drop(std::string_view name) {
  NDB_TRY_ASSIGN(Database database, this->database());
  NDB_TRY(database.drop_collection(name));
  forget(name);
  return {};
}

Result<std::vector<std::string>> Backend::names() {
  NDB_TRY_ASSIGN(const Database database, this->database());
  return database.list_collections();
}

Result<Seq> Backend::note_replica(std::string_view name, const ReplicaReport& report) {
  NDB_TRY(collection(name));
  NDB_TRY_ASSIGN(const auto core, embedded::core_of(folder_, options_.read_only, name));
  const auto writer = core->current_writer();
  if (writer == nullptr) return fail(ErrorCode::unavailable, "this process does not write to the collection now");
  NDB_TRY(writer->reader_reported({report.host, report.pid, report.pinned_version, report.seq}));
  return writer->state().applied_seq();
}

Result<std::shared_ptr<writer::WalFeed>> Backend::feed(std::string_view name) {
  NDB_TRY(collection(name));
  NDB_TRY_ASSIGN(const auto core, embedded::core_of(folder_, options_.read_only, name));
  const auto writer = core->current_writer();
  if (writer == nullptr) return fail(ErrorCode::unavailable, "this process does not write to the collection now");
  return std::shared_ptr<writer::WalFeed>(writer, &writer->feed());
}

void Backend::close_feeds() {
  for (const std::string& name : names().value_or(std::vector<std::string>{}))
    if (const auto open = feed(name)) (*open)->close();
}

Result<ManifestVersion> Backend::pinned_version(std::string_view name) const {
  NDB_TRY_ASSIGN(const auto core, embedded::core_of(folder_, options_.read_only, name));
  return core->pinned_version();
}

std::optional<writer::Activity::AllTimes> Backend::activity(std::string_view name) const {
  if (is_reader()) return std::nullopt;
  const auto core = embedded::core_of(folder_, options_.read_only, name);
  const auto writer = core ? (*core)->current_writer() : nullptr;
  if (writer == nullptr) return std::nullopt;
  return writer->activity();
}

void Backend::forget(std::string_view name) {
  const std::unique_lock lock(mutex_);
  if (const auto found = collections_.find(name); found != collections_.end()) collections_.erase(found);
}

Status Backend::close() {
  std::optional<Database> database;
  std::map<std::string, Collection, std::less<>> collections;
  {
    const std::unique_lock lock(mutex_);
    closed_ = true;
    database.swap(database_);
    collections.swap(collections_);
  }
  if (!database) return {};
  collections.clear();
  return database->close();
}

}  // namespace ndb::http
