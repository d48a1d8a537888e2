#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>

#include <atomic>
#include <tuple>

#include "bindings/cpp/core_access.hpp"
#include "bindings/cpp/database_impl.hpp"
#include "ipc/shm/control_block.hpp"
#include "shared/format/file_names.hpp"
#include "writer/create_collection.hpp"

namespace ndb {
namespace {

using embedded::CollectionCore;

Error closed_error() { return {ErrorCode::unavailable, "the database was closed", {}}; }

// One engine per folder and mode in a process, however it was spelt.
using FolderKey = std::tuple<dev_t, ino_t, bool>;
struct Registry {
  std::mutex mutex;
  std::map<FolderKey, std::weak_ptr<Database::Impl>> open;
};
// A forked child starts with an empty one: what the parent has open is of no use to it, nor is a mutex that another thread held.
Registry& registry() {
  static std::atomic<Registry*> current{new Registry};
  static const int registered = ::pthread_atfork(nullptr, nullptr, [] {
    embedded::keep_for_ever(std::shared_ptr<Registry>(current.exchange(new Registry, std::memory_order_relaxed)));
  });
  static_cast<void>(registered);
  return *current.load(std::memory_order_relaxed);
}

Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return base::fail_errno(error.value(), "create " + folder.string());
  return {};
}

}  // namespace

Database::Database(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

Result<Database> Database::open(const std::filesystem::path& folder, const DatabaseOptions& options) {
  return embedded::open_database(fs::posix_file_system(), folder, options);
}

Result<Database> embedded::open_database(fs::FileSystem& fs, const std::filesystem::path& folder, const DatabaseOptions& options) {
  if (folder.empty()) return fail(ErrorCode::invalid_argument, "the folder's name is empty", "data_dir");
  if (folder.native().contains('\0')) return fail(ErrorCode::invalid_argument, "the folder's name holds a zero byte", "data_dir");
  if (!options.read_only) NDB_TRY(make_folder(folder));
  const auto absolute = std::filesystem::absolute(folder);
  struct stat status {};
  if (::stat(absolute.c_str(), &status) != 0) {
    if (options.read_only && errno == ENOENT)  // a reader may start first
      return Database(std::make_shared<Database::Impl>(fs, absolute, options));
    return base::fail_errno(errno, "open " + absolute.string());
  }
  if (!S_ISDIR(status.st_mode))
    return fail(ErrorCode::invalid_argument, absolute.string() + " is not a folder", "data_dir");
  const FolderKey key{status.st_dev, status.st_ino, options.read_only};
  const std::scoped_lock lock(registry().mutex);
  if (auto known = registry().open[key].lock(); known != nullptr && !known->closed())
    return Database(std::move(known));
  auto fresh = std::make_shared<Database::Impl>(fs, absolute, options);
  registry().open[key] = fresh;
  return Database(std::move(fresh));
}

Result<std::shared_ptr<CollectionCore>> embedded::core_of(const std::filesystem::path& folder, bool read_only,
                                                          std::string_view name) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return base::fail_errno(errno, "open " + folder.string());
  std::shared_ptr<Database::Impl> database;
  {
    const std::scoped_lock lock(registry().mutex);
    const auto known = registry().open.find({status.st_dev, status.st_ino, read_only});
    if (known != registry().open.end()) database = known->second.lock();
  }
  if (database == nullptr) return fail(ErrorCode::unavailable, folder.string() + " is not open");
  return database->get(name);
}

// Not while it closes: whoever opens the folder anew needs the locks that are given up then.
bool Database::Impl::closed() {
  const std::scoped_lock closing(closing_mutex_);
  const std::scoped_lock lock(mutex_);
  return closed_;
}

Status Database::Impl::check_open() {
  if (closed_) return std::unexpected(closed_error());
  return {};
}

Status Database::Impl::create(std::string_view name, const CollectionConfig& config) {
  NDB_TRY(fork_.check());
  NDB_TRY(validate_collection_name(name));
  NDB_TRY(validate(config));
  {
    const std::scoped_lock lock(mutex_);
    NDB_TRY(check_open());
  }
  if (options_.read_only) return fail(ErrorCode::read_only, "the database was opened read-only");
  writer::sweep_leftovers(fs_, folder_);
  return writer::create_collection(fs_, folder_, name, config);
}

Result<std::shared_ptr<Database::Impl::Entry>> Database::Impl::entry_of(std::string_view name) {
  NDB_TRY(fork_.check());
  const std::scoped_lock lock(mutex_);
  NDB_TRY(check_open());
  auto known = entries_.find(name);
  if (known == entries_.end()) known = entries_.emplace(name, std::make_shared<Entry>()).first;
  return known->second;
}

// With the entry locked.
void Database::Impl::forget(Entry& entry, std::string_view name) {
  const std::scoped_lock lock(mutex_);
  entry.removed = true;
  if (const auto known = entries_.find(name); known != entries_.end() && known->second.get() == &entry) entries_.erase(known);
}

