#include <fmt/format.h>
#include <sys/stat.h>

#include <tuple>

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
Registry& registry() {
  static Registry instance;
  return instance;
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
  if (folder.empty()) return fail(ErrorCode::invalid_argument, "the folder's name is empty", "data_dir");
  if (!options.read_only) NDB_TRY(make_folder(folder));
  const auto absolute = std::filesystem::absolute(folder);
  struct stat status {};
  if (::stat(absolute.c_str(), &status) != 0) {
    if (options.read_only && errno == ENOENT)  // a reader may start first
      return Database(std::make_shared<Impl>(fs::posix_file_system(), absolute, options));
    return base::fail_errno(errno, "open " + absolute.string());
  }
  if (!S_ISDIR(status.st_mode))
    return fail(ErrorCode::invalid_argument, absolute.string() + " is not a folder", "data_dir");
  const FolderKey key{status.st_dev, status.st_ino, options.read_only};
  const std::scoped_lock lock(registry().mutex);
  if (auto known = registry().open[key].lock(); known != nullptr && !known->closed()) return Database(std::move(known));
  auto fresh = std::make_shared<Impl>(fs::posix_file_system(), absolute, options);
  registry().open[key] = fresh;
  return Database(std::move(fresh));
}

bool Database::Impl::closed() {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

Status Database::Impl::check_open() {
  if (closed_) return std::unexpected(closed_error());
  return {};
}

Status Database::Impl::create(std::string_view name, const CollectionConfig& config) {
  NDB_TRY(validate_collection_name(name));
  NDB_TRY(validate(config));
  {
    const std::scoped_lock lock(mutex_);
    NDB_TRY(check_open());
  }
  if (options_.read_only) return fail(ErrorCode::read_only, "the database was opened read-only");
  return writer::create_collection(fs_, folder_, name, config);
}

Result<std::shared_ptr<CollectionCore>> Database::Impl::get(std::string_view name) {
  NDB_TRY(validate_collection_name(name));
  const std::scoped_lock lock(mutex_);
  NDB_TRY(check_open());
  if (const auto known = cores_.find(name); known != cores_.end()) {
    if (!known->second->gone()) return known->second;
    static_cast<void>(known->second->close({ErrorCode::not_found, fmt::format("collection '{}' was dropped", name), {}}));
    cores_.erase(known);
  }
  NDB_TRY_ASSIGN(auto core, CollectionCore::open(fs_, folder_ / name, std::string(name), options_));
  cores_.emplace(name, core);
  return core;
}

bool Database::Impl::has(std::string_view name) {
  if (!validate_collection_name(name)) return false;
  const auto there = fs_.exists(format::current_file_path(folder_ / name));
  return there && *there;
}

Result<std::vector<std::string>> Database::Impl::list() {
  {
    const std::scoped_lock lock(mutex_);
    NDB_TRY(check_open());
  }
  auto names = fs_.list(folder_);
  if (!names && names.error().code == ErrorCode::not_found && options_.read_only) return std::vector<std::string>{};
  if (!names) return names;
  std::erase_if(*names, [this](const std::string& name) { return !has(name); });
  return names;
}

Status Database::Impl::drop(std::string_view name) {
  NDB_TRY_ASSIGN(const auto core, get(name));
  if (options_.read_only) return fail(ErrorCode::read_only, "the database was opened read-only");
  const std::scoped_lock lock(mutex_);
  // Whoever else writes to it must not lose it; this process's own lock is given up for a moment.
  const auto key = ipc::control_block_key(core->path());
  const auto known = cores_.find(name);
  if (known == cores_.end() || known->second != core)  // another thread was quicker
    return fail(ErrorCode::not_found, fmt::format("no collection '{}'", name), "name");
  std::optional<ipc::WriterLock> held;  // taken before anything is closed, so that a refusal changes nothing
  if (core->current_writer() == nullptr) {
    NDB_TRY_ASSIGN(held, ipc::WriterLock::acquire(format::lock_path(core->path())));
  }
  NDB_TRY(core->close({ErrorCode::not_found, fmt::format("collection '{}' was dropped", name), {}}));
  cores_.erase(known);
  if (!held) {
    NDB_TRY_ASSIGN(held, ipc::WriterLock::acquire(format::lock_path(core->path())));
  }
  NDB_TRY(writer::drop_collection(fs_, folder_, name));
  if (key) ipc::ControlBlock::remove(*key);
  return {};
}

Status Database::Impl::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  Status first;
  for (const auto& [name, core] : cores_)
    if (auto status = core->close(closed_error()); !status && first) first = std::move(status);
  cores_.clear();
  return first;
}

Result<Collection> Database::create_collection(std::string_view name, const CollectionConfig& config) {
  NDB_TRY(impl_->create(name, config));
  return get_collection(name);
}

Result<Collection> Database::get_collection(std::string_view name) const {
  NDB_TRY_ASSIGN(auto core, impl_->get(name));
  return Collection(std::make_shared<Collection::Impl>(Collection::Impl{impl_, std::move(core)}));
}

bool Database::has_collection(std::string_view name) const { return impl_->has(name); }
Result<std::vector<std::string>> Database::list_collections() const { return impl_->list(); }
Status Database::drop_collection(std::string_view name) { return impl_->drop(name); }
Status Database::close() { return impl_->close(); }

}  // namespace ndb