// With the entry locked. A name that leads to no collection leaves no entry behind.
Result<std::shared_ptr<CollectionCore>> Database::Impl::open_into(Entry& entry, std::string_view name) {
  if (entry.core != nullptr && !entry.core->gone()) return entry.core;
  if (entry.core != nullptr)
    static_cast<void>(entry.core->close({ErrorCode::not_found, fmt::format("collection '{}' was dropped", name), {}}));
  entry.core = nullptr;
  auto opened = CollectionCore::open(fs_, folder_ / name, std::string(name), options_);
  if (!opened) {
    forget(entry, name);
    return opened;
  }
  {
    const std::scoped_lock lock(mutex_);
    if (!closed_) {
      entry.core = *opened;
      return opened;
    }
  }
  static_cast<void>((*opened)->close(closed_error()));
  return std::unexpected(closed_error());
}

Result<std::shared_ptr<CollectionCore>> Database::Impl::get(std::string_view name) {
  NDB_TRY(validate_collection_name(name));
  for (;;) {
    NDB_TRY_ASSIGN(const auto entry, entry_of(name));
    const std::scoped_lock one_at_a_time(entry->mutex);
    if (!entry->removed) return open_into(*entry, name);
  }
}

Status Database::Impl::check_usable() {
  NDB_TRY(fork_.check());
  const std::scoped_lock lock(mutex_);
  return check_open();
}

bool Database::Impl::has(std::string_view name) {
  if (!validate_collection_name(name)) return false;
  const auto there = fs_.exists(format::current_file_path(folder_ / name));
  return there && *there;
}

Result<std::vector<std::string>> Database::Impl::list() {
  NDB_TRY(check_usable());
  auto names = fs_.list(folder_);
  if (!names && names.error().code == ErrorCode::not_found && options_.read_only) return std::vector<std::string>{};
  if (!names) return names;
  std::erase_if(*names, [this](const std::string& name) { return !has(name); });
  return names;
}

// Whoever else writes to it must not lose it; this process's own lock is given up for a moment.
Status Database::Impl::drop_locked(Entry& entry, std::string_view name) {
  NDB_TRY_ASSIGN(const auto core, open_into(entry, name));
  if (options_.read_only) return fail(ErrorCode::read_only, "the database was opened read-only");
  const auto key = ipc::control_block_key(core->path());
  std::optional<ipc::WriterLock> held;  // taken before anything is closed, so that a refusal changes nothing
  if (core->current_writer() == nullptr) {
    NDB_TRY_ASSIGN(held, ipc::WriterLock::acquire(format::lock_path(core->path())));
  }
  NDB_TRY(core->close({ErrorCode::not_found, fmt::format("collection '{}' was dropped", name), {}}));
  if (!held) {
    NDB_TRY_ASSIGN(held, ipc::WriterLock::acquire(format::lock_path(core->path())));
  }
  NDB_TRY(writer::drop_collection(fs_, folder_, name));
  forget(entry, name);  // only now: until then others wait at the entry rather than open what is going
  if (key) ipc::ControlBlock::remove(*key);
  return {};
}

Status Database::Impl::drop(std::string_view name) {
  NDB_TRY(validate_collection_name(name));
  for (;;) {
    NDB_TRY_ASSIGN(const auto entry, entry_of(name));
    const std::scoped_lock one_at_a_time(entry->mutex);
    if (!entry->removed) return drop_locked(*entry, name);
  }
}

Status Database::Impl::close() {
  if (fork_.inherited()) return {};  // see ~CollectionCore
  const std::scoped_lock closing(closing_mutex_);
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> entries;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    entries.swap(entries_);
  }
  Status first;
  for (const auto& [name, entry] : entries) {
    const std::scoped_lock one_at_a_time(entry->mutex);
    entry->removed = true;
    if (entry->core == nullptr) continue;  // its opening noticed
    if (auto status = entry->core->close(closed_error()); !status && first) first = std::move(status);
    entry->core = nullptr;
  }
  return first;
}

Result<Collection> Database::create_collection(std::string_view name, const CollectionConfig& config) {
  NDB_TRY(impl_->create(name, config));
  return get_collection(name);
}

Result<Collection> Database::get_collection(std::string_view name) const {
  NDB_TRY_ASSIGN(auto core, impl_->get(name));
  return Collection(std::make_shared<Collection::Impl>(impl_, std::move(core)));
}

bool Database::has_collection(std::string_view name) const {
  return impl_->check_usable() && impl_->has(name);
}
Result<std::vector<std::string>> Database::list_collections() const { return impl_->list(); }
Status Database::drop_collection(std::string_view name) { return impl_->drop(name); }
Status Database::close() { return impl_->close(); }

}  // namespace ndb
